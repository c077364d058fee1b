"""Which record goes first, by a number of its own: the order in which keepers are chosen."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.records import ADDRESS, SOURCE, Batch, Columns, joined_content

# Keeper order: the record with the least (rank, address) of a cluster stays.
RANK = "rank"
KEEPER_ORDER = (RANK, ADDRESS)

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
        lower = pl.lit(order_numbers(batch[keep.removeprefix(BEST)]))
    rank = place * (1 << _LOWER_BITS) + lower
    return batch.select(rank.alias(RANK)).to_series()


def read_numbers(values: pl.Series) -> pl.Series:
    """A column's numbers as Float64; texts, as readers give the fields they map, are read. Empty
    texts are null.

    Raises:
        DatakitError: the column holds something else.
    """
    if values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null):
        return values.cast(pl.Float64)
    if values.dtype != pl.String:
        raise DatakitError(f"the column {values.name!r} holds {values.dtype}, not numbers")
    texts = values.str.strip_chars()
    numbers = texts.cast(pl.Float64, strict=False)
    wrong = texts.filter(numbers.is_null() & (texts != "") & (texts != "null"))
    if len(wrong):
        raise DatakitError(f"the column {values.name!r} holds {wrong[0]!r}, which is no number")
    return numbers


def order_numbers(values: pl.Series) -> pl.Series:
    """Numbers as UInt64 of `_LOWER_BITS` bits, the greatest least; nulls and NaN greatest."""
    numbers = read_numbers(values).fill_null(float("nan")).to_numpy() + 0.0
    bits = numbers.view(np.int64)
    # The bits of floating-point numbers, read as integers, are in their order but for the sign.
    ordered = np.where(bits < 0, ~bits, bits ^ np.int64(-(1 << 63))).view(np.uint64)
    worst = (1 << _LOWER_BITS) - 1
    ranks = worst - 1 - (ordered >> np.uint64(64 - _LOWER_BITS))
    return pl.Series(np.where(np.isnan(numbers), np.uint64(worst), ranks.astype(np.uint64)))
