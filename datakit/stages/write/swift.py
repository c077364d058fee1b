"""Data for ms-swift, with the lines for its configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from datakit.records import LABEL, MESSAGES, REJECTED, TEXT, Batch, Table
from datakit.stage import WrittenFile
from datakit.stages.write.companions import by_split, yaml_text
from datakit.stages.write.layouts import check_applies
from datakit.stages.write.shapes import tools_of
from datakit.stages.write.swift_turns import swift_messages
from datakit.stages.write.trainer import Holds, TrainerSettings, check_container
from datakit.text.special_tokens import MEDIA_TOKENS, SPECIAL_TOKENS

KINDS = {"pretrain": "text", "preference": "preference", "kto": "feedback"}
ANSWER_ONLY = ("preference", "kto")


@dataclass(frozen=True, kw_only=True, slots=True)
class SwiftSink(TrainerSettings):
    """Write data for ms-swift: conversations, pretraining, preferences and KTO.

    `layout`: `chat` is `messages` and `tools` (JSON text, `[]` for none), a tool call being a
    message of role `tool_call`, its result a `tool_response`; `pretrain` one message of the
    assistant; `preference` adds `rejected_response`, `kto` adds `label`. `swift.yaml` beside the
    split folders has the data sets of a configuration.

    With `flags = true`, messages of `chat` have `loss` (whether an answer is learnt) and
    `loss_scale` (its weight, of the message times the record's `weight` if there is such a
    column); that needs Parquet. Reasoning stands before the content as `<think>…</think>`.
    `container` is `parquet` or `jsonl`.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, and
    `<image>`, `<video>` and `<audio>`, where ms-swift puts media, are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass. Records
    hold text alone: there is no image that such a placeholder could stand for.

    Reasons: those of an invalid conversation (see `filter.conversation`), `content_with_tool_call`,
    `broken_tools` (no JSON list of tools with names), `untrained_turn`, `turn_weight` and
    `record_weight` (without `flags`), `judged_bad` (chat: its `label` is false),
    `no_trained_answer`, `special_token`, `no_rejected`, `empty_rejected`, `equal_answers`,
    `no_label`, `answer_calls_tool`, `no_text`, `empty_text`.

    Facts from ms-swift 4.6.
    """

    layout: Literal["chat", "pretrain", "preference", "kto"] = "chat"
    container: Literal["parquet", "jsonl"] = "parquet"
    flags: bool = False

    def __post_init__(self) -> None:
        check_applies(self, {"flags": ("chat",)})
        check_container(self, parquet_only=self.flags, key="flags")

    @property
    def tokens(self) -> Sequence[str]:
        """Tokens of templates, and the placeholders of images, videos and sounds."""
        return (*SPECIAL_TOKENS, *MEDIA_TOKENS)

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        kind: Any = KINDS.get(self.layout, "chat")
        flags, last_only = self.flags and kind == "chat", self.layout in ANSWER_ONLY
        return Holds(kind, tools=True, flags=flags, weights=flags, all_answers=not last_only)

    def shape(self, batch: Batch) -> Table:
        """The columns of the layout."""
        if self.layout == "pretrain":
            message = pl.struct(pl.lit("assistant").alias("role"), pl.col(TEXT).alias("content"))
            return batch.select(message.reshape((-1, 1)).arr.to_list().alias(MESSAGES))
        columns = [swift_messages(batch, flags=self.holds.flags)]
        tools = tools_of(batch).to_frame("tools")
        columns.append(tools.select(pl.col("tools").replace("", "[]")).to_series())
        if self.layout == "preference":
            content = pl.col(REJECTED).list.last().struct.field("content")
            columns.append(batch.select(content.alias("rejected_response")).to_series())
        if self.layout == "kto":
            columns.append(batch[LABEL])
        return pl.DataFrame(columns)

    def companions(self, name: str, files: Sequence[WrittenFile]) -> Mapping[str, str]:  # noqa: ARG002
        """`swift.yaml`."""
        splits = by_split(files)
        lines: dict[str, Any] = {"dataset": splits.get("train", [])}
        if "val" in splits:
            lines["val_dataset"] = splits["val"]
        if self.layout in ANSWER_ONLY:
            lines["rlhf_type"] = "dpo" if self.layout == "preference" else "kto"
        if self.layout == "pretrain":
            lines["use_chat_template"] = False
        return {"swift.yaml": yaml_text(lines)}
