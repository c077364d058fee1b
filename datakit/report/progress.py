"""Progress of a run on stderr: a bar where a person watches, plain lines elsewhere."""

import sys
import time
from dataclasses import dataclass, field
from typing import Protocol, TextIO


class Progress(Protocol):
    """Told by the runner what begins, advances and ends."""

    def begin(self, name: str, *, total: int, done: int) -> None:
        """A step begins: `total` tasks, of which `done` were finished by an earlier run."""
        ...

    def advance(self, *, size: int, rows_in: int, rows_out: int) -> None:
        """One more task is done: its input in bytes, the records it met and passed on."""
        ...

    def end(self) -> None:
        """The step is done."""
        ...


class Silent:
    """Says nothing."""

    def begin(self, name: str, *, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, *, size: int, rows_in: int, rows_out: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


@dataclass(slots=True)
class _Step:
    """Where a step stands."""

    name: str = ""
    total: int = 0
    before: int = 0
    done: int = 0
    size: int = 0
    rows_in: int = 0
    rows_out: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, size: int, rows_in: int, rows_out: int) -> None:
        self.done += 1
        self.size += size
        self.rows_in += rows_in
        self.rows_out += rows_out

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def seconds_left(self) -> float:
        left = self.total - self.before - self.done
        return self.seconds / max(self.done, 1) * left

    def amounts(self) -> str:
        """Records, share kept and speed, as far as the step has any."""
        if not self.rows_in:
            return ""
        speed = self.size / 1e6 / max(self.seconds, 1e-9)
        kept = f", {self.rows_out / self.rows_in:.1%} kept" if self.rows_out < self.rows_in else ""
        return f", {self.rows_in:,} records{kept}, {speed:,.1f} MB/s"

    def summary(self) -> str:
        """The line for a finished step."""
        tasks = f"{self.total} task{'' if self.total == 1 else 's'}"
        if self.before == self.total:
            return f"{self.name}: {tasks}, all done before"
        before = f", {self.before} done before" if self.before else ""
        return f"{self.name}: {tasks}{before}{self.amounts()}, {self.seconds:.1f} s"


class Lines:
    """One line when a step ends, and one every ten seconds of a long step."""

    def __init__(self, stream: TextIO | None = None, *, every: float = 10.0) -> None:
        self._stream, self._every = stream or sys.stderr, every
        self._step = _Step()
        self._said = time.monotonic()

    def begin(self, name: str, *, total: int, done: int) -> None:
        """Remember the step."""
        self._step = _Step(name, total, done)
        self._said = time.monotonic()

    def advance(self, *, size: int, rows_in: int, rows_out: int) -> None:
        """Say how far the step is, now and then."""
        step = self._step
        step.add(size, rows_in, rows_out)
        if time.monotonic() - self._said >= self._every and step.seconds_left:
            self._said = time.monotonic()
            place = f"{step.before + step.done} of {step.total}"
            self._print(f"{step.name}: {place}{step.amounts()}, {step.seconds_left:.0f} s left")

    def end(self) -> None:
        """Say what the step came to."""
        if self._step.total:
            self._print(self._step.summary())

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class Bars:
    """A bar per step, by rich; a line stays when the step is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[amounts]}"),
            TimeRemainingColumn(),
        )
        self._bars = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._step = _Step()

    def begin(self, name: str, *, total: int, done: int) -> None:
        """Show a bar."""
        self._step = _Step(name, total, done)
        self._bars.start()
        self._task = self._bars.add_task(name, total=total, completed=done, amounts="")

    def advance(self, *, size: int, rows_in: int, rows_out: int) -> None:
        """Move it."""
        self._step.add(size, rows_in, rows_out)
        amounts = self._step.amounts().lstrip(", ")
        self._bars.update(self._task, advance=1, amounts=amounts)

    def end(self) -> None:
        """Replace it by a line."""
        self._bars.remove_task(self._task)
        self._bars.stop()
        if self._step.total:
            self._bars.console.print(self._step.summary(), highlight=False, soft_wrap=True)


def default_progress() -> Progress:
    """Bars on a terminal, lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Lines()
