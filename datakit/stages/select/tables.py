"""What a selection keeps of the records: rows that travel, and the report's table."""

import numpy as np
import polars as pl

from datakit.records import ADDRESS, PARTITION, SOURCE, Table
from datakit.stages.select.features import Features, Ints, count_buckets, divergence

WEIGHT = "dsir_weight"

ROWS = {
    ADDRESS: pl.UInt64,
    SOURCE: pl.String,
    "units": pl.Int64,
    "size": pl.Int64,
    "noise": pl.Float64,
    "bucket": pl.UInt32,
    "count": pl.Int64,
}
"""Rows of candidates, and rows of counts, which have no address."""

EXCHANGE = (*ROWS, PARTITION)


def count_rows(source: str, features: list[Features], *, buckets: int, partitions: int) -> Table:
    """The bucket counts of a source's texts as rows."""
    counts = count_buckets(features, buckets)
    held = np.flatnonzero(counts)
    table = pl.DataFrame({"bucket": held.astype(np.uint32), "count": counts[held]})
    return table.with_columns(
        pl.lit(source).alias(SOURCE),
        pl.lit(None, dtype=pl.UInt64).alias(ADDRESS),
        (pl.col("bucket") % partitions).cast(pl.UInt32).alias(PARTITION),
    )


def make_gumbel(numbers: pl.Series) -> pl.Series:
    """Standard Gumbel noise from hashes: -ln(-ln(u)), u from their upper 53 bits."""
    uniform = ((numbers.to_numpy() >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return pl.Series("noise", -np.log(-np.log(uniform)))


def summarise(
    chosen: Table, target: Ints, counts: dict[str, Ints], taken: dict[str, Ints]
) -> Table:
    """By source: records, chosen, divergence of the target from all and from the chosen (null for
    none).
    """
    by_source = chosen.group_by(SOURCE, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("records"),
        (~pl.col("is_long")).sum().cast(pl.Int64).alias("too_few_units"),
        pl.col("is_chosen").sum().cast(pl.Int64).alias("selected"),
        pl.col("size").filter("is_chosen").sum().alias("selected_size"),
        pl.col(WEIGHT).mean().alias("mean_weight"),
        pl.col(WEIGHT).filter("is_chosen").mean().alias("mean_weight_selected"),
    )
    none = np.zeros_like(target)
    before = [divergence(target, counts.get(s, none)) for s in by_source[SOURCE]]
    after = [divergence(target, taken.get(s, none)) for s in by_source[SOURCE]]
    return by_source.with_columns(
        pl.Series("divergence", before, dtype=pl.Float64),
        pl.Series("divergence_selected", after, dtype=pl.Float64),
    ).sort(SOURCE)
