"""The numbers of a run: values that add, so that workers share nothing.

A task counts what went through each stage; a run's counts are the sum over its tasks, whatever
the order, and therefore the same after a crash and resume.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from datakit.errors import BrokenBooksError


@dataclass(frozen=True, slots=True)
class StageCount:
    """Rows into one stage, rows out of it, copies it made, and why the others went."""

    rows_in: int = 0
    rows_out: int = 0
    copies: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.rows_in + other.rows_in,
            self.rows_out + other.rows_out,
            self.copies + other.copies,
            self.reasons + other.reasons,
        )

    @property
    def reasons_by_rows(self) -> list[tuple[str, int]]:
        """Reasons and rows, the most frequent first, names in order where they tie."""
        return sorted(self.reasons.items(), key=lambda item: (-item[1], item[0]))

    @property
    def rejected(self) -> int:
        """Rows the stage rejected."""
        return sum(self.reasons.values())

    @property
    def is_balanced(self) -> bool:
        """Whether rows in = rows out + rejected - copies."""
        return self.rows_in == self.rows_out + self.rejected - self.copies

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "copies": self.copies,
            "reasons": dict(sorted(self.reasons.items())),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """From `to_json`."""
        return cls(
            content["rows_in"], content["rows_out"], content["copies"], Counter(content["reasons"])
        )


Key = tuple[int, str, str]
"""Stage index (0: the reader), stage name, source."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of stages by source, and records written by split and source."""

    stages: Mapping[Key, StageCount] = field(default_factory=dict)
    written: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __add__(self, other: Self) -> Self:
        stages = dict(self.stages)
        for key, count in other.stages.items():
            stages[key] = stages.get(key, StageCount()) + count
        return type(self)(stages, self.written + other.written)

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """The sum of many, without the quadratic copying of `sum`."""
        stages: dict[Key, StageCount] = {}
        written: Counter[tuple[str, str]] = Counter()
        for part in parts:
            for key, count in part.stages.items():
                stages[key] = stages.get(key, StageCount()) + count
            written.update(part.written)
        return cls(dict(sorted(stages.items())), written)

    @property
    def records_read(self) -> int:
        """Records and malformed pieces of input that the readers met."""
        return sum(c.rows_in for (index, _, _), c in self.stages.items() if index == 0)

    @property
    def records_written(self) -> int:
        """Records in the output files."""
        return self.written.total()

    @property
    def records_rejected(self) -> int:
        """Records rejected by any stage, readers included."""
        return sum(count.rejected for count in self.stages.values())

    @property
    def copies(self) -> int:
        """Records added, by repetition or by cutting one into several."""
        return sum(count.copies for count in self.stages.values())

    def by_stage(self) -> dict[tuple[int, str], StageCount]:
        """Counts of each stage over all sources, in pipeline order."""
        merged: dict[tuple[int, str], StageCount] = {}
        for (index, name, _), count in sorted(self.stages.items()):
            merged[index, name] = merged.get((index, name), StageCount()) + count
        return merged

    def to_json(self) -> dict[str, Any]:
        """As plain values, in a fixed order."""
        return {
            "stages": [
                {"index": index, "stage": name, "source": source, **count.to_json()}
                for (index, name, source), count in sorted(self.stages.items())
            ],
            "written": [
                {"split": split, "source": source, "rows": rows}
                for (split, source), rows in sorted(self.written.items())
            ],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """From `to_json`."""
        stages = {
            (row["index"], row["stage"], row["source"]): StageCount.from_json(row)
            for row in content["stages"]
        }
        written = Counter({(r["split"], r["source"]): r["rows"] for r in content["written"]})
        return cls(stages, written)


def check_books(counts: Counts) -> None:
    """Assert that no row went missing, stage by stage, between stages, and over the run.

    Raises:
        BrokenBooksError: naming the stage where rows went missing or appeared.
    """
    wrong = [
        f"{name} ({source}): {c.rows_in} in, {c.rows_out} out, {c.rejected} rejected, "
        f"{c.copies} copies"
        for (_, name, source), c in counts.stages.items()
        if not c.is_balanced
    ]
    leaving: dict[str, tuple[str, int]] = {}
    for (_, name, source), count in sorted(counts.stages.items()):
        before = leaving.get(source)
        if before is not None and before[1] != count.rows_in:
            wrong.append(f"{source}: {before[1]} left {before[0]}, {count.rows_in} met {name}")
        leaving[source] = (name, count.rows_out)
    written: Counter[str] = Counter()
    for (_, source), rows in counts.written.items():
        written[source] += rows
    for source, (name, rows) in leaving.items():
        if rows != written[source]:
            wrong.append(f"{source}: {rows} left {name}, {written[source]} written")
    if wrong:
        raise BrokenBooksError("the books do not balance:\n    " + "\n    ".join(wrong))
