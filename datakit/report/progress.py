"""Progress of a run on stderr: a bar where a person watches, plain lines elsewhere."""

import sys
import time
from typing import Protocol, TextIO


class Progress(Protocol):
    """Told by the runner what begins, advances and ends."""

    def begin(self, name: str, *, total: int, done: int) -> None:
        """A step begins: `total` tasks, of which `done` were finished by an earlier run."""
        ...

    def advance(self) -> None:
        """One more task is done."""
        ...

    def end(self) -> None:
        """The step is done."""
        ...


class Silent:
    """Says nothing."""

    def begin(self, name: str, *, total: int, done: int) -> None:
        """Nothing."""

    def advance(self) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class Lines:
    """One line when a step ends, and one every ten seconds of a long step."""

    def __init__(self, stream: TextIO | None = None, *, every: float = 10.0) -> None:
        self._stream, self._every = stream or sys.stderr, every
        self._name, self._total, self._done, self._reused = "", 0, 0, 0
        self._began = self._said = time.monotonic()

    def begin(self, name: str, *, total: int, done: int) -> None:
        """Remember the step."""
        self._name, self._total, self._done, self._reused = name, total, done, done
        self._began = self._said = time.monotonic()

    def advance(self) -> None:
        """Say how far the step is, now and then."""
        self._done += 1
        now = time.monotonic()
        if now - self._said >= self._every and self._done < self._total:
            self._said = now
            left = (now - self._began) / max(self._done - self._reused, 1)
            left *= self._total - self._done
            self._print(f"{self._name}: {self._done} of {self._total}, about {left:.0f} s left")

    def end(self) -> None:
        """Say what the step came to."""
        if not self._total:
            return
        if self._reused == self._total:
            self._print(f"{self._name}: {_shards(self._total)}, all done before")
            return
        seconds = time.monotonic() - self._began
        before = f", {self._reused} done before" if self._reused else ""
        self._print(f"{self._name}: {_shards(self._total)}{before}, {seconds:.1f} s")

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class Bars:
    """A bar per step, by rich."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        self._bars = RichProgress(*columns, TimeRemainingColumn(), console=console, transient=True)
        self._lines = Lines()

    def begin(self, name: str, *, total: int, done: int) -> None:
        """Show a bar."""
        self._lines.begin(name, total=total, done=done)
        self._bars.start()
        self._task = self._bars.add_task(name, total=total, completed=done)

    def advance(self) -> None:
        """Move it."""
        self._lines._done += 1
        self._bars.advance(self._task)

    def end(self) -> None:
        """Replace it by a line."""
        self._bars.remove_task(self._task)
        self._bars.stop()
        self._lines.end()


def default_progress() -> Progress:
    """Bars on a terminal, lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Lines()


def _shards(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"
