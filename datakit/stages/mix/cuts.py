"""Where each source is cut: the last record, in order of selection, that is still taken."""

from collections.abc import Iterable, Mapping

import polars as pl

from datakit.records import SOURCE, Table
from datakit.stages.mix.shares import Target

AVAILABLE_SCHEMA = {SOURCE: pl.String, "records": pl.Int64, "available": pl.Int64}
CUT_SCHEMA = {SOURCE: pl.String, "key": pl.UInt64, "address": pl.UInt64, "taken": pl.Int64}
TARGET_SCHEMA = {
    SOURCE: pl.String,
    "target": pl.Int64,
    "target_share": pl.Float64,
    "is_scarcest": pl.Boolean,
}


def add_up(partitions: Iterable[Table]) -> Table:
    """Records and units by source."""
    sums = [
        table.group_by(SOURCE).agg(
            pl.len().cast(pl.Int64).alias("records"), pl.col("units").sum().alias("available")
        )
        for table in partitions
    ]
    return pl.concat([pl.DataFrame(schema=AVAILABLE_SCHEMA), *sums]).group_by(SOURCE).sum()


def find_cuts(
    partitions: Iterable[Table], targets: Mapping[str, Target], available: Table
) -> Table:
    """For each source and partition with records before the cut: the last of them (`key`,
    `address`), and how many units they have (`taken`); in the order of the partitions.

    A record is before the cut if at least half of it lies before the rest of the target that
    full passes leave over.
    """
    state = available.with_columns(
        pl.Series("rest", [targets[s].units for s in available[SOURCE]]) % pl.col("available"),
        pl.lit(0, dtype=pl.Int64).alias("base"),
    ).select(SOURCE, "rest", "base")
    cuts = [pl.DataFrame(schema=CUT_SCHEMA)]
    for table in partitions:
        placed = table.join(state, on=SOURCE, maintain_order="left")
        middle = 2 * (pl.col("base") + pl.col("end")) - pl.col("units")
        before = placed.filter((pl.col("rest") > 0) & (middle <= 2 * pl.col("rest")))
        cuts.append(
            before.group_by(SOURCE).agg(
                pl.col("key").last(), pl.col("address").last(), pl.col("units").sum().alias("taken")
            )
        )
        sums = table.group_by(SOURCE).agg(pl.col("units").sum())
        state = state.join(sums, on=SOURCE, how="left").select(
            SOURCE, "rest", pl.col("base") + pl.col("units").fill_null(0)
        )
    return pl.concat(cuts)


def settle(available: Table, targets: Mapping[str, Target], cuts: Table) -> Table:
    """Target and achieved by source: `_passes` over all records, then those before the cut."""
    rows = [(s, t.units, float(t.share), t.is_scarcest) for s, t in targets.items()]
    last = cuts.group_by(SOURCE, maintain_order=True).agg(
        pl.col("key").last().alias("_cut_key"),
        pl.col("address").last().alias("_cut_address"),
        pl.col("taken").sum(),
    )
    joined = available.join(pl.DataFrame(rows, schema=TARGET_SCHEMA, orient="row"), on=SOURCE)
    joined = joined.join(last, on=SOURCE, how="left")
    passes = pl.col("target") // pl.col("available")
    achieved = passes * pl.col("available") + pl.col("taken").fill_null(0)
    added = joined.with_columns(passes.cast(pl.UInt32).alias("_passes"), achieved.alias("achieved"))
    return added.select(
        SOURCE,
        "records",
        "available",
        "target",
        "achieved",
        "target_share",
        (pl.col("achieved") / pl.col("achieved").sum()).fill_nan(0.0).alias("achieved_share"),
        (pl.col("achieved") / pl.col("available")).alias("epochs"),
        "is_scarcest",
        "_passes",
        "_cut_key",
        "_cut_address",
    )
