"""The records that stay, searched for those that share a bucket with a record and may be similar.

Two ways in, one answer. The stayers of a small bucket are simply listed. A large bucket (a
template with a thousand bodies) would make that quadratic, so its stayers are found by prefix
filtering (Chaudhuri et al. 2006; Bayardo et al. 2007), which loses no pair: of two sets of n and
m members with o in common, sorted by one common order, the first n - o + 1 members of the one and
the first m - o + 1 of the other overlap. With rare shingles first, what a template has in common
is not among them. Jaccard similarity t asks for o of at least t (n + m) / (1 + t), so stayers are
filed by size, and each size is searched with the shortest prefix that will do.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil, log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Shingles: TypeAlias = NDArray[np.uint32]
Buckets: TypeAlias = NDArray[np.int64]

SMALL_BUCKET = 64

# Sets are of one size class if their sizes differ by less than this factor.
CLASS_WIDTH = 1.05

# Bounds are taken a hair low: 7.000000000000001 rounded up to 8 would lose pairs at the threshold.
BELOW = 1 - 1e-12

_COUNTERS = 1 << 20


class Stayers:
    """Grows as records are found to stay; records are numbered in keeper order.

    `buckets[n]` are the buckets of record n, `sizes` how many records each bucket has.
    """

    def __init__(
        self, threshold: float, buckets: Sequence[Buckets], sizes: Sequence[int] | Buckets
    ) -> None:
        self._threshold, self._buckets = threshold, buckets
        self._is_large = np.asarray(sizes) > SMALL_BUCKET
        self._seen = np.zeros(_COUNTERS, dtype=np.uint64)
        self._listed: defaultdict[int, list[int]] = defaultdict(list)
        # (size class, shingle) -> stayers; and the least size of a stayer in each class.
        self._by_shingle: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        self._least: dict[int, int] = {}

    def is_in_large(self, record: int) -> bool:
        """Whether a record has a bucket that is searched by prefix."""
        return bool(self._is_large[self._buckets[record]].any())

    def count_shingles(self, sets: Sequence[Shingles]) -> None:
        """Count the shingles of records in large buckets: before the first `search`."""
        counts = np.bincount(np.concatenate(sets) % _COUNTERS, minlength=_COUNTERS)
        self._seen += counts.astype(np.uint64)

    def search(self, record: int, shingles: Shingles) -> list[int]:
        """The stayers, in keeper order, that share a bucket with the record, without some of those
        whose similarity to it is below the threshold.
        """
        buckets = self._buckets[record]
        large = self._is_large[buckets]
        found: set[int] = set()
        for bucket in buckets[~large].tolist():
            found.update(self._listed.get(bucket, ()))
        if large.any():
            own = set(buckets[large].tolist())
            hits: set[int] = set()
            for filed in self._probes(shingles):
                hits.update(self._by_shingle.get(filed, ()))
            found.update(n for n in hits if not own.isdisjoint(self._buckets[n].tolist()))
        return sorted(found)

    def add(self, record: int, shingles: Shingles) -> None:
        """The record stays."""
        buckets = self._buckets[record]
        large = self._is_large[buckets]
        for bucket in buckets[~large].tolist():
            self._listed[bucket].append(record)
        if large.any():
            size_class = _classify(shingles.size)
            least = self._least.setdefault(size_class, shingles.size)
            self._least[size_class] = min(least, shingles.size)
            # Whatever comes, it shares at least the part t of this set.
            for shingle in self._rarest(shingles, self._prefix_of(shingles.size, 0)):
                self._by_shingle[size_class, shingle].append(record)

    def _probes(self, shingles: Shingles) -> Iterator[tuple[int, int]]:
        """Where stayers may be filed that are similar enough."""
        size = shingles.size
        rarest = self._rarest(shingles, self._prefix_of(size, 0))
        lowest = _classify(max(1, ceil(self._threshold * size * BELOW)))
        for size_class in range(lowest, _classify(int(size / self._threshold / BELOW)) + 1):
            if size_class in self._least:
                length = self._prefix_of(size, self._least[size_class])
                yield from ((size_class, shingle) for shingle in rarest[:length])

    def _prefix_of(self, size: int, other: int) -> int:
        """How many members of a set may be needed to meet one of `other` members or more."""
        t = self._threshold
        needed = ceil(max(t * size, t / (1 + t) * (size + other)) * BELOW)
        return max(0, size - needed + 1)

    def _rarest(self, shingles: Shingles, length: int) -> list[int]:
        order = np.sort((self._seen[shingles % _COUNTERS] << np.uint64(32)) | shingles)
        rarest: list[int] = order[:length].astype(np.uint32).tolist()
        return rarest


def _classify(size: int) -> int:
    return int(log(size, CLASS_WIDTH) + 1e-9)


def measure_similarity(shingles: Shingles, others: Sequence[Shingles]) -> NDArray[np.float64]:
    """The exact Jaccard similarity of one set to each of the others; sets sorted, none empty."""
    sizes = np.array([other.size for other in others])
    members = np.concatenate(others)
    places = np.searchsorted(shingles, members)
    is_common = shingles[np.minimum(places, shingles.size - 1)] == members
    starts = np.cumsum(sizes) - sizes
    common = np.add.reduceat(is_common.astype(np.int64), starts)
    similarity: NDArray[np.float64] = common / (sizes + shingles.size - common)
    return similarity
