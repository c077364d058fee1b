"""Parting rows: what a stage says of a batch becomes the rows that go on and the rejects.

The only place where a row leaves a run. Every function returns `Parted`, and
`rows in = kept rows + rejected rows - extra copies` holds for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from datakit.barriers import Decisions
from datakit.errors import BrokenBooksError
from datakit.executors.numbering import number_ids
from datakit.executors.reject_values import encode_values
from datakit.records import (
    FILE,
    ID,
    LINE,
    PARENT,
    REASON,
    SOURCE,
    TEXT,
    VALUES,
    Batch,
    Columns,
    Table,
    joined_content,
)

EXCERPT_CHARS = 300

REJECT_SCHEMA = {
    ID: pl.String,
    SOURCE: pl.String,
    FILE: pl.String,
    LINE: pl.UInt64,
    "reason": pl.String,
    "values": pl.String,
    "text": pl.String,
}


@dataclass(frozen=True, slots=True)
class Parted:
    """The rows that go on, and the rejects (`REJECT_SCHEMA`); `copies` counts added rows, `edits`
    what was changed in rows that stay; `tallied` has the columns whose values the report counts.
    """

    kept: Batch
    rejects: Table
    copies: int = 0
    edits: Mapping[str, int] = field(default_factory=dict)
    tallied: Table = field(default_factory=pl.DataFrame)


def part_by_reason_column(batch: Batch, *, excerpt: int | None = EXCERPT_CHARS) -> Parted:
    """Part a batch from a reader or formatter, which marks the rows it refuses in `_reason`."""
    if REASON not in batch.columns:
        return Parted(batch, empty_rejects())
    reasons = batch[REASON]
    if reasons.null_count() == batch.height:
        return Parted(batch.drop(REASON, VALUES, strict=False), empty_rejects())
    values = batch[VALUES] if VALUES in batch.columns else None
    rows = batch.drop(REASON, VALUES, strict=False)
    return _part(rows, reasons, values, excerpt)


def part_by_verdicts(
    batch: Batch,
    verdicts: Table,
    *,
    adds: Columns = frozenset(),
    excerpt: int | None = EXCERPT_CHARS,
) -> Parted:
    """Part a batch by what a filter said: `reason`, and the values that decided; those that it
    `adds` go with the rows that stay.
    """
    reasons = verdicts["reason"]
    batch = batch.with_columns(verdicts.select(sorted(adds)).get_columns())
    if reasons.null_count() == batch.height:
        return Parted(batch, empty_rejects())
    return _part(batch, reasons, verdicts.drop("reason"), excerpt)


def part_by_decisions(
    batch: Batch, decisions: Decisions, *, excerpt: int | None = EXCERPT_CHARS
) -> Parted:
    """Part a batch by a barrier's decisions: reject, keep, or repeat; put in the new columns."""
    if decisions.columns.width:
        batch = batch.with_columns(decisions.columns.get_columns())
    reasons = decisions.reason.zip_with(
        decisions.copies == 0, pl.Series([None], dtype=pl.String).new_from_index(0, batch.height)
    )
    reasons = reasons.zip_with(
        (decisions.copies > 0) | reasons.is_not_null(), _unnamed(batch.height)
    )
    parted = replace(_part(batch, reasons, decisions.values, excerpt), edits=decisions.edits)
    copies = decisions.copies.filter(decisions.copies > 0)
    if not (copies > 1).any():
        return parted
    repeated = repeat_rows(parted.kept, copies)
    return replace(parted, kept=repeated, copies=repeated.height - parted.kept.height)


def part_by_expansion(
    batch: Batch,
    expanded: Batch,
    *,
    keep_first_id: bool = False,
    excerpt: int | None = EXCERPT_CHARS,
) -> Parted:
    """The records that an expander made of a batch, numbered where there are several of one
    (but for the first, with `keep_first_id`), without those that it refuses in `_reason`.

    Raises:
        BrokenBooksError: a record got lost, or they are out of order.
    """
    parents = expanded[PARENT]
    steps = parents.cast(pl.Int64).diff(null_behavior="drop")
    ends = (parents.first() == 0, parents.last() == batch.height - 1) if batch.height else ()
    in_order = all(ends) and bool(steps.is_between(0, 1).all())
    if not in_order or not expanded[ID].equals(batch[ID].gather(parents)):
        raise BrokenBooksError("an expander lost a record, or changed their order or their ids")
    number, count = pl.int_range(1, pl.len() + 1).over(PARENT), pl.len().over(PARENT)
    rows = number_ids(expanded, number, count, keep_first=keep_first_id)
    parted = part_by_reason_column(rows.drop(PARENT), excerpt=excerpt)
    return replace(parted, copies=expanded.height - batch.height)


def repeat_rows(batch: Batch, copies: pl.Series) -> Batch:
    """Repeat each row `copies` times; ids of repetitions end in `#2`, `#3` ..., or where such
    were made before, in the numbers that follow.
    """
    rows = batch.with_columns(
        copies.alias("_copies"), pl.int_ranges(1, copies.cast(pl.Int64) + 1).alias("_copy")
    ).explode("_copy")
    rows = number_ids(rows, pl.col("_copy"), pl.col("_copies"), keep_first=True)
    return rows.drop("_copies", "_copy")


def empty_rejects() -> Table:
    """A reject table without rows."""
    return pl.DataFrame(schema=REJECT_SCHEMA)


def _unnamed(rows: int) -> pl.Series:
    return pl.Series(["unnamed"], dtype=pl.String).new_from_index(0, rows)


def _part(
    batch: Batch, reasons: pl.Series, values: pl.Series | Table | None, excerpt: int | None
) -> Parted:
    goes = reasons.is_not_null()
    gone = batch.filter(goes)
    if not gone.height:
        return Parted(batch, empty_rejects())
    rejects = pl.DataFrame(
        {
            ID: gone[ID],
            SOURCE: gone[SOURCE],
            FILE: _column(gone, FILE, pl.String()),
            LINE: _column(gone, LINE, pl.UInt64()),
            "reason": reasons.filter(goes),
            "values": _encoded(values, goes),
            "text": _excerpt(gone, excerpt),
        },
        schema=REJECT_SCHEMA,
    )
    return Parted(batch.filter(~goes), rejects)


def _encoded(values: pl.Series | Table | None, goes: pl.Series) -> pl.Series:
    if values is None or (isinstance(values, pl.DataFrame) and not values.width):
        return _nulls(int(goes.sum()), pl.String())
    found = values.filter(goes)
    return encode_values(found) if isinstance(found, pl.DataFrame) else found


def _excerpt(batch: Batch, chars: int | None) -> pl.Series:
    content = joined_content(batch).alias(TEXT)
    return content if chars is None else content.str.head(chars)


def _column(batch: Batch, name: str, dtype: pl.DataType) -> pl.Series:
    return batch[name] if name in batch.columns else _nulls(batch.height, dtype)


def _nulls(rows: int, dtype: pl.DataType) -> pl.Series:
    return pl.Series([None], dtype=dtype).new_from_index(0, rows)
