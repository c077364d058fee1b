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
from datakit.kernels.simd import kernel, part

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
def take_rarest(
    members: Hashes, seen: Hashes, wanted: int, heap: NDArray[np.uint64], rarest: NDArray[np.uint64]
) -> None:
    """Write the `wanted` rarest members to `rarest`, rarest first: counts of the members of all
    sets are in `seen`, by hash. Taken off a heap, as few are wanted (and as a sort by Numba takes
    long to compile).
    """
    mask, size = np.uint32(seen.size - 1), members.size
    for i in range(size):
        heap[i] = np.uint64(seen[members[i] & mask]) << np.uint64(32) | np.uint64(members[i])
    for i in range(size // 2 - 1, -1, -1):
        sift_down(heap, i, size)
    for i in range(wanted):
        rarest[i] = heap[0]
        size -= 1
        heap[0] = heap[size]
        sift_down(heap, 0, size)


@part
def sift_down(heap: NDArray[np.uint64], place: int, size: int) -> None:
    """Let the value at `place` sink until none below it is less."""
    value = heap[place]
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value


@part
def chain_of(size_class: int, key: np.uint64, heads: Nodes) -> int:
    """The chain in which sets of a size class with this member are."""
    value = (key + np.uint64(size_class)) * np.uint64(0x9E3779B97F4A7C15)
    return int((value >> np.uint64(32)) & np.uint64(heads.size - 1))


@part
def file_set(
    record: int, rarest: tuple[NDArray[np.uint64], int], size: int, index: Index, used: int
) -> int:
    """File a set of `size` members under its rarest (an array, and how many of it); the nodes used
    then.
    """
    size_class = class_of(size)
    least = index.least[size_class]
    index.least[size_class] = min(least, size) if least else size
    for i in range(rarest[1]):
        chain = chain_of(size_class, rarest[0][i], index.heads)
        index.following[used], index.owners[used] = index.heads[chain], record
        index.heads[chain] = used
        used += 1
    return used


@kernel
def count_members(
    hashes: Hashes, starts: Places, ends: Places, chosen: NDArray[np.bool_], seen: Hashes
) -> None:
    """Count the hashes of the chosen sets; hashes share the counters `seen` (a power of two)."""
    mask = np.uint32(seen.size - 1)
    for record in range(chosen.size):
        if chosen[record]:
            for i in range(starts[record], ends[record]):
                seen[hashes[i] & mask] += np.uint32(1)


def make_index(members: int) -> Index:
    """An index with room for `members` nodes."""
    bits = max(4, (members // 4 - 1).bit_length())
    heads = np.full(1 << bits, -1, dtype=np.int32)
    following, owners = np.empty(members, dtype=np.int32), np.empty(members, dtype=np.int32)
    return Index(heads, following, owners, np.zeros(_CLASSES, dtype=np.int64))
