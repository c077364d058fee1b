"""What became of the records of a selection by similarity: names, counts, and their vectors."""

from collections.abc import Iterator

import polars as pl

from datakit.barriers import Recall
from datakit.records import ADDRESS, ID, SOURCE, Table
from datakit.stages.select.vectors import VECTOR, Vectors, from_column

IS_TAKEN, NEAREST, SIMILARITY, KEPT_ID = "is_taken", "nearest", "similarity", "kept_id"
RECALLED_ROWS = 4096
COUNTS = ("records", "selected", "too_similar", "beyond_budget")


def recall_vectors(addresses: pl.Series, recall: Recall, size: int) -> Iterator[Vectors]:
    """The kept vectors of records, in order, `size` at a time."""
    for start in range(0, len(addresses), size):
        yield from_column(recall(addresses[start : start + size].to_list())[VECTOR])


def is_similar(threshold: float) -> pl.Expr:
    """Whether a record was found to be as near as `threshold` to one that is taken."""
    return (pl.col(SIMILARITY) >= threshold).fill_null(False)


def name_nearest(decided: Table, recall: Recall) -> Table:
    """The records with the `kept_id` of the nearest one taken; that and `similarity` are null where
    a record is taken itself or was not looked at.
    """
    is_found = ~pl.col(IS_TAKEN) & (pl.col(NEAREST) >= 0)
    nearest = decided.filter(is_found)[NEAREST].unique().sort()
    ids = [
        recall(decided[ADDRESS].gather(nearest[start : start + RECALLED_ROWS]).to_list())[ID]
        for start in range(0, len(nearest), RECALLED_ROWS)
    ]
    known = pl.concat(ids) if ids else pl.Series([], dtype=pl.String)
    names = pl.DataFrame({NEAREST: nearest.cast(pl.Int64), KEPT_ID: known})
    named = decided.join(names, on=NEAREST, how="left", maintain_order="left")
    return named.with_columns(pl.when(is_found).then(SIMILARITY), pl.when(is_found).then(KEPT_ID))


def count_by_source(named: Table, *, threshold: float) -> Table:
    """Records compared, selected, and rejected for either reason, by source."""
    taken = pl.col(IS_TAKEN)
    similar = ~taken & is_similar(threshold)
    counts = (pl.len(), taken.sum(), similar.sum(), (~taken & ~similar).sum())
    return (
        named.group_by(SOURCE)
        .agg(n.cast(pl.Int64).alias(name) for name, n in zip(COUNTS, counts, strict=True))
        .sort(SOURCE)
    )
