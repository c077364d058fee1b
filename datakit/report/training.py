"""How good a trained classifier is: figures on held-out records, as values and as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datakit.report.render import render_table

Floats = NDArray[np.float64]

THRESHOLDS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What keeping scores of at least `threshold` does to the held-out records.

    `precision`: positives among the kept; `recall`: kept among the positives; `f1`: their harmonic
    mean; `negatives_kept`: kept among the negatives.
    """

    threshold: float
    precision: float
    recall: float
    f1: float
    negatives_kept: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingReport:
    """A trained classifier: where it lies, what it learnt from, how it does on held-out records.

    `records`: by side (`positive`, `negative`), how many it was trained on, and how many were
    held out; `sha256` is that of the model file.
    """

    model: str
    card: str
    sha256: str
    tokens: str
    records: Mapping[str, tuple[int, int]]
    thresholds: list[Threshold]
    seconds: float

    @property
    def best(self) -> Threshold:
        """The threshold with the highest F1, the lowest of equal ones."""
        return max(self.thresholds, key=lambda row: (row.f1, -row.threshold))

    def at(self, threshold: float) -> Threshold:
        """The figures at one of `THRESHOLDS`."""
        return next(row for row in self.thresholds if row.threshold == threshold)

    def render(self) -> str:
        """As text for a terminal."""
        rows: list[tuple[str, ...]] = [
            (f"{row.threshold:g}", *(f"{value:.3f}" for value in _figures(row)))
            for row in self.thresholds
        ]
        names = ("min_score", "precision", "recall", "f1", "negatives_kept")
        sides = [
            f"{trained:,} {side} ({held:,} held out)"
            for side, (trained, held) in self.records.items()
        ]
        half = self.at(0.5)
        return (
            f"trained on {' and '.join(sides)}, tokens {self.tokens}, {self.seconds:.1f} s\n"
            f"held out, at 0.5: precision {half.precision:.3f}, recall {half.recall:.3f}, "
            f"F1 {half.f1:.3f}; best F1 {self.best.f1:.3f} at {self.best.threshold:g}\n\n"
            f"{render_table(names, rows)}\n\n"
            f"model {self.model}, card {self.card}"
        )


def _figures(row: Threshold) -> tuple[float, ...]:
    return row.precision, row.recall, row.f1, row.negatives_kept


def measure_thresholds(positives: Floats, negatives: Floats) -> list[Threshold]:
    """Figures at each of `THRESHOLDS`, from the scores of held-out records of both sides."""
    rows = []
    for threshold in THRESHOLDS:
        hits, misses = int((positives >= threshold).sum()), int((negatives >= threshold).sum())
        precision = hits / (hits + misses) if hits + misses else 0.0
        recall = hits / positives.size if positives.size else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        kept = misses / negatives.size if negatives.size else 0.0
        rows.append(Threshold(threshold, *(round(x, 6) for x in (precision, recall, f1, kept))))
    return rows


def as_plain(rows: list[Threshold]) -> list[dict[str, Any]]:
    """The table as values that JSON can hold."""
    return [
        {"threshold": row.threshold, **dict(zip(_NAMES, _figures(row), strict=True))}
        for row in rows
    ]


_NAMES = ("precision", "recall", "f1", "negatives_kept")
