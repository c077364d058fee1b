"""Counts of tokens that no longer hold, since a record says something else than when counted."""

import polars as pl

from datakit.records import Batch

COUNTS = "n_tokens"
"""How the names of the columns of `annotate.tokens` begin."""


def empty_counts(batch: Batch, changed: pl.Series) -> list[pl.Series]:
    """The columns with counts of tokens, null for the records that have `changed`."""
    stale = [name for name in batch.columns if name.startswith(COUNTS)]
    kept = (pl.when(pl.lit(~changed)).then(pl.col(name)).alias(name) for name in stale)
    return batch.select(kept).get_columns()
