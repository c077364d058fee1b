"""A group of candidates, settled: who goes, and because of whom."""

import tempfile
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.ranking import KEEPER_ORDER
from datakit.records import ADDRESS, ID, SOURCE, Table
from datakit.stages.dedup.groups import HEAD, SHINGLES
from datakit.stages.dedup.keepers import KEPT_ADDRESS, KEPT_ID, KEPT_SOURCE

SIMILARITY, FIXED, INDEX = "similarity", "fixed", "index"
NO_INDEX = -1
"""In `INDEX`, the number of the index that a record is from: it is one of the run."""

# Stayers of buckets up to this size are listed, those of larger ones searched by rare shingles.
MOST_LISTED = 64
# More shingles than this are worked on in a file that the system can page out.
MOST_IN_MEMORY = 1 << 26

DUPLICATE_SCHEMA = {
    ADDRESS: pl.UInt64,
    SOURCE: pl.String,
    KEPT_ID: pl.String,
    KEPT_SOURCE: pl.String,
    KEPT_ADDRESS: pl.UInt64,
    INDEX: pl.Int32,
    SIMILARITY: pl.Float64,
}


def find_duplicates(members: Table, kept: Table, threshold: float) -> Table:
    """The records that go, each with the stayer it is most similar to (`DUPLICATE_SCHEMA`).

    `members` has a row for each record (`_address`) in each bucket (`head`), repeats allowed;
    `kept` a row for each record: `_address`, `id`, `source`, `rank`, `shingles`, `index`, and
    `fixed`, true for records that stay whatever they are like. The `index` told of a record that
    goes is that of the stayer.
    """
    from datakit.kernels.settling import Sets, settle_records

    order = kept.select(pl.arg_sort_by(*KEEPER_ORDER)).to_series().to_numpy()
    records = kept.select(ADDRESS, ID, SOURCE, FIXED, INDEX)[order]
    buckets, bounds = _memberships(members, records[ADDRESS])
    with tempfile.TemporaryFile() as file:
        shingles, starts, ends = _in_order(kept[SHINGLES], order, file)
        longest = int((ends - starts).max(initial=1))
        sets = Sets(shingles, starts, ends, buckets, bounds, longest)
        fixed = records[FIXED].to_numpy().copy()
        partners, similarity = settle_records(sets, fixed, threshold, MOST_LISTED)
    gone = np.flatnonzero(partners >= 0)
    keepers = records[partners[gone].astype(np.uint32)]
    columns = {
        ADDRESS: records[ADDRESS][gone],
        SOURCE: records[SOURCE][gone],
        KEPT_ID: keepers[ID],
        KEPT_SOURCE: keepers[SOURCE],
        KEPT_ADDRESS: keepers[ADDRESS],
        INDEX: keepers[INDEX],
        SIMILARITY: pl.Series(similarity[gone]),
    }
    return pl.DataFrame(columns, schema=DUPLICATE_SCHEMA)


def _memberships(
    members: Table, addresses: pl.Series
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Each record's buckets, numbered and sorted, one record after the other, and their bounds."""
    places = addresses.to_frame().with_row_index("record")
    numbered = members.select(ADDRESS, (pl.col(HEAD).rank("dense") - 1).cast(pl.Int32).alias(HEAD))
    rows = numbered.join(places, on=ADDRESS).select("record", HEAD).unique().sort("record", HEAD)
    counts = np.bincount(rows["record"].to_numpy(), minlength=addresses.len())
    bounds = np.zeros(counts.size + 1, dtype=np.int64)
    np.cumsum(counts, out=bounds[1:])
    return rows[HEAD].to_numpy().copy(), bounds


def _in_order(
    lists: pl.Series, order: NDArray[Any], file: Any
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
    """The lists one after the other in the given order: values, where each begins and ends."""
    sizes = lists.list.len().to_numpy().astype(np.int64)[order]
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if ends.size else 0
    shingles: NDArray[np.uint32] = np.empty(0, dtype=np.uint32)
    if total <= MOST_IN_MEMORY:
        shingles = np.empty(total, dtype=np.uint32)
    else:
        file.truncate(total * 4)
        shingles = np.memmap(file, dtype=np.uint32, shape=(total,)).view(np.ndarray)
    step = max(1, order.size // (1 + total // MOST_IN_MEMORY))
    for first in range(0, order.size, step):
        piece = lists[order[first : first + step].astype(np.uint32)].explode(empty_as_null=False)
        start = int(ends[first] - sizes[first])
        shingles[start : start + len(piece)] = piece.to_numpy()
    return shingles, ends - sizes, ends
