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
    keys: NDArray[np.uint64], addresses: NDArray[np.uint64], heads: NDArray[np.uint64]
) -> int:
    """Of rows sorted by key and address, those whose key is not alone: their addresses to the
    front of `addresses`, the first address of their key into `heads`; how many.
    """
    kept, start = 0, 0
    while start < keys.size:
        stop = start + 1
        while stop < keys.size and keys[stop] == keys[start]:
            stop += 1
        head = addresses[start]
        if addresses[stop - 1] != head:
            for i in range(start, stop):
                heads[kept], addresses[kept] = head, addresses[i]
                kept += 1
        start = stop
    return kept
