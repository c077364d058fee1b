"""Ids of copies and parts: `x#2`, `x#3` ... of a record `x`, and what is noted of them.

Two columns go with each record: `_marks`, how many numbers stand behind the id that it was read
with, and `_numbered`, the highest number that was put behind the id it has. So an id that ends in
`#2` in the input is told from a copy's, and a later stage goes on counting where an earlier one
stopped: no two copies of a record have the same id.
"""

import polars as pl

from datakit.records import ID, MARKS, NUMBERED, Batch


def start_numbers(batch: Batch) -> Batch:
    """Records as they are read: nothing was put behind their ids."""
    return batch.with_columns(
        pl.lit(0, dtype=pl.UInt8).alias(MARKS), pl.lit(0, dtype=pl.UInt32).alias(NUMBERED)
    )


def number_ids(rows: Batch, number: pl.Expr, count: pl.Expr, *, keep_first: bool) -> Batch:
    """Give each of the `count` rows made of one record its id, by its `number` among them (from
    1); a row that is alone keeps the record's, and so does the first, with `keep_first`.
    """
    if NUMBERED not in rows.columns:  # a batch in memory, of no run
        noted = number_ids(start_numbers(rows), number, count, keep_first=keep_first)
        return noted.drop(MARKS, NUMBERED)
    used = pl.col(NUMBERED)
    # Behind the first, which has no number, comes 2.
    used = pl.max_horizontal(used, pl.lit(1, dtype=pl.UInt32)) - 1 if keep_first else used
    is_numbered = (number > 1) if keep_first else (count > 1)
    numbered = pl.concat_str(ID, pl.lit("#"), used + number)
    highest = pl.when(is_numbered).then(0).when(count > 1).then(used + count).otherwise(NUMBERED)
    return rows.with_columns(
        pl.when(is_numbered).then(numbered).otherwise(ID).alias(ID),
        (pl.col(MARKS) + is_numbered).cast(pl.UInt8),
        highest.cast(pl.UInt32).alias(NUMBERED),
    )
