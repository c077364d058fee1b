"""Which record of a cluster of duplicates stays."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from datakit.barriers import Decisions
from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.records import ADDRESS, SOURCE, Batch, Columns, Table, joined_content

# Keeper order: the record with the least (rank, address) of a cluster stays.
RANK = "rank"
KEEPER_ORDER = (RANK, ADDRESS)

KEPT_ID, KEPT_SOURCE, KEPT_ADDRESS = "kept_id", "kept_source", "kept_address"

FIRST, LONGEST, BY_SOURCE, BEST = "first", "longest", "source", "best:"

# A rank is the source's place, then how far the record is from the best, in so many bits.
_LOWER_BITS = 52


def check_keeper(keep: str, source_priority: Sequence[str]) -> None:
    """Raise SettingsError where `keep` and `source_priority` do not go together."""
    known = (FIRST, LONGEST, BY_SOURCE)
    if keep not in known and not keep.removeprefix(BEST).strip():
        raise SettingsError("keep", f"{keep!r} names no column", 'such as "best:score"')
    if keep not in known and not keep.startswith(BEST):
        hint = did_you_mean(keep, [*known, "best:<column>"])
        raise SettingsError("keep", f"{keep!r} is no way to choose", hint)
    if keep == BY_SOURCE and not source_priority:
        hint = 'name the sources, the one to keep first: source_priority = ["books", "web"]'
        raise SettingsError("keep", '"source" needs source_priority', hint)
    if len(set(source_priority)) < len(source_priority):
        raise SettingsError("source_priority", "a source is named twice")


def columns_of_keeper(keep: str) -> Columns:
    """The columns that the choice reads."""
    return frozenset({keep.removeprefix(BEST)} if keep.startswith(BEST) else ())


def rank_records(batch: Batch, keep: str, source_priority: Sequence[str]) -> pl.Series:
    """Each record's `rank`: UInt64, the least of a cluster stays; equal ranks go by address.

    Source priority first (sources that are not named come last), then, for `keep = "longest"`,
    the number of characters, for `"best:<column>"` that column, the greatest first, nulls last.

    Raises:
        DatakitError: the column to choose by holds no numbers.
    """
    places = {source: place for place, source in enumerate(source_priority)}
    place = pl.col(SOURCE).replace_strict(
        list(places), list(places.values()), default=len(places), return_dtype=pl.UInt64
    )
    lower = pl.lit(0, dtype=pl.UInt64)
    if keep == LONGEST:
        chars = joined_content(batch).str.len_chars().fill_null(0).cast(pl.UInt64)
        lower = pl.lit((1 << _LOWER_BITS) - 1 - chars)
    if keep.startswith(BEST):
        lower = pl.lit(_order_numbers(batch[keep.removeprefix(BEST)]))
    rank = place * (1 << _LOWER_BITS) + lower
    return batch.select(rank.alias(RANK)).to_series()


def _order_numbers(values: pl.Series) -> pl.Series:
    """Numbers as UInt64 of `_LOWER_BITS` bits, the greatest least; nulls and NaN greatest."""
    if not (values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null)):
        raise DatakitError(
            f'keep = "best:{values.name}": the column holds {values.dtype}, not numbers'
        )
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy() + 0.0
    bits = numbers.view(np.int64)
    # The bits of floating-point numbers, read as integers, are in their order but for the sign.
    ordered = np.where(bits < 0, ~bits, bits ^ np.int64(-(1 << 63))).view(np.uint64)
    worst = (1 << _LOWER_BITS) - 1
    ranks = worst - 1 - (ordered >> np.uint64(64 - _LOWER_BITS))
    return pl.Series(np.where(np.isnan(numbers), np.uint64(worst), ranks.astype(np.uint64)))


def decide_duplicates(rows: Table, reason: str, values: Table) -> Decisions:
    """Reject the records whose reduced row names a record that stays."""
    is_duplicate = (
        rows[KEPT_ID].is_not_null()
        if KEPT_ID in rows.columns
        else pl.Series([False]).new_from_index(0, rows.height)
    )
    copies = (~is_duplicate).cast(pl.UInt32)
    named = pl.select(pl.when(is_duplicate).then(pl.lit(reason, dtype=pl.String))).to_series()
    return Decisions(copies, named, values)


def reject_also(decisions: Decisions, which: pl.Series, reason: str) -> Decisions:
    """The decisions, and the rows `which` rejected for a reason of their own."""
    if not which.any():
        return decisions
    none, named = pl.Series([0], dtype=pl.UInt32), pl.Series([reason])
    return replace(
        decisions,
        copies=decisions.copies.zip_with(~which, none.new_from_index(0, len(which))),
        reason=decisions.reason.zip_with(~which, named.new_from_index(0, len(which))),
    )
