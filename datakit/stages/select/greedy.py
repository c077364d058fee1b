"""Greedy selections of records that are not alike: by order, or the farthest first."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.stages.select.vectors import Floats, Vectors, norms_of

Places = NDArray[np.int64]

BLOCK = 512
"""Candidates whose similarities are computed together."""
KEPT_BLOCK = 8192


class Choice(NamedTuple):
    """What became of candidates, one value each, in their order: whether it is taken; its nearest
    taken candidate (place among all) and their cosine, or -1 and -inf where none was looked for.
    """

    is_taken: NDArray[np.bool_]
    nearest: Places
    similarity: Floats


def take_dissimilar(blocks: Iterable[Vectors], *, threshold: float, budget: int) -> Choice:
    """Go through candidates in order and take each whose cosine to all taken is below `threshold`,
    until `budget` are (DEITA's selection, arXiv 2312.15685). What comes after is not looked at.

    `blocks` are at most `BLOCK` candidates each. Memory: four bytes a dimension of those taken.
    """
    from datakit.kernels.nearness import settle_block

    kept = _Kept()
    parts: list[Choice] = []
    first = 0
    for vectors in blocks:
        floats, norms = vectors.astype(np.float32), norms_of(vectors)
        nearest, similarity = kept.find_nearest(floats, norms)
        is_taken = np.zeros(norms.size, dtype=np.bool_)
        cosines = (floats @ floats.T).astype(np.float64) / np.outer(norms, norms)
        limits = (threshold, budget - kept.count)
        seen = int(settle_block(cosines, limits, first, similarity, nearest, is_taken))
        nearest[seen:], similarity[seen:] = -1, -np.inf
        kept.add(floats[is_taken], norms[is_taken], first + np.flatnonzero(is_taken))
        parts.append(Choice(is_taken, nearest, similarity))
        first += norms.size
        if kept.count >= budget:
            break
    empty = Choice(np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros(0))
    return Choice(*(np.concatenate(columns) for columns in zip(empty, *parts, strict=True)))


class _Kept:
    """The vectors taken so far."""

    def __init__(self) -> None:
        self.count = 0
        self._vectors = np.zeros((0, 0), dtype=np.float32)
        self._norms = np.zeros(0)
        self._places = np.zeros(0, dtype=np.int64)

    def add(self, vectors: NDArray[np.float32], norms: Floats, places: Places) -> None:
        """Take some more."""
        if not norms.size:
            return
        start, stop = self.count, self.count + norms.size
        if stop > self._norms.size:
            room = max(2 * self._norms.size, stop)
            self._vectors = _grow(self._vectors[:start], (room, vectors.shape[1]))
            self._norms = _grow(self._norms[:start], (room,))
            self._places = _grow(self._places[:start], (room,))
        self._vectors[start:stop], self._norms[start:stop] = vectors, norms
        self._places[start:stop] = places
        self.count = stop

    def find_nearest(self, vectors: NDArray[np.float32], norms: Floats) -> tuple[Places, Floats]:
        """For each vector the place of the nearest one taken, and their cosine."""
        nearest = np.full(norms.size, -1, dtype=np.int64)
        similarity = np.full(norms.size, -np.inf)
        for start in range(0, self.count, KEPT_BLOCK):
            stop = min(start + KEPT_BLOCK, self.count)
            dots = (vectors @ self._vectors[start:stop].T).astype(np.float64)
            cosines = dots / np.outer(norms, self._norms[start:stop])
            best = cosines.argmax(axis=1)
            values = cosines[np.arange(norms.size), best]
            nearest = np.where(values > similarity, self._places[start:stop][best], nearest)
            similarity = np.maximum(similarity, values)
        return nearest, similarity


def _grow(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    grown = np.zeros(shape, dtype=values.dtype)
    if len(values):
        grown[: len(values)] = values
    return grown


def take_farthest(vectors: Vectors, *, threshold: float, budget: int) -> Choice:
    """Take the first candidate, then again and again the one that is farthest from all taken, the
    earlier of equals, until `budget` are taken or the farthest has a cosine of `threshold` or more
    (k-centre greedy: Gonzalez, Theoretical Computer Science 38, 1985; Sener and Savarese, arXiv
    1708.00489).

    One pass over all vectors for each one taken.
    """
    from datakit.kernels.nearness import approach

    count, norms = vectors.shape[0], norms_of(vectors)
    is_taken = np.zeros(count, dtype=np.bool_)
    nearest = np.full(count, -1, dtype=np.int64)
    similarity = np.full(count, -np.inf)
    for _ in range(min(budget, count)):
        farthest = int(np.where(is_taken, np.inf, similarity).argmin())
        if similarity[farthest] >= threshold:
            break
        is_taken[farthest] = True
        approach(vectors, norms, farthest, similarity, nearest)
    return Choice(is_taken, nearest, similarity)
