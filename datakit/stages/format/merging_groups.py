"""From records to classes that can be joined, to groups of classes: only numbers are handled."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import polars as pl

from datakit.barriers import Regrouped
from datakit.records import ADDRESS, PARTITION, SOURCE, Table
from datakit.stages.format.merging_records import CLASS, PART

GROUP_BYTES = 1 << 25
"""Content of the records of a group; a class with more is cut, and nothing joined across cuts."""
PLACE, OUTCOME, RECORDS, CONVERSATIONS = "place", "outcome", "records", "conversations"
SUMMARY = {
    SOURCE: pl.String,
    OUTCOME: pl.String,
    RECORDS: pl.Int64,
    CONVERSATIONS: pl.Int64,
}


def order_partition(observed: Table) -> Table:
    """The rows in the order to join them in, with `size`, how many records their class has: none
    but those that can be joined. Where a class has parts with numbers and a record without one,
    they are copies of it and not parts: they are not joined.
    """
    order = [name for name in ("draw", "number", "exact", "label") if name in observed.columns]
    size = pl.col("why").is_null().sum().over(CLASS).cast(pl.UInt32)
    if PART in observed.columns:
        part = pl.col(PART)
        is_mixed = (part.is_null().any() & part.is_not_null().any()).over(CLASS)
        size = pl.when(is_mixed).then(pl.lit(1, dtype=pl.UInt32)).otherwise(size)
    placed = observed.sort(*CLASS, *order, "address", nulls_last=True)
    return placed.with_columns(size.alias("size"))


def deal_classes(rows: Callable[[], Iterator[Table]], sources: Sequence[str]) -> Regrouped:
    """Classes of two records and more in groups of about `GROUP_BYTES`; and how many records of
    each source are in none, and why.
    """
    assigned, counts, groups, filled = [], [], 0, 0
    for table in rows():
        counts.append(_count_left_out(table, sources))
        joinable = _joinable(table)
        numbers, filled = _number_groups(joinable, filled)
        assigned.append(joinable.select(pl.col("address").alias(ADDRESS), numbers))
    dealt = pl.concat(assigned) if assigned else pl.DataFrame(schema=_ASSIGNED)
    if dealt.height:
        # Large classes may leave numbers unused.
        dense = dealt[PARTITION].rank("dense").cast(pl.UInt32) - 1
        dealt, groups = dealt.with_columns(dense), int(dense[-1]) + 1
    group_of = dealt[PARTITION]

    def members() -> Iterator[Table]:
        first = 0
        for table in rows():
            joinable = _joinable(table)
            if joinable.height:
                yield joinable.with_columns(group_of.slice(first, joinable.height))
            first += joinable.height

    summary = pl.concat(counts) if counts else pl.DataFrame()
    return Regrouped(groups, members(), dealt.sort(ADDRESS), summary)


_ASSIGNED = {ADDRESS: pl.UInt64, PARTITION: pl.UInt32}


def _joinable(table: Table) -> Table:
    names = [name for name in ("address", *CLASS, PART, "size", "bytes") if name in table.columns]
    return table.filter(pl.col("why").is_null(), pl.col("size") > 1).select(names)


def _number_groups(joinable: Table, filled: int) -> tuple[pl.Series, int]:
    """The group of each record: that in which the content of its class, or of its cut of a large
    class, begins. `filled` is the content before these records; that behind them is given back.
    """
    if not joinable.height:
        return pl.Series(PARTITION, [], dtype=pl.UInt32), filled
    size = pl.col("bytes")
    cut = ((size.cum_sum() - size) // GROUP_BYTES).over(CLASS)
    piece = pl.struct(*CLASS, cut.alias("cut")).rle_id()
    pieces = joinable.select(piece.alias("piece"), size)
    totals = pieces.group_by("piece").agg(size.sum()).sort("piece")["bytes"]
    starts = totals.cum_sum() - totals + filled
    numbers = (starts // GROUP_BYTES).gather(pieces["piece"]).cast(pl.UInt32)
    return numbers.alias(PARTITION), filled + int(totals.sum())


def _count_left_out(table: Table, sources: Sequence[str]) -> Table:
    """Records by source that have no other of their class, or why they cannot be joined."""
    shard = (pl.col("address") // 2**32).cast(pl.UInt32)
    outcome = pl.col("why").fill_null("alone").alias(OUTCOME)
    left_out = table.filter(pl.col("why").is_not_null() | (pl.col("size") < 2))
    counted = left_out.group_by(shard.alias("shard"), outcome).agg(pl.len().alias(RECORDS))
    named = pl.Series(SOURCE, sources, dtype=pl.String).gather(counted["shard"])
    counts = counted.select(OUTCOME, RECORDS, pl.lit(0).alias(CONVERSATIONS))
    return counts.with_columns(named).select(list(SUMMARY)).cast(SUMMARY)  # type: ignore[arg-type]


def count_outcomes(summaries: Iterable[Table]) -> Table:
    """The report: records of each source by outcome, and the conversations made."""
    tables = list(summaries)
    if not tables:
        return pl.DataFrame()
    counted = pl.concat(tables).group_by(SOURCE, OUTCOME).agg(pl.sum(RECORDS, CONVERSATIONS))
    made = pl.when(pl.col(CONVERSATIONS) > 0).then(CONVERSATIONS)
    return counted.sort(SOURCE, OUTCOME).with_columns(made.alias(CONVERSATIONS))
