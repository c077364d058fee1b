"""Everything that can go wrong through a user's doing, each with its message and exit code.

The command line prints a `DatakitError` without a traceback; any other exception is a bug
of datakit and shows one.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class DatakitError(Exception):
    """Something the user can put right; printed without a traceback."""

    exit_code = 1


class BrokenBooksError(DatakitError):
    """Rows went missing or appeared between two stages: a bug, never to be shrugged off."""

    exit_code = 3


class InterruptedRunError(DatakitError):
    """The user stopped the run; finished work is kept."""

    exit_code = 130


class UsageError(DatakitError):
    """A mistake on the command line or in the arguments of an API call."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a pipeline file: where it is, what it is, what to do."""

    line: int
    message: str
    hint: str = ""

    def render(self, file: str) -> str:
        """The mistake as `file:line: message`, the hint indented below it."""
        text = f"{file}:{self.line}: {self.message}"
        return f"{text}\n    {self.hint}" if self.hint else text


class PipelineFileError(UsageError):
    """All mistakes found in one pipeline file; nothing was run."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file, self.problems = file, tuple(sorted(problems, key=lambda p: p.line))
        count = len(self.problems)
        lines = [problem.render(file) for problem in self.problems]
        lines.append(f"{count} problem{'s' if count > 1 else ''}; nothing was run")
        super().__init__("\n".join(lines))


class SettingsError(DatakitError):
    """A stage's settings contradict each other or lie out of range.

    Raised by a stage's `__post_init__`; `key` is the setting to point at in the file.
    """

    exit_code = 2

    def __init__(self, key: str, message: str, hint: str = "") -> None:
        super().__init__(f"{key}: {message}")
        self.key, self.message, self.hint = key, message, hint


class MissingExtraError(DatakitError):
    """A stage needs a package that the plain install leaves out."""

    exit_code = 2

    def __init__(self, *, feature: str, package: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the package {package!r}; install it with: "
            f"pip install 'datakit[{extra}]'"
        )


class UnknownNameError(DatakitError):
    """A name that stands for nothing, with the nearest one that does."""

    exit_code = 2

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.hint = did_you_mean(name, known)
        super().__init__(f"unknown {kind} {name!r}")


class MalformedInputError(DatakitError):
    """A record that cannot be read, under `on_malformed = "fail"`."""


class TaskFailedError(DatakitError):
    """A shard that could not be finished; other shards' work is kept."""


def describe_os_error(error: OSError) -> str:
    """What the system refused (a folder that cannot be written, a full disk), and where."""
    what = error.strerror or str(error)
    return f"{error.filename}: {what}" if error.filename else what


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A suggestion for a mistyped name, and the names there are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    listed = ", ".join(names) if names else "none"
    return f"did you mean {near[0]!r}? known: {listed}" if near else f"known: {listed}"
