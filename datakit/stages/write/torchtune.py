"""Data for torchtune, with the lines for its configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from datakit.records import MESSAGES, REJECTED, TEXT, Batch, Table
from datakit.stage import WrittenFile
from datakit.stages.write import shapes
from datakit.stages.write.companions import by_split, yaml_text
from datakit.stages.write.open_ai_turns import nested_messages
from datakit.stages.write.trainer import Holds, TrainerSettings

BUILDERS: dict[str, dict[str, Any]] = {
    "chat": {
        "_component_": "torchtune.datasets.chat_dataset",
        "conversation_column": "messages",
        "conversation_style": "openai",
    },
    "instruct": {
        "_component_": "torchtune.datasets.instruct_dataset",
        "column_map": {"input": "input", "output": "output"},
    },
    "preference": {"_component_": "torchtune.datasets.preference_dataset"},
    "text": {"_component_": "torchtune.datasets.text_completion_dataset", "column": "text"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TorchtuneSink(TrainerSettings):
    """Write data for torchtune: conversations, instructions, preferences and text.

    `layout`: `chat` is `messages` with role and content, `instruct` `input` and `output` (one
    turn, no system message), `preference` two whole dialogues `chosen` and `rejected`, `text`
    `text`. `torchtune.yaml` beside the split folders has the `dataset` of a configuration.
    `container` is `parquet` or `jsonl`. torchtune has no tools, flags or weights; reasoning
    stands before the content as `<think>…</think>`.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass.

    What its `validate_messages` would stop the training for is refused here. Reasons: those of an
    invalid conversation (see `filter.conversation`), `needs_tools`, `multi_turn` and `has_system`
    (instruct), `untrained_turn`, `turn_weight`, `record_weight`, `judged_bad` (its `label` is
    false), `special_token`, `no_rejected`, `empty_rejected`, `equal_answers`, `no_text`,
    `empty_text`.

    Facts from torchtune 0.6.1.
    """

    layout: Literal["chat", "instruct", "preference", "text"] = "chat"
    container: Literal["parquet", "jsonl"] = "parquet"

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        is_instruct = self.layout == "instruct"
        if self.layout == "preference":
            return Holds("preference", all_answers=False)
        if self.layout == "text":
            return Holds("text")
        return Holds("chat", system=not is_instruct, turns=not is_instruct)

    def shape(self, batch: Batch) -> Table:
        """The columns of the layout; none is null."""
        if self.layout == "text":
            return batch.select(TEXT)
        if self.layout == "instruct":
            texts = shapes.prompt_completion(batch, conversational=False)
            return pl.DataFrame([texts[0].alias("input"), texts[1].alias("output")])
        whole = nested_messages(batch[MESSAGES])
        if self.layout == "chat":
            return pl.DataFrame([whole])
        count = pl.col(MESSAGES).list.len()
        other = pl.col(MESSAGES).list.head(count - 1).list.concat(pl.col(REJECTED))
        answers = pl.DataFrame([whole, nested_messages(batch[REJECTED])])
        return answers.select(pl.col(MESSAGES).alias("chosen"), other.alias("rejected"))

    def companions(self, name: str, files: Sequence[WrittenFile]) -> Mapping[str, str]:  # noqa: ARG002
        """`torchtune.yaml`."""
        splits = by_split(files)
        if "train" not in splits:
            return {}
        source = "parquet" if self.is_parquet else "json"
        entry = dict(BUILDERS[self.layout])
        entry |= {"source": source, "data_files": splits["train"], "split": "train"}
        return {"torchtune.yaml": yaml_text({"dataset": entry})}
