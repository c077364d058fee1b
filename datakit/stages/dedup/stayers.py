"""The records that stay, searched for those that share a bucket with a record and may be similar.

Two ways in, one answer. The stayers of a small bucket are simply listed. A large bucket (a
template with a thousand bodies) would make that quadratic, so its stayers are found by prefix
filtering (Chaudhuri et al. 2006; Bayardo et al. 2007), which loses no pair: of two sets with
Jaccard similarity t, sorted by one common order, the first n - ceil(t n) + 1 members of each
overlap. With rare shingles first, what a template has in common is not in the prefix.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import ceil
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Shingles: TypeAlias = NDArray[np.uint32]
Buckets: TypeAlias = NDArray[np.int64]

SMALL_BUCKET = 64

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
        self._by_shingle: defaultdict[int, list[int]] = defaultdict(list)

    def is_in_large(self, record: int) -> bool:
        """Whether a record has a bucket that is searched by prefix."""
        return bool(self._is_large[self._buckets[record]].any())

    def count_shingles(self, sets: Iterable[Shingles]) -> None:
        """Count the shingles of records in large buckets: before the first `search`."""
        for shingles in sets:
            self._seen += np.bincount(shingles % _COUNTERS, minlength=_COUNTERS).astype(np.uint64)

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
            for shingle in self._prefix(shingles):
                hits.update(self._by_shingle.get(shingle, ()))
            found.update(n for n in hits if not own.isdisjoint(self._buckets[n].tolist()))
        return sorted(found)

    def add(self, record: int, shingles: Shingles) -> None:
        """The record stays."""
        buckets = self._buckets[record]
        large = self._is_large[buckets]
        for bucket in buckets[~large].tolist():
            self._listed[bucket].append(record)
        if large.any():
            for shingle in self._prefix(shingles):
                self._by_shingle[shingle].append(record)

    def _prefix(self, shingles: Shingles) -> list[int]:
        # A hair below: rounding up 0.7 * 10 = 7.000000000000001 would lose pairs at the threshold.
        needed = ceil(self._threshold * shingles.size - 1e-9)
        length = shingles.size - needed + 1
        order = (self._seen[shingles % _COUNTERS] << np.uint64(32)) | shingles
        rarest = order if length >= order.size else np.partition(order, length - 1)[:length]
        prefix: list[int] = rarest.astype(np.uint32).tolist()
        return prefix


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
