"""How various the characters of a text are, on the whole and by windows; the compiled half."""

from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_chars import Chars
from datakit.kernels.simd import kernel, part

Codes = NDArray[np.uint32]
Figures = NDArray[np.float64]

WINDOW = 1000
FIGURES = ("distinct_chars", "entropy", "window_distinct", "window_entropy")
"""Columns of what `measure_windows` finds."""

DISTINCT, ENTROPY, WINDOW_DISTINCT, WINDOW_ENTROPY = range(len(FIGURES))


class Room(NamedTuple):
    """Working memory: counts by code point, all 0 between texts, of the window and of the text;
    the different code points in each.
    """

    window: NDArray[np.int32]
    whole: NDArray[np.int32]
    new: Codes
    met: Codes


@part
def spend(counts: NDArray[np.int32], codes: Codes, size: int) -> float:
    """Entropy, in nats, of the counts of `codes`, `size` in all; the counts are 0 after it."""
    total = 0.0
    for code in codes:
        count = counts[code]
        counts[code] = 0
        if count > 1:
            total += count * log(count)
    return float(max(log(size) - total / size, 0.0))


@part
def count_window(codes: Codes, room: Room, different: int) -> tuple[int, int]:
    """Count a window's characters; how many different ones it has, and the text so far."""
    local = 0
    for code in codes:
        room.new[local] = code
        local += room.window[code] == 0
        room.window[code] += 1
    for code in room.new[:local]:
        room.met[different] = code
        different += room.whole[code] == 0
        room.whole[code] += room.window[code]
    return local, different


@part
def measure_text(codes: Codes, room: Room, found: Figures) -> None:
    """Fill in the figures of a text that is not empty."""
    different = windows = 0
    for start in range(0, codes.size, WINDOW):
        part = codes[start : start + WINDOW]
        local, different = count_window(part, room, different)
        entropy = spend(room.window, room.new[:local], part.size)
        if part.size == WINDOW or start == 0:
            windows += 1
            found[WINDOW_DISTINCT] += local / part.size
            found[WINDOW_ENTROPY] += entropy
    found[WINDOW_DISTINCT] /= windows
    found[WINDOW_ENTROPY] /= windows
    found[DISTINCT] = different / codes.size
    found[ENTROPY] = spend(room.whole, room.met[:different], codes.size)


@kernel
def measure_windows(chars: Chars, room: Room, found: Figures) -> None:
    """The four figures of every text, a row a text; 0 for an empty one."""
    for row in range(chars.bounds.size - 1):
        start, stop = chars.bounds[row], chars.bounds[row + 1]
        if start < stop:
            measure_text(chars.codes[start:stop], room, found[row])
