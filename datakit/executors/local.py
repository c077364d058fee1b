"""The executor `local`: tasks one after the other in this process, for debugging and small jobs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol


class Task(Protocol):
    """What an executor asks of a task: a name for messages. The rest is the work function's."""

    @property
    def label(self) -> str:
        """What the task works on."""
        ...


Work = Callable[[Any], "Done"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a finished task tells the progress display: input bytes, records in, records out."""

    size: int = 0
    rows_in: int = 0
    rows_out: int = 0


class Executor(Protocol):
    """Where and when tasks run. All that an engine for clusters has to offer is this."""

    def map_tasks(self, work: Work, tasks: Iterable[Any]) -> Iterator[Done]:
        """Results of `work(task)` in any order; `work` must be importable by name.

        Raises:
            DatakitError: a task failed; finished tasks keep their work.
        """
        ...

    def close(self) -> None:
        """Let go of whatever was held for running tasks."""
        ...


class LocalExecutor:
    """Runs each task where the caller is."""

    def map_tasks(self, work: Work, tasks: Iterable[Any]) -> Iterator[Done]:
        """Results in order."""
        for task in tasks:
            yield work(task)

    def close(self) -> None:
        """Nothing is held."""
