"""Which of many vectors is nearest to another: steps of greedy selections.

Vectors are whole numbers, so that every sum is exact, in any order and on any machine.
"""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import kernel

Vectors = NDArray[np.int16]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@kernel
def approach(
    vectors: Vectors, norms: Floats, centre: int, similarity: Floats, nearest: Places
) -> None:
    """Bring `similarity` (cosine) and `nearest` of each vector up to date with a new centre.

    Dot products must fit 32 bits. Of equally near centres the earlier one stays.
    """
    dimensions = vectors.shape[1]
    own = vectors[centre].astype(np.int32)
    for i in range(vectors.shape[0]):
        total = np.int32(0)
        row = vectors[i]
        for k in range(dimensions):
            total = np.int32(total + np.int32(row[k]) * own[k])
        cosine = total / (norms[i] * norms[centre])
        if cosine > similarity[i]:
            similarity[i] = cosine
            nearest[i] = centre


@kernel
def settle_block(
    cosines: Floats,
    limits: tuple[float, int],
    first: int,
    similarity: Floats,
    nearest: Places,
    is_kept: NDArray[np.bool_],
) -> int:
    """Go through a block of candidates in order: keep each whose `similarity` to those kept is
    below the threshold, until there is no more room; what comes after hears of it.

    `cosines[i, j]` is that of candidates i and j, `limits` the threshold and the room, `first` the
    place of the block's first candidate among all. How many candidates were looked at.
    """
    threshold, room = limits
    for i in range(similarity.size):
        if room == 0:
            return i
        if similarity[i] >= threshold:
            continue
        is_kept[i] = True
        room -= 1
        for j in range(i + 1, similarity.size):
            if cosines[i, j] > similarity[j]:
                similarity[j] = cosines[i, j]
                nearest[j] = first + i
    return int(similarity.size)
