"""How long records are: a histogram in bounded memory."""

from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

EXACT = 1 << 16
"""Lengths below it are counted one by one; above, in classes of 1 %."""
RATIO = 1.01
CLASSES = 2_000
"""Up to 65,536 times 1.01 to the 2,000th: more than any record has."""


@dataclass(slots=True)
class LengthHistogram:
    """Counts of lengths, which add; percentiles are exact up to 65,535, else up to 1 % too high."""

    exact: NDArray[np.int64] = field(default_factory=lambda: np.zeros(EXACT, dtype=np.int64))
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(CLASSES, dtype=np.int64))
    total: int = 0
    longest: int = 0

    def add(self, lengths: NDArray[np.int64]) -> None:
        """Count lengths, none of them negative."""
        if not len(lengths):
            return
        short = lengths[lengths < EXACT]
        self.exact += np.bincount(short, minlength=EXACT)
        long = lengths[lengths >= EXACT]
        nth = np.floor(np.log(long / EXACT) / np.log(RATIO)).astype(np.int64)
        self.classes += np.bincount(np.clip(nth, 0, CLASSES - 1), minlength=CLASSES)
        self.total += int(lengths.sum())
        self.longest = max(self.longest, int(lengths.max()))

    def merge(self, other: "LengthHistogram") -> None:
        """Add the counts of another."""
        self.exact += other.exact
        self.classes += other.classes
        self.total += other.total
        self.longest = max(self.longest, other.longest)

    @property
    def count(self) -> int:
        """Records counted."""
        return int(self.exact.sum() + self.classes.sum())

    def percentile(self, share: float) -> int:
        """The least length that `share` per cent of the records do not exceed (nearest rank)."""
        rank = max(1, ceil(share / 100 * self.count))
        ends = np.cumsum(np.concatenate([self.exact, self.classes]))
        place = int(np.searchsorted(ends, rank))
        if place < EXACT:
            return min(place, self.longest)
        return min(int(EXACT * RATIO ** (place - EXACT + 1)), self.longest)

    def fitting(self, length: int) -> float:
        """Share of the records of at most `length` (below 65,536), from 0 to 1."""
        return float(self.exact[: length + 1].sum() / self.count) if self.count else 0.0
