"""Runs of pieces of a text that are just long enough, and their hashes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.line_units import Units
from datakit.kernels.simd import Offsets, Words, kernel, part
from datakit.kernels.xxh64 import merge, mix_in


@part
def hash_run(hashes: NDArray[np.uint64], first: int, last: int, seed: np.uint64) -> np.uint64:
    """A hash of the hashes `first` to `last`, in their order."""
    total = seed + np.uint64(last - first)
    for i in range(first, last + 1):
        total = mix_in(total, hashes[i])
    total = merge(total, seed)
    total = (total ^ total >> np.uint64(33)) * np.uint64(0xC2B2AE3D27D4EB4F)
    total = (total ^ total >> np.uint64(29)) * np.uint64(0x165667B19E3779F9)
    return total ^ total >> np.uint64(32)


@part
def write_window(
    pieces: tuple[Offsets, Offsets, Words],
    bounds: tuple[int, int],
    found: tuple[Offsets, Words],
    count: int,
) -> int:
    """Write one window; how many there are now."""
    owners, _, hashes = pieces
    first, last = bounds
    found[0][0, count], found[0][1, count], found[0][2, count] = owners[first], first, last
    found[1][0, count] = hash_run(hashes[0], first, last, np.uint64(0))
    found[1][1, count] = hash_run(hashes[1], first, last, np.uint64(1))
    return count + 1


@kernel
def scan_windows(
    pieces: tuple[Offsets, Offsets, Words], least: int, found: tuple[Offsets, Words]
) -> int:
    """See `find_windows`; how many there are."""
    owners, weights, _ = pieces
    start, count, pieces_there = 0, 0, owners.size
    while start < pieces_there:
        stop = start + 1
        while stop < pieces_there and owners[stop] == owners[start] and weights[stop] >= 0:
            stop += 1
        if weights[start] < 0:
            start += 1
            continue
        ahead, sum_ahead, behind, sum_behind = start, 0, start, 0
        for i in range(start, stop):
            while ahead < stop and sum_ahead < least:
                sum_ahead += weights[ahead]
                ahead += 1
            if sum_ahead >= least:
                count = write_window(pieces, (i, ahead - 1), found, count)
            sum_ahead -= weights[i]
            sum_behind += weights[i]
            while sum_behind - weights[behind] >= least:
                sum_behind -= weights[behind]
                behind += 1
            if sum_behind - weights[i] >= least:
                count = write_window(pieces, (behind, i), found, count)
        start = stop
    return count


@dataclass(frozen=True, slots=True)
class Windows:
    """Runs of pieces, in order: text, first and last piece, and 128 bits of hash of each."""

    owners: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    hash_a: NDArray[np.uint64]
    hash_b: NDArray[np.uint64]


def find_windows(pieces: Units, weights: NDArray[np.int64], least: int) -> Windows:
    """All runs of pieces of one text whose weights come to `least`, but come to less without
    their last piece, or without their first; none across a piece of weight -1.

    Whatever run of pieces of that weight two texts share, it is covered by windows that they
    share: by those of the first kind from its start on, by those of the second up to its end.
    """
    most = 2 * weights.size
    places = np.empty((3, most), dtype=np.int64)
    hashes = np.empty((2, most), dtype=np.uint64)
    pairs = np.stack([pieces.hash_a, pieces.hash_b])
    count = scan_windows((pieces.owners, weights, pairs), least, (places, hashes))
    return Windows(*places[:, :count], *hashes[:, :count])
