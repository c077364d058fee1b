"""Data for TRL's trainers, with a data set mixture to start from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from datakit.records import LABEL, MESSAGES, REJECTED, TEXT, TOOLS, Batch, Table
from datakit.stage import WrittenFile
from datakit.stages.write.companions import by_split, yaml_text
from datakit.stages.write.layouts import check_applies
from datakit.stages.write.open_ai_turns import nested_messages
from datakit.stages.write.shapes import tools_of
from datakit.stages.write.trainer import Holds, TrainerSettings, check_container

LAST_ONLY = ("prompt_completion", "preference", "unpaired")
CONVERSATIONS = ("conversational", *LAST_ONLY)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrlSink(TrainerSettings):
    """Write data for TRL's trainers (SFT, DPO, reward models, KTO).

    `layout` is one of TRL's dataset types: `language_modeling` (`text`), `conversational`
    (`messages`), `prompt_completion` (two lists of messages; the last answer alone is trained),
    `preference` (`prompt`, `chosen`, `rejected`), `unpaired` (`prompt`, `completion`, `label`).
    `trl.yaml` beside the split folders has the `datasets` of a TRL configuration.

    `tools = true` is for conversations with tool calls: messages also have `tool_calls`,
    `tool_call_id` and `name`, and the record `tools`, null where there is none; arguments and
    tools are JSON text, as Arrow would give objects the keys of all others. `reasoning` = "field"
    puts reasoning into `reasoning_content`, for chat templates that know it; "inline" before the
    content as `<think>…</think>`. Both need Parquet. `container` is `parquet` or `jsonl`.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass.

    TRL checks neither the order of roles nor empty texts, so that is done here. Reasons: those of
    an invalid conversation (see `filter.conversation`), `needs_tools`, `broken_tools` (no JSON list
    of tools with names), `untrained_turn` (an answer not to be trained: TRL knows no such flag;
    `prompt_completion` trains the last alone), `turn_weight`, `record_weight`, `judged_bad` (its
    `label` is false), `special_token`, `no_rejected`, `empty_rejected`, `equal_answers`,
    `no_label`, `no_text`, `empty_text`. KTO pairs neighbours of a batch, and a `fraction` takes the
    first records: `split.random` shuffles.

    Facts from TRL 1.16.
    """

    layout: Literal[
        "conversational", "language_modeling", "prompt_completion", "preference", "unpaired"
    ] = "conversational"
    container: Literal["parquet", "jsonl"] = "parquet"
    tools: bool = False
    reasoning: Literal["inline", "field"] = "inline"

    def __post_init__(self) -> None:
        check_applies(self, dict.fromkeys(("tools", "reasoning"), CONVERSATIONS))
        check_container(self, parquet_only=self.tools, key="tools")
        check_container(self, parquet_only=self.reasoning == "field", key="reasoning")

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        kinds = {"language_modeling": "text", "preference": "preference", "unpaired": "feedback"}
        kind = kinds.get(self.layout, "chat")
        last_only = self.layout in LAST_ONLY
        return Holds(
            kind,  # type: ignore[arg-type]
            tools=self.tools,
            spoken_calls=self.tools,
            all_answers=not last_only,
        )

    @property
    def keeps_reasoning(self) -> bool:
        """With `reasoning = "field"`."""
        return self.reasoning == "field"

    def shape(self, batch: Batch) -> Table:
        """The columns of the layout."""
        if self.layout == "language_modeling":
            return batch.select(TEXT)
        fields = [*(("tool_calls", "tool_call_id", "name") if self.tools else ())]
        fields += ["reasoning_content"] * self.keeps_reasoning
        messages = nested_messages(batch[MESSAGES], *fields)
        columns = [messages]
        if self.layout != "conversational":
            count = pl.col(MESSAGES).list.len()
            names = ("prompt", "chosen" if self.layout == "preference" else "completion")
            columns = (
                messages.to_frame()
                .select(
                    pl.col(MESSAGES).list.head(count - 1).alias(names[0]),
                    pl.col(MESSAGES).list.tail(1).alias(names[1]),
                )
                .get_columns()
            )
        if self.layout == "preference":
            columns.append(nested_messages(batch[REJECTED], *fields))
        if self.layout == "unpaired":
            columns.append(batch[LABEL])
        if self.tools:
            columns.append(none_for_empty(tools_of(batch)))
        return pl.DataFrame(columns)

    def companions(self, name: str, files: Sequence[WrittenFile]) -> Mapping[str, str]:  # noqa: ARG002
        """`trl.yaml`."""
        loader = "parquet" if self.is_parquet else "json"
        entries = {
            split: {"path": loader, "data_files": paths, "split": "train"}
            for split, paths in by_split(files).items()
        }
        train = entries.get("train") or next(iter(entries.values()), {})
        return {"trl.yaml": yaml_text({"datasets": [train]})} if train else {}


def none_for_empty(texts: pl.Series) -> pl.Series:
    """Null for empty texts."""
    return (
        texts.to_frame(TOOLS)
        .select(pl.when(pl.col(TOOLS) != "").then(pl.col(TOOLS)).alias(TOOLS))
        .to_series()
    )
