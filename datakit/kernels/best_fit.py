"""Packing pieces into bins: best fit."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import Offsets, kernel

Bins: TypeAlias = NDArray[np.int64]


@kernel
def fit_best(sizes: Offsets, capacity: int) -> Bins:
    """The bin of each piece, in the order given: the open bin that it fills best, else a new one.

    No piece is larger than `capacity`. Of bins with equal room the one filled last is taken. Given
    in falling order of size, this is best-fit decreasing: at most 11/9 of the fewest bins, and 1
    (Johnson 1973).
    """
    bins = np.empty(len(sizes), dtype=np.int64)
    # For each room, the bins that have it, as a list: the last one, and the one before each.
    last = np.full(capacity + 1, -1, dtype=np.int64)
    before = np.full(len(sizes), -1, dtype=np.int64)
    made = 0
    for piece in range(len(sizes)):
        room = sizes[piece]
        while room <= capacity and last[room] < 0:
            room += 1
        if room > capacity:
            found, room = made, capacity
            made += 1
        else:
            found = last[room]
            last[room] = before[found]
        left = room - sizes[piece]
        before[found] = last[left]
        last[left] = found
        bins[piece] = found
    return bins
