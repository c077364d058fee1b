"""Putting the parts of long texts together again, as many as fit."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import Offsets, kernel

Spans: TypeAlias = NDArray[np.int64]


@kernel
def fill_pieces(sizes: Offsets, bounds: Offsets, most: int, overlap: int) -> tuple[Spans, Spans]:
    """Runs of neighbouring parts of at most `most` in size.

    Text t has the parts from `bounds[t]` to `bounds[t + 1]`. A piece takes parts as long as they
    fit, but one at least; the next begins with the last parts of the one before that come to
    `overlap` or less, unless its first new part would not fit behind them.

    Returns:
        int64[n, 2], first part and the one behind the last of each piece, in order; and int64[t],
        pieces of each text (0 for one without parts).
    """
    texts = len(bounds) - 1
    counts = np.zeros(texts, dtype=np.int64)
    spans = np.empty((len(sizes), 2), dtype=np.int64)
    made = 0
    for text in range(texts):
        first, end = bounds[text], bounds[text + 1]
        while first < end:
            stop, size = first, 0
            while stop < end and (stop == first or size + sizes[stop] <= most):
                size += sizes[stop]
                stop += 1
            spans[made, 0], spans[made, 1] = first, stop
            made += 1
            counts[text] += 1
            first = stop
            if stop < end:
                # Every piece ends later than the one before it, so there are no more than parts.
                again = 0
                while (
                    first - 1 > spans[made - 1, 0]
                    and again + sizes[first - 1] <= overlap
                    and again + sizes[first - 1] + sizes[stop] <= most
                ):
                    first -= 1
                    again += sizes[first]
    return spans[:made].copy(), counts
