"""Which record of a cluster of duplicates stays, and how the duplicates are counted."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import polars as pl

from datakit.errors import SettingsError
from datakit.records import ADDRESS, SOURCE, Batch, Table, joined_content
from datakit.stage import Decisions

Keep: TypeAlias = Literal["first", "longest", "source"]

# Keeper order: the record with the least (rank, address) of a cluster stays.
RANK = "rank"
KEEPER_ORDER = (RANK, ADDRESS)

KEPT_ID, KEPT_SOURCE, KEPT_ADDRESS = "kept_id", "kept_source", "kept_address"

_LENGTH_BITS = 32


def check_keeper(keep: Keep, source_priority: Sequence[str]) -> None:
    """Raise SettingsError where `keep` and `source_priority` do not go together."""
    if keep == "source" and not source_priority:
        hint = 'name the sources, the one to keep first: source_priority = ["books", "web"]'
        raise SettingsError("keep", '"source" needs source_priority', hint)
    if len(set(source_priority)) < len(source_priority):
        raise SettingsError("source_priority", "a source is named twice")


def rank_records(batch: Batch, keep: Keep, source_priority: Sequence[str]) -> pl.Series:
    """Each record's `rank`: UInt64, the least of a cluster stays; equal ranks go by address.

    Source priority first (sources that are not named come last), then, for `keep = "longest"`,
    the number of characters.
    """
    places = {source: place for place, source in enumerate(source_priority)}
    place = pl.col(SOURCE).replace_strict(
        list(places), list(places.values()), default=len(places), return_dtype=pl.UInt64
    )
    short = pl.lit(0, dtype=pl.UInt64)
    if keep == "longest":
        chars = joined_content(batch).str.len_chars().fill_null(0).cast(pl.UInt64)
        short = pl.lit((1 << _LENGTH_BITS) - 1 - chars)
    rank = place * (1 << _LENGTH_BITS) + short
    return batch.select(rank.alias(RANK)).to_series()


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


def count_duplicates(duplicates: Table) -> Table:
    """Counts by source of duplicates with `source`, `kept_source` and `kept_address`.

    | column | what |
    |---|---|
    | `duplicates` | records of the source that go |
    | `of_other_sources` | those of them whose keeper is of another source |
    | `clusters` | clusters whose keeper is of the source, then by their number of records |
    | `largest_cluster` | records of the largest, the keeper included |
    """
    gone = duplicates.group_by(SOURCE).agg(
        pl.len().cast(pl.Int64).alias("duplicates"),
        (pl.col(SOURCE) != pl.col(KEPT_SOURCE)).sum().cast(pl.Int64).alias("of_other_sources"),
    )
    size = pl.len().cast(pl.Int64) + 1
    clusters = duplicates.group_by(KEPT_ADDRESS, KEPT_SOURCE).agg(size.alias("size"))
    sizes = pl.col("size")
    stayed = clusters.group_by(pl.col(KEPT_SOURCE).alias(SOURCE)).agg(
        pl.len().cast(pl.Int64).alias("clusters"),
        (sizes == 2).sum().cast(pl.Int64).alias("of_2"),
        sizes.is_between(3, 9).sum().cast(pl.Int64).alias("of_3_to_9"),
        (sizes >= 10).sum().cast(pl.Int64).alias("of_10_or_more"),
        sizes.max().alias("largest_cluster"),
    )
    return gone.join(stayed, on=SOURCE, how="full", coalesce=True).fill_null(0)


def add_counts(summaries: Iterable[Table]) -> Table:
    """The counts of several partitions as one table, ordered by source."""
    tables = [summary for summary in summaries if summary.height]
    if not tables:
        return pl.DataFrame()
    largest = pl.col("largest_cluster").max()
    counts = pl.concat(tables).group_by(SOURCE)
    return counts.agg(pl.exclude(SOURCE, "largest_cluster").sum(), largest).sort(SOURCE)
