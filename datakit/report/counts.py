"""The numbers of a run: values that add, so that workers share nothing.

A task counts what went through each stage; a run's counts are the sum over its tasks, whatever
the order, and therefore the same after a crash and resume.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from datakit.errors import BrokenBooksError

OUTPUT = "output"
"""The sink's name in counts and rejects."""


def stage_label(index: int, name: str) -> str:
    """How a stage is named to a user: `03 filter.length`; readers and the output have no number."""
    return name if index == 0 or name == OUTPUT else f"{index:02d} {name}"


@dataclass(frozen=True, slots=True)
class StageCount:
    """Rows into one stage, rows out of it, copies it made, why the others went, and what was
    changed in those that stay (by what is counted).
    """

    rows_in: int = 0
    rows_out: int = 0
    copies: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.rows_in + other.rows_in,
            self.rows_out + other.rows_out,
            self.copies + other.copies,
            self.reasons + other.reasons,
            self.edits + other.edits,
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
        """As plain values; `edits` only where there are any."""
        edits = {"edits": dict(sorted(self.edits.items()))} if self.edits else {}
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "copies": self.copies,
            "reasons": dict(sorted(self.reasons.items())),
            **edits,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """From `to_json`."""
        return cls(
            content["rows_in"],
            content["rows_out"],
            content["copies"],
            Counter(content["reasons"]),
            Counter(content.get("edits", {})),
        )


Key = tuple[int, str, str]
"""Stage index (0: the reader), stage name, source."""


Tally = tuple[int, str, str, str, str]
"""Stage index, stage name, column, its value, source."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of stages by source, records written by split and source, and how often a stage saw
    each value of the columns it tallies.
    """

    stages: Mapping[Key, StageCount] = field(default_factory=dict)
    written: Counter[tuple[str, str]] = field(default_factory=Counter)
    tallies: Counter[Tally] = field(default_factory=Counter)

    def __add__(self, other: Self) -> Self:
        return type(self).total([self, other])

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """The sum of many, without the quadratic copying of `sum`."""
        stages: dict[Key, StageCount] = {}
        written: Counter[tuple[str, str]] = Counter()
        tallies: Counter[Tally] = Counter()
        for part in parts:
            for key, count in part.stages.items():
                stages[key] = stages.get(key, StageCount()) + count
            written.update(part.written)
            tallies.update(part.tallies)
        return cls(dict(sorted(stages.items())), written, tallies)

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

    def tally_tables(self) -> dict[str, tuple[list[str], list[list[Any]]]]:
        """For each tallied column, named as `04 annotate.language: lang`, a header (the column,
        the sources) and rows: a value, and how often each source has it; most frequent first.
        """
        found: dict[tuple[int, str, str], dict[str, Counter[str]]] = {}
        for (index, name, column, value, source), count in self.tallies.items():
            values = found.setdefault((index, name, column), {})
            values.setdefault(value, Counter())[source] += count
        tables = {}
        for (index, name, column), values in sorted(found.items()):
            sources = sorted(set().union(*values.values()))
            order = sorted(values, key=lambda value: (-values[value].total(), value))
            rows = [[value, *(values[value][source] for source in sources)] for value in order]
            tables[f"{index:02d} {name}: {column}"] = ([column, *sources], rows)
        return tables

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
            "tallies": [[*key, rows] for key, rows in sorted(self.tallies.items())],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """From `to_json`."""
        stages = {
            (row["index"], row["stage"], row["source"]): StageCount.from_json(row)
            for row in content["stages"]
        }
        written = Counter({(r["split"], r["source"]): r["rows"] for r in content["written"]})
        # A report of an older datakit has none.
        tallies = Counter({tuple(key): rows for *key, rows in content.get("tallies", ())})
        return cls(stages, written, tallies)


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
