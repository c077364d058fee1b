"""Groups of records that stay together, dealt out to the splits in order of their hash."""

from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from datakit.records import ADDRESS, Table

KEY, STRATUM, SIZE, ADDRESSES, SPLIT = "key", "stratum", "size", "addresses", "split"

DEALT_SCHEMA = {ADDRESS: pl.UInt64, STRATUM: pl.String, SPLIT: pl.String}


def collect_groups(observed: Table) -> Table:
    """One row a group, in order of the key; its stratum is that of its first record."""
    groups = observed.sort(ADDRESS).group_by(KEY, maintain_order=True)
    return groups.agg(
        pl.col(STRATUM).first(),
        pl.len().cast(pl.Int64).alias(SIZE),
        pl.col(ADDRESS).alias(ADDRESSES),
    ).sort(KEY)


def count_strata(partitions: Iterable[Table]) -> Table:
    """Records of each stratum, ordered by stratum."""
    sums = [table.group_by(STRATUM).agg(pl.col(SIZE).sum()) for table in partitions]
    empty = pl.DataFrame(schema={STRATUM: pl.String, SIZE: pl.Int64})
    return pl.concat([empty, *sums]).group_by(STRATUM).sum().sort(STRATUM)


def deal_groups(
    partitions: Iterable[Table], quotas: Mapping[str, Mapping[str, int]]
) -> Iterator[Table]:
    """The records that go to a split with a quota (`DEALT_SCHEMA`), partition by partition.

    Each split takes groups in order of their hash, among those that no earlier split took, until
    its quota is nearest; a group more than twice the quota is passed over. So with groups of one
    record quotas are met exactly, and else missed by at most half of the last group taken, as
    long as there are groups that fit.
    """
    dealt = {split: _start(quota) for split, quota in quotas.items()}
    for table in partitions:
        left = table
        for split in quotas:
            taken, dealt[split] = _take(left, dealt[split])
            left = left.join(taken, on=KEY, how="anti", maintain_order="left")
            rows = taken.explode(ADDRESSES).with_columns(pl.lit(split).alias(SPLIT))
            yield rows.select(pl.col(ADDRESSES).alias(ADDRESS), STRATUM, SPLIT)


def _start(quota: Mapping[str, int]) -> Table:
    columns = {STRATUM: list(quota), "quota": list(quota.values()), "passed": [0] * len(quota)}
    return pl.DataFrame(columns, schema={STRATUM: pl.String, "quota": pl.Int64, "passed": pl.Int64})


def _take(groups: Table, state: Table) -> tuple[Table, Table]:
    """The groups that a split takes, and its state after them; `passed` counts the records of the
    groups so far that fit.
    """
    placed = groups.join(state, on=STRATUM, maintain_order="left")
    fit = placed.filter(pl.col(SIZE) <= 2 * pl.col("quota"))
    end = pl.col("passed") + pl.col(SIZE).cum_sum().over(STRATUM)
    taken = fit.filter(2 * end - pl.col(SIZE) <= 2 * pl.col("quota"))
    sums = fit.group_by(STRATUM).agg(pl.col(SIZE).sum())
    after = state.join(sums, on=STRATUM, how="left").select(
        STRATUM, "quota", pl.col("passed") + pl.col(SIZE).fill_null(0)
    )
    return taken.select(groups.columns), after
