"""Which of the weighed candidates are taken."""

import polars as pl

from datakit.records import ADDRESS, Table


def choose(weighed: Table, *, min_units: int, fraction: float | None, budget: int | None) -> Table:
    """The candidates with `is_long` and `is_chosen`, in their order.

    Taken are the first in order of `dsir_weight + noise`, heaviest first, ties by address: a
    `fraction` of all candidates, or as many as the `budget` holds of `size`, the last one if at
    least half of it fits.
    """
    rows = weighed.with_columns((pl.col("units") >= min_units).alias("is_long"))
    order = (pl.col("dsir_weight") + pl.col("noise")).alias("order")
    ranked = (
        rows.filter("is_long")
        .select(ADDRESS, "size", order)
        .sort("order", ADDRESS, descending=[True, False])
    )
    if fraction is not None:
        taken = ranked.head(round(fraction * weighed.height))
    else:
        middle = 2 * pl.col("size").cum_sum() - pl.col("size")
        taken = ranked.filter(middle <= 2 * pl.lit(budget))
    is_chosen = pl.col(ADDRESS).is_in(taken[ADDRESS].implode())
    return rows.with_columns(is_chosen.alias("is_chosen"))
