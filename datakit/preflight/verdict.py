"""What a trainer makes of one row, and of all of them."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["kept", "changed", "truncated", "masked", "dropped", "stops"]
OUTCOMES: tuple[Outcome, ...] = ("stops", "dropped", "masked", "truncated", "changed", "kept")
WORDS: dict[Outcome, str] = {
    "stops": "end the run with an error",
    "dropped": "are dropped",
    "masked": "are kept without any loss",
    "truncated": "are cut",
    "changed": "are changed",
    "kept": "are trained as they are",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row's fate: `outcome`, why, and, where it came so far, its tokens, those that are left
    and those that are trained.
    """

    outcome: Outcome
    reason: str = ""
    detail: str = ""
    tokens: int = 0
    kept: int = 0
    trained: int = 0


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """A verdict with the row it is on: file, number from 1, and the record's id, where known."""

    file: str
    row: int
    record_id: str
    verdict: Verdict


class Tally:
    """Counts of verdicts; the rows with something amiss are kept up to `most` a reason."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.tokens = self.kept = self.trained = 0
        self.examples: list[RowVerdict] = []

    def add(self, row: RowVerdict) -> None:
        """Count one row."""
        verdict = row.verdict
        self.outcomes[verdict.outcome] += 1
        self.tokens += verdict.tokens
        self.kept += verdict.kept
        self.trained += verdict.trained
        if verdict.outcome == "kept":
            return
        self.reasons[verdict.outcome, verdict.reason] += 1
        if self.reasons[verdict.outcome, verdict.reason] <= self._most:
            self.examples.append(row)
