"""Conversations in flat form: a frame with one line a message, ordered by `row`."""

import numpy as np
import polars as pl

from datakit.records import MESSAGE_FIELDS, MESSAGE_TYPE, MESSAGES, nest


def flatten(messages: pl.Series) -> pl.DataFrame:
    """One line a message: `row` of the series and `message`, its place from 1, then its fields."""
    lengths = messages.list.len().fill_null(0).cast(pl.UInt32)
    flat = messages.explode(empty_as_null=False, keep_nulls=False).struct.unnest()
    lines = pl.DataFrame(
        {
            "row": pl.Series(np.repeat(np.arange(len(messages), dtype=np.uint32), lengths)),
            "message": pl.select(pl.int_ranges(1, pl.lit(lengths) + 1, dtype=pl.UInt32))
            .to_series()
            .explode(empty_as_null=False),
        }
    )
    return lines.hstack(flat.get_columns())


def nest_messages(flat: pl.DataFrame, rows: int) -> pl.Series:
    """The messages of each of `rows` rows as one list; the lines are ordered by `row`."""
    messages = flat.select(pl.struct(MESSAGE_FIELDS).cast(MESSAGE_TYPE)).to_series()
    return nest(messages, count_messages(flat, rows), name=MESSAGES)


def count_messages(flat: pl.DataFrame, rows: int) -> pl.Series:
    """How many lines of a flat frame each of `rows` rows has."""
    return pl.Series(np.bincount(flat["row"].to_numpy(), minlength=rows).astype(np.int64))
