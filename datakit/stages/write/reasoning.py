"""Reasoning put before the content, for layouts that have no field for it."""

import polars as pl

from datakit.conversations.flat import flatten
from datakit.records import MESSAGES, MESSAGES_TYPE, REJECTED, Batch, nest


def inline_reasoning(batch: Batch) -> Batch:
    """Reasoning as `<think>` before the content, as Qwen3 and DeepSeek-R1 write it."""
    for name in (MESSAGES, REJECTED):
        if batch.schema.get(name) == MESSAGES_TYPE:
            batch = _inlined(batch, name)
    return batch


def _inlined(batch: Batch, name: str) -> Batch:
    thought = batch[name].explode(empty_as_null=False, keep_nulls=False).struct.field("reasoning")
    if thought.null_count() == len(thought):
        return batch
    flat = flatten(batch[name]).drop("row", "message")
    whole = pl.format("<think>\n{}\n</think>\n\n{}", "reasoning", pl.col("content").fill_null(""))
    flat = flat.with_columns(
        pl.coalesce(whole, "content").alias("content"),
        pl.lit(None, dtype=pl.String).alias("reasoning"),
    )
    return batch.with_columns(nest(flat.to_struct(), batch[name].list.len(), name=name))
