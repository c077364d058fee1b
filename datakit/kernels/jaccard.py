"""Exact Jaccard similarity of one set with many, by a hash table that is never cleared.

Sets are runs of 32-bit hashes in one array. `marks[slot]` tells for which set a slot of the table
was filled, so that a new set needs no clearing.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import part

Hashes: TypeAlias = NDArray[np.uint32]
Places: TypeAlias = NDArray[np.int64]
Marks: TypeAlias = NDArray[np.int32]

# Bounds are taken a hair low: 7.000000000000001 rounded up to 8 would lose pairs at the threshold.
BELOW = 1 - 1e-12

_SPREAD = np.uint32(0x9E3779B1)


@part
def shift_of(size: int) -> np.uint32:
    """The shift that gives a table at least twice as large as a set."""
    bits = 4
    while (1 << bits) < 2 * size:
        bits += 1
    return np.uint32(32 - bits)


@part
def enter_set(members: Hashes, mark: int, shift: np.uint32, slots: Hashes, marks: Marks) -> int:
    """Enter a set into the table, leaving its distinct members in front; how many these are."""
    distinct, mask = 0, np.uint32((1 << (32 - shift)) - 1)
    for i in range(members.size):
        value = members[i]
        slot = np.uint32(value * _SPREAD) >> shift
        while marks[slot] == mark and slots[slot] != value:
            slot = (slot + np.uint32(1)) & mask
        if marks[slot] != mark:
            marks[slot] = mark
            slots[slot] = value
            members[distinct] = value
            distinct += 1
    return distinct


@part
def count_common(
    members: Hashes, needed: int, entered: tuple[int, np.uint32], slots: Hashes, marks: Marks
) -> int:
    """Members that are in the entered set; less than `needed` as soon as that is certain."""
    mark, shift = entered
    mask = np.uint32((1 << (32 - shift)) - 1)
    misses, allowed = 0, members.size - needed
    for i in range(members.size):
        value = members[i]
        slot = np.uint32(value * _SPREAD) >> shift
        while marks[slot] == mark and slots[slot] != value:
            slot = (slot + np.uint32(1)) & mask
        misses += marks[slot] != mark
        if misses > allowed:
            break
    return members.size - misses


@part
def least_common(threshold: float, size: int, other: int) -> int:
    """Members that two sets of these sizes must share for a similarity of `threshold`."""
    return int(np.ceil(threshold / (1 + threshold) * (size + other) * BELOW))
