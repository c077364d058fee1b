"""Filling one container after the other, in the order given."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import Offsets, kernel

Flags: TypeAlias = NDArray[np.bool_]


@kernel
def find_starts(
    breaks: Flags, whole: tuple[Offsets, Offsets], added: tuple[Offsets, Offsets], most: Offsets
) -> Flags:
    """Where a new container begins: true for its first piece.

    Pieces have two measures. `whole` has what each takes as the first piece of a container,
    `added` what it takes behind others; both of `most` hold for every container of two pieces or
    more. A piece with `breaks` set begins a container whatever the room.
    """
    starts = np.ones(breaks.size, dtype=np.bool_)
    first = second = 0
    for piece in range(breaks.size):
        first, second = first + added[0][piece], second + added[1][piece]
        starts[piece] = breaks[piece] or first > most[0] or second > most[1]
        if starts[piece]:
            first, second = whole[0][piece], whole[1][piece]
    return starts
