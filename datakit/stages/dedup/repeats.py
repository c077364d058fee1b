"""Parts of records that stand in the corpus more than once: which stay, and which to report."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.barriers import Observation, Reduced
from datakit.records import ADDRESS, PARTITION, SOURCE, Batch, Table, hash_strings

Hashes: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""The two halves of 128 bits."""

HASH = ("hash_a", "hash_b")
UNIT = "unit"
"""Number of a part in its record."""
STAYS = "stays"
"""Of the reduced row of a part: it is one that stays while others like it go."""

REPORTED = 20
"""Parts that the report lists."""
EXCERPT_CHARS = 80


def observe_parts(
    batch: Batch,
    rows: NDArray[np.int64],
    hashes: Hashes,
    partitions: int,
) -> Observation:
    """A row for each part; `rows`: the row of the batch each belongs to, those of one together."""
    observed = pl.DataFrame(
        {
            HASH[0]: hashes[0],
            HASH[1]: hashes[1],
            ADDRESS: batch[ADDRESS].to_numpy()[rows],
            UNIT: number_in_record(rows).astype(np.uint32),
            SOURCE: hash_sources(batch, seed=0)[rows].astype(np.uint32),
            PARTITION: (hashes[0] % np.uint64(partitions)).astype(np.uint32),
        }
    )
    return Observation(observed)


def hash_sources(batch: Batch, *, seed: int) -> NDArray[np.uint64]:
    """A hash of the source of each row."""
    names = batch[SOURCE].unique()
    hashes = batch[SOURCE].replace_strict(names, hash_strings(names, seed=seed))
    found: NDArray[np.uint64] = hashes.to_numpy()
    return found


def hash_within_source(batch: Batch, rows: NDArray[np.int64], hashes: Hashes) -> Hashes:
    """Hashes that differ from source to source."""
    a, b = (hashes[seed] ^ hash_sources(batch, seed=seed)[rows] for seed in (0, 1))
    return a, b


def number_in_record(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of each part in its record, from 0; parts of a record stand together."""
    if not rows.size:
        return rows
    is_first = np.concatenate([[True], rows[1:] != rows[:-1]])
    firsts = np.flatnonzero(is_first)
    numbers: NDArray[np.int64] = np.arange(rows.size) - firsts[np.cumsum(is_first) - 1]
    return numbers


def find_places(
    rows: NDArray[np.int64], reduced: Table
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where, among the parts of a batch, those with a reduced row are, and whether they stay.

    `reduced` is what `apply` gets of rows with `many_rows`; each record has some.
    """
    flat = reduced.select(UNIT, STAYS).with_row_index("row").explode(UNIT, STAYS)
    base = np.zeros(reduced.height, dtype=np.int64)
    # Of equal indices numpy keeps the last value, so the first part of each row when reversed.
    base[rows[::-1]] = np.arange(rows.size - 1, -1, -1)
    places = base[flat["row"].to_numpy()] + flat[UNIT].to_numpy().astype(np.int64)
    return places, flat[STAYS].to_numpy()


def have_parts(reduced: Table) -> pl.Series:
    """Which records have a reduced row at all."""
    if UNIT not in reduced.columns:
        return pl.Series([False]).new_from_index(0, reduced.height)
    return reduced[UNIT].is_not_null()


def reduce_parts(observed: Table, keep_first: int) -> Reduced:
    """Of parts that stand more than `keep_first` times all rows, with `stays` for the first ones;
    the summary: those that stand most often.
    """
    # Counting by half of the hash leaves few rows for all else.
    likely = observed.filter(pl.len().over(HASH[0]) > keep_first)
    counted = likely.filter(pl.len().over(HASH) > keep_first)
    rows = counted.select(
        ADDRESS, UNIT, (pl.int_range(pl.len()).over(HASH) < keep_first).alias(STAYS)
    )
    return Reduced(rows, _most_frequent(counted, keep_first))


def _most_frequent(counted: Table, keep_first: int) -> Table:
    counts = counted.group_by(*HASH).agg(
        pl.len().cast(pl.Int64).alias("count"),
        pl.col(ADDRESS).first(),
        pl.col(UNIT).first().alias("_unit"),
    )
    most = _top(counts)
    more = counted.join(most.select(*HASH), on=HASH, how="semi").group_by(*HASH)
    details = more.agg(
        pl.col(ADDRESS).n_unique().cast(pl.Int64).alias("records"),
        pl.col(SOURCE).n_unique().cast(pl.Int64).alias("sources"),
    )
    # Not what is removed: that is known once each record was looked at.
    surplus = (pl.col("count") - keep_first).alias("surplus")
    found = most.join(details, on=HASH).with_columns(surplus)
    return found.select("count", "records", "sources", "surplus", ADDRESS, "_unit")


def _top(counts: Table) -> Table:
    order = ["count", ADDRESS, "_unit"]
    return counts.sort(order, descending=[True, False, False]).head(REPORTED)


def list_most_frequent(summaries: Iterable[Table], *, one_a_record: bool = False) -> Table:
    """The parts that stand most often, over all partitions; of equals those read first, and with
    `one_a_record` no two whose first is in the same record.
    """
    tables = [summary for summary in summaries if summary.height]
    if not tables:
        return pl.DataFrame()
    most = _top(pl.concat(tables))
    return most.unique(ADDRESS, keep="first", maintain_order=True) if one_a_record else most


def show_parts(verdict: Table, records: Batch, parts_of: Callable[[Batch], list[str]]) -> Table:
    """The verdict with an excerpt of each part; `parts_of` gives the parts of one record, and
    `records` are those that the verdict points to.
    """
    units = verdict["_unit"].to_list()
    texts = [parts_of(records[row : row + 1])[unit] for row, unit in enumerate(units)]
    shown = [" ".join(text[: 2 * EXCERPT_CHARS].split()) for text in texts]
    excerpts = [t if len(t) <= EXCERPT_CHARS else t[: EXCERPT_CHARS - 1] + "…" for t in shown]
    # Addresses follow the cut into shards; they are no part of a report.
    return pl.DataFrame({"text": excerpts}).hstack(verdict.drop(ADDRESS, "_unit"))
