"""Mistakes collected while a pipeline file is read, each placed in the file or on a `--set`."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from datakit.config.locate import KeyPath, Places
from datakit.errors import Problem

Table: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class OverrideProblem(Problem):
    """A mistake in a `--set`, which stands in no file; `line` is 0."""

    override: str = ""

    def render(self, file: str) -> str:  # noqa: ARG002
        """The mistake as `--set key=value: message`, the hint indented below it."""
        text = f"--set {self.override}: {self.message}"
        return f"{text}\n    {self.hint}" if self.hint else text


class Findings:
    """All mistakes so far; a mistake is placed by the path of its key."""

    def __init__(self, places: Places, overrides: Mapping[KeyPath, str]) -> None:
        self._places, self._overrides = places, dict(overrides)
        self.problems: list[Problem] = []

    def line(self, path: KeyPath) -> int:
        """The line of a table or key."""
        return self._places.line(path)

    def add(self, path: KeyPath, message: str, hint: str = "") -> None:
        """Note a mistake at `path`, unless it is noted already."""
        override = self._override(path)
        problem = Problem(self.line(path), message, hint)
        if override is not None:
            problem = OverrideProblem(0, message, hint, override)
        if (problem.line, message) not in {(each.line, each.message) for each in self.problems}:
            self.problems.append(problem)

    def _override(self, path: KeyPath) -> str | None:
        above = [path[:length] for length in range(len(path), 0, -1)]
        # A table that is not in the file was begun by an override of a key in it.
        below = (
            [] if path in self._places else [p for p in self._overrides if p[: len(path)] == path]
        )
        return next((self._overrides[p] for p in [*above, *below] if p in self._overrides), None)


@dataclass(frozen=True, slots=True)
class Site:
    """A table of the file: what it is called in messages, and where it stands."""

    findings: Findings
    path: KeyPath
    what: str

    @property
    def line(self) -> int:
        """The line on which the table begins."""
        return self.findings.line(self.path)

    def add(self, key: str | None, message: str, hint: str = "") -> None:
        """Note a mistake at a key of the table (dotted: inside it), or at the table itself."""
        path = (*self.path, *key.split(".")) if key else self.path
        self.findings.add(path, message, hint)

    def add_at(self, path: KeyPath, message: str, hint: str = "") -> None:
        """Note a mistake at a path below the table."""
        self.findings.add((*self.path, *path), message, hint)

    def miss(self, key: str, others: Iterable[str], hint: str = "") -> None:
        """Note that a key is missing; among `others`, the unknown keys, it may stand misspelt."""
        if near := difflib.get_close_matches(key, list(others), n=1):
            self.add_at(
                (near[0],), f"{self.what}: unknown key {near[0]!r}", f"did you mean {key!r}?"
            )
        else:
            self.add(None, f"{self.what}: missing key {key!r}", hint)
