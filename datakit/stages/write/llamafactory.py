"""Data for LLaMA-Factory, with its `dataset_info.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import polars as pl

from datakit.records import LABEL, MESSAGES, REJECTED, TEXT, Batch, Table
from datakit.stage import WrittenFile
from datakit.stages.write import shapes
from datakit.stages.write.companions import by_split, yaml_text
from datakit.stages.write.trainer import Holds, TrainerSettings
from datakit.text.special_tokens import MEDIA_TOKENS, SPECIAL_TOKENS

TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
OPENAI_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "function_tag": "function_call",
    "system_tag": "system",
}
TURNS = {"messages": "conversations", "system": "system", "tools": "tools"}
COLUMNS = {
    "sharegpt": TURNS,
    "openai": {**TURNS, "messages": "messages"},
    "ranking": {**TURNS, "chosen": "chosen", "rejected": "rejected"},
    "kto": {**TURNS, "kto_tag": "kto_tag"},
    "pretrain": {"prompt": "text"},
}
STAGES = {"pretrain": "pt", "ranking": "dpo", "kto": "kto"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LlamaFactorySink(TrainerSettings):
    """Write data for LLaMA-Factory (ShareGPT, alpaca, OpenAI, pretraining, ranking, KTO).

    `dataset_info.json` beside the split folders declares a data set for each split, named after
    the pipeline (`medical`, `medical_val`, `medical_test`), so that the output is a
    `dataset_dir`; `llamafactory.yaml` has the lines for a training configuration. `layout`:

    - `sharegpt`: `conversations` (human, gpt, function_call, observation), `system`, `tools`;
    - `openai`: the same as `messages` with role and content;
    - `alpaca`: `instruction`, `input` (always empty), `output`, `system`, and with Parquet
      `history`; no tools;
    - `pretrain`: `text`;
    - `ranking`: the conversation up to the question, `chosen` and `rejected` (DPO, ORPO, reward);
    - `kto`: a conversation with `kto_tag`.

    `container` is `parquet`, whose types are stated, or `jsonl`. Reasoning stands before the
    content as `<think>…</think>`. Where nothing is to be said, `system` and `tools` are empty.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, and what
    LLaMA-Factory fills in (`{{idx}}`, and `<image>`, `<video>` and `<audio>`) are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass. Records
    hold text alone: there is no image that such a placeholder could stand for.

    Refused are records that LLaMA-Factory would drop, cut or change: `no_messages`,
    `empty_conversation`, `unknown_role`, `empty_message`, `system_not_first`, `wrong_role_order`,
    `last_not_assistant`, `content_with_tool_call`, `needs_tools`, `broken_tools` (no JSON list of
    tools with names), `untrained_turn` (an answer not to be trained: it knows no such flag),
    `turn_weight`, `record_weight`, `judged_bad` (a conversation whose `label` is false),
    `special_token`, `multi_turn` (alpaca in JSON Lines), `no_rejected`, `empty_rejected`,
    `equal_answers`, `no_label`, `answer_calls_tool`, `no_text`, `empty_text`.

    Facts from LLaMA-Factory 0.9.5, `src/llamafactory/data`.
    """

    layout: Literal["sharegpt", "openai", "alpaca", "pretrain", "ranking", "kto"] = "sharegpt"
    container: Literal["parquet", "jsonl"] = "parquet"

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        if self.layout == "alpaca":
            return Holds("chat", turns=self.is_parquet)
        if self.layout == "ranking":
            return Holds("preference", tools=True, all_answers=False)
        if self.layout == "kto":
            return Holds("feedback", tools=True, all_answers=False)
        return Holds("text") if self.layout == "pretrain" else Holds("chat", tools=True)

    @property
    def tokens(self) -> Sequence[str]:
        """Tokens of templates, and the placeholders that are filled into contents."""
        if self.layout == "pretrain":  # nothing is filled in there
            return SPECIAL_TOKENS
        return (*SPECIAL_TOKENS, *MEDIA_TOKENS, "{{idx}}")

    def shape(self, batch: Batch) -> Table:
        """The columns of the layout; none is null."""
        match self.layout:
            case "pretrain":
                return batch.select(TEXT)
            case "alpaca":
                return pl.DataFrame(shapes.alpaca(batch, system=True, history=self.is_parquet))
            case "ranking":
                return _ranking(batch)
            case "kto":
                turns = shapes.share_gpt(batch, tools=True)
                return pl.DataFrame([*turns, batch[LABEL].alias("kto_tag")])
            case "openai":
                return pl.DataFrame(_renamed(shapes.share_gpt(batch, tools=True)))
            case _:
                return pl.DataFrame(shapes.share_gpt(batch, tools=True))

    def companions(self, name: str, files: Sequence[WrittenFile]) -> Mapping[str, str]:
        """`dataset_info.json` and `llamafactory.yaml`."""
        info, names = {}, {}
        for split, paths in by_split(files).items():
            names[split] = name if split == "train" else f"{name}_{split}"
            # Of a folder it reads every file, in the order that the file system lists them.
            place = paths[0] if len(paths) == 1 else split
            info[names[split]] = {"file_name": place, **self._declared()}
        lines: dict[str, Any] = {"stage": STAGES.get(self.layout, "sft"), "dataset_dir": "."}
        lines["dataset"] = names.get("train", next(iter(names.values()), name))
        if "val" in names:
            lines["eval_dataset"] = names["val"]
        text = orjson.dumps(info, option=orjson.OPT_INDENT_2).decode()
        return {"dataset_info.json": text + "\n", "llamafactory.yaml": yaml_text(lines)}

    def _declared(self) -> dict[str, Any]:
        if self.layout == "pretrain":
            return {"columns": COLUMNS["pretrain"]}
        if self.layout == "alpaca":
            columns = {"prompt": "instruction", "query": "input", "response": "output"}
            columns |= {"system": "system"} | ({"history": "history"} if self.is_parquet else {})
            return {"formatting": "alpaca", "columns": columns}
        tags = OPENAI_TAGS if self.layout == "openai" else TAGS
        declared = {"formatting": "sharegpt", "columns": COLUMNS[self.layout], "tags": tags}
        return {**declared, "ranking": True} if self.layout == "ranking" else declared


def _ranking(batch: Batch) -> Table:
    before = pl.col(MESSAGES).list.head(pl.col(MESSAGES).list.len() - 1)
    turns = shapes.share_gpt(batch.with_columns(before), tools=True)

    def answer(name: str) -> pl.Expr:
        content = pl.col(name).list.last().struct.field("content")
        return pl.struct(pl.lit("gpt").alias("from"), content.alias("value"))

    answers = batch.select(answer(MESSAGES).alias("chosen"), answer(REJECTED).alias("rejected"))
    return pl.DataFrame([*turns, *answers.get_columns()])


def _renamed(turns: shapes.Shape) -> shapes.Shape:
    """ShareGPT turns with OpenAI's names."""
    turn = pl.element().struct
    roles = {"human": "user", "gpt": "assistant", "observation": "tool"}
    message = pl.struct(
        turn.field("from").replace(roles).alias("role"), turn.field("value").alias("content")
    )
    messages = turns[0].to_frame().select(pl.col(turns[0].name).list.eval(message))
    return [messages.to_series().alias("messages"), *turns[1:]]
