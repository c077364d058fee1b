"""Sets found by their rare members: prefix filtering, which loses no pair.

Source: Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007. Of two sets of n and m
members with o in common, sorted by one common order, the first n - o + 1 members of the one and
the first m - o + 1 of the other overlap. With rare members first, what a template has in common is
not among them. Jaccard similarity t asks for o of at least t (n + m) / (1 + t), so sets are filed
by size class, and each class is searched with the shortest prefix that will do.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.jaccard import BELOW, Hashes, Places
from datakit.kernels.simd import part

Nodes: TypeAlias = NDArray[np.int32]

_CLASSES = 512
# Sets are of one size class if their sizes differ by less than this factor.
_WIDTH = 1.05


class Index(NamedTuple):
    """Chains of nodes, one for each set under each of its rarest members: the chains' first
    nodes, each node's next (-1: none) and its set; and the least size of a set in each class
    (0: the class is empty).
    """

    heads: Nodes
    following: Nodes
    owners: Nodes
    least: Places


@part
def class_of(size: int) -> int:
    """The size class of a set."""
    return min(_CLASSES - 1, int(np.log(size) / np.log(_WIDTH) + 1e-9))


@part
def prefix_of(threshold: float, size: int, other: int) -> int:
    """How many members of a set may be needed to meet one of `other` members or more."""
    least = max(threshold * size, threshold / (1 + threshold) * (size + other)) * BELOW
    return max(0, size - int(np.ceil(least)) + 1)


@part
def sort_rarest(members: Hashes, seen: Hashes) -> NDArray[np.uint64]:
    """The members, rarest first: counts of the members of all sets are in `seen`, by hash."""
    keys = np.empty(members.size, dtype=np.uint64)
    mask = np.uint32(seen.size - 1)
    for i in range(members.size):
        keys[i] = np.uint64(seen[members[i] & mask]) << np.uint64(32) | np.uint64(members[i])
    keys.sort()
    return keys


@part
def chain_of(size_class: int, key: np.uint64, heads: Nodes) -> int:
    """The chain in which sets of a size class with this member are."""
    value = (key + np.uint64(size_class)) * np.uint64(0x9E3779B97F4A7C15)
    return int((value >> np.uint64(32)) & np.uint64(heads.size - 1))


@part
def file_set(
    record: int, rarest: NDArray[np.uint64], threshold: float, index: Index, used: int
) -> int:
    """File a set under its rarest members; the nodes used then."""
    size_class = class_of(rarest.size)
    least = index.least[size_class]
    index.least[size_class] = min(least, rarest.size) if least else rarest.size
    # Whatever comes, it shares at least the part `threshold` of this set.
    for i in range(prefix_of(threshold, rarest.size, 0)):
        chain = chain_of(size_class, rarest[i], index.heads)
        index.following[used], index.owners[used] = index.heads[chain], record
        index.heads[chain] = used
        used += 1
    return used


@part
def make_empty(members: int) -> Index:
    """An index with room for `members` nodes."""
    bits = 4
    while (1 << bits) < members // 4:
        bits += 1
    heads = np.full(1 << bits, -1, dtype=np.int32)
    following, owners = np.empty(members, dtype=np.int32), np.empty(members, dtype=np.int32)
    return Index(heads, following, owners, np.zeros(_CLASSES, dtype=np.int64))
