"""Messages as ms-swift takes them: calls and results as messages of their own."""

import orjson
import polars as pl

from datakit.conversations.flat import count_messages, flatten
from datakit.ranking import read_numbers
from datakit.records import MESSAGES, WEIGHT, Batch, nest

ROLES = {"tool": "tool_response"}


def swift_messages(batch: Batch, *, flags: bool) -> pl.Series:
    """`role` and `content`; with `flags`, `loss` (never null) and `loss_scale`."""
    flat = flatten(batch[MESSAGES])
    if flat["tool_calls"].null_count() < flat.height or (flat["role"] == "tool").any():
        flat = _with_calls(flat)
    fields = [pl.col("role"), pl.col("content").fill_null("")]
    if flags:
        flat = _with_weights(flat, batch)
        is_answer = pl.col("role").is_in(["assistant", "tool_call"])
        fields.append((is_answer & pl.col("train").fill_null(True)).alias("loss"))
        fields.append(pl.when(is_answer).then("scale").otherwise(1.0).alias("loss_scale"))
    lengths = count_messages(flat, batch.height)
    return nest(flat.select(fields).to_struct(), lengths, name=MESSAGES)


def _with_calls(flat: pl.DataFrame) -> pl.DataFrame:
    calls = [_call_texts(text) if text else None for text in flat["tool_calls"].to_list()]
    flat = flat.with_columns(pl.Series("calls", calls, dtype=pl.List(pl.String)))
    flat = flat.with_columns(pl.col("calls").fill_null([None])).explode("calls")
    has_call = pl.col("calls").is_not_null()
    role = pl.when(has_call).then(pl.lit("tool_call")).otherwise(pl.col("role").replace(ROLES))
    return flat.with_columns(role.alias("role"), pl.coalesce("calls", "content").alias("content"))


def _call_texts(tool_calls: str) -> list[str]:
    functions = [call["function"] for call in orjson.loads(tool_calls)]
    return [
        orjson.dumps({"name": f["name"], "arguments": orjson.Fragment(f["arguments"])}).decode()
        for f in functions
    ]


def _with_weights(flat: pl.DataFrame, batch: Batch) -> pl.DataFrame:
    scale = pl.col("weight").fill_null(1.0)
    if WEIGHT in batch.columns:
        scale *= read_numbers(batch[WEIGHT]).fill_null(1.0).gather(flat["row"])
    return flat.with_columns(scale.alias("scale"))
