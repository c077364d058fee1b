"""Connected components by union-find; a component's root is its least member."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import kernel, part

Numbers: TypeAlias = NDArray[Any]  # uint32 or uint64


@part
def find_root(parents: Numbers, member: int) -> int:
    """The root of a member, halving the path to it."""
    while parents[member] != member:
        parents[member] = parents[parents[member]]
        member = parents[member]
    return member


@kernel
def join_pairs(parents: Numbers, ones: Numbers, others: Numbers) -> None:
    """Join the components of `ones[i]` and `others[i]`; `parents[i] == i` to begin with."""
    for i in range(ones.size):
        one, other = find_root(parents, ones[i]), find_root(parents, others[i])
        if one < other:
            parents[other] = one
        elif other < one:
            parents[one] = other


@kernel
def find_roots(parents: Numbers) -> None:
    """Make `parents[i]` the root of i."""
    for i in range(parents.size):
        # A parent is never the greater, so all before i are done.
        parents[i] = parents[parents[i]]


@kernel
def head_buckets(
    keys: NDArray[np.uint64],
    order: NDArray[np.int64],
    addresses: NDArray[np.uint64],
    found: NDArray[np.uint64],
    heads: NDArray[np.uint64],
) -> int:
    """Of rows taken in an order that sorts them by key, those whose key is not alone: their
    addresses into `found`, the least address of their key into `heads`; how many.
    """
    kept, start = 0, 0
    while start < order.size:
        key, head, last = keys[order[start]], addresses[order[start]], addresses[order[start]]
        stop = start + 1
        while stop < order.size and keys[order[stop]] == key:
            head = min(head, addresses[order[stop]])
            last = max(last, addresses[order[stop]])
            stop += 1
        if head != last:
            for i in range(start, stop):
                heads[kept], found[kept] = head, addresses[order[i]]
                kept += 1
        start = stop
    return kept
