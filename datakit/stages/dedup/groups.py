"""Candidates dealt into groups that can be settled one without the other.

Records that share a bucket, directly or by way of others, are in one component. Components are
packed into groups of bounded weight; only numbers are handled here, four or eight bytes a record.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.barriers import KeptShard, Regrouped
from datakit.records import ADDRESS, PARTITION, Table

HEAD, SHINGLES = "head", "shingles"

GROUP_SHINGLES = 1 << 22
"""Shingles of the records of a group, unless one component has more."""

Numbers: TypeAlias = NDArray[Any]
Rows: TypeAlias = Callable[[], Iterator[Table]]


def count_compared(shard: KeptShard) -> int:
    """The records of a shard that have something to compare."""
    return int((shard.kept()[SHINGLES].list.len() > 0).sum())


def group_candidates(rows: Rows, shards: Sequence[KeptShard]) -> Regrouped:
    """The groups of the records in `rows`, pairs of `_address` and `head` (an address too)."""
    from datakit.kernels.components import find_roots, join_pairs

    starts = np.cumsum([0, *(shard.rows for shard in shards)])
    kind = np.uint32 if starts[-1] < 1 << 32 else np.uint64
    roots = np.arange(starts[-1], dtype=kind)
    is_candidate = np.zeros(roots.size, dtype=np.bool_)
    for table in rows():
        members, heads = (_number(table[name], starts, kind) for name in (ADDRESS, HEAD))
        join_pairs(roots, members, heads)
        is_candidate[members] = True
    find_roots(roots)
    candidates = np.flatnonzero(is_candidate)
    groups_of = _pack(roots, candidates, _weigh(candidates, starts, shards))
    count = int(groups_of[candidates].max()) + 1 if candidates.size else 0

    def members_by_group() -> Iterator[Table]:
        for table in rows():
            group = pl.Series(PARTITION, groups_of[_number(table[ADDRESS], starts, kind)])
            yield table.with_columns(group)

    shard = np.searchsorted(starts, candidates, side="right") - 1
    addresses = (shard.astype(np.uint64) << np.uint64(32)) | (candidates - starts[shard]).astype(
        np.uint64
    )
    columns = {ADDRESS: addresses, PARTITION: groups_of[candidates]}
    return Regrouped(count, members_by_group(), pl.DataFrame(columns))


def _number(addresses: pl.Series, starts: Numbers, kind: Any) -> Numbers:
    """Addresses as places among the records of all shards."""
    values = addresses.to_numpy()
    first: Numbers = starts[values >> np.uint64(32)]
    return (first + (values & np.uint64(0xFFFFFFFF)).astype(np.int64)).astype(kind)


def _weigh(candidates: Numbers, starts: Numbers, shards: Sequence[KeptShard]) -> Numbers:
    """How many shingles each candidate has."""
    weights = np.zeros(candidates.size, dtype=np.int64)
    bounds = np.searchsorted(candidates, starts)
    for shard, start, first, last in zip(shards, starts[:-1], bounds[:-1], bounds[1:], strict=True):
        if last > first:
            sizes = shard.kept()[SHINGLES].list.len().to_numpy()
            weights[first:last] = sizes[candidates[first:last] - start]
    return weights


def _pack(roots: Numbers, candidates: Numbers, weights: Numbers) -> Numbers:
    """The group of each record, by filling groups with components in the order of their roots."""
    roots_of = roots[candidates]
    components, members = np.unique(roots_of, return_inverse=True)
    sizes = np.bincount(members, weights=weights, minlength=components.size).astype(np.int64)
    before = np.cumsum(sizes) - sizes
    _, groups = np.unique(before // GROUP_SHINGLES, return_inverse=True)
    groups_of = roots.astype(np.uint32)
    groups_of[candidates] = groups[members] if components.size else 0
    return groups_of
