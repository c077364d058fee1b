"""JSON Lines for Megatron-LM: `--sft` conversations, or text for `preprocess_data.py`."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from datakit.conversations.flat import flatten
from datakit.records import MESSAGES, TEXT, Batch, Table, nest
from datakit.stages.write.faults import CODE, Fault
from datakit.stages.write.layouts import check_applies
from datakit.stages.write.trainer import Holds, TrainerSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class MegatronJsonlSink(TrainerSettings):
    """Write plain JSON Lines for Megatron-LM: conversations for `--sft`, or text.

    `layout`: `sft` is `messages` with role and content; each begins with a system message, for
    that is what tells Megatron where a conversation begins: `system` is put before those that
    have none (without it they are refused, `no_system`). `text` is `{"text"}`, one key in every
    line, none empty, for `preprocess_data.py` (which hangs on a line without its key).
    Reasoning stands before the content as `<think>…</think>`. Tokens for pretraining, ready as
    `.bin` and `.idx`, are written by `write.megatron`.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass.

    Reasons: those of an invalid conversation (see `filter.conversation`), `no_system`,
    `needs_tools`, `untrained_turn`, `turn_weight`, `record_weight`, `judged_bad` (its `label` is
    false), `special_token`, `no_text`, `empty_text`.

    Facts from Megatron-LM of August 2026 (`megatron/training/datasets/sft_dataset.py`).
    """

    layout: Literal["sft", "text"] = "sft"
    system: str = ""

    def __post_init__(self) -> None:
        check_applies(self, {"system": ("sft",)})

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        return Holds("text" if self.layout == "text" else "chat")

    @property
    def own_faults(self) -> list[Fault]:
        """Conversations without a system message."""
        return [] if self.system else [Fault("no_system", ~pl.col(CODE).str.starts_with("s"))]

    def shape(self, batch: Batch) -> Table:
        """The columns of the layout; none is null."""
        if self.layout == "text":
            return batch.select(TEXT)
        flat = flatten(batch[MESSAGES]).select("row", "message", "role", "content")
        lacks = flat.filter((pl.col("message") == 1) & (pl.col("role") != "system"))
        added = lacks.with_columns(
            pl.lit(0, dtype=pl.UInt32).alias("message"),
            pl.lit("system").alias("role"),
            pl.lit(self.system).alias("content"),
        )
        whole = pl.concat([flat, added]).sort("row", "message")
        lengths = whole.group_by("row", maintain_order=True).len()["len"].cast(pl.Int64)
        return pl.DataFrame(
            [nest(whole.select("role", "content").to_struct(), lengths, name=MESSAGES)]
        )
