"""What a barrier compares with beside the run's own records, and what it leaves for later runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from datakit.barriers import IndexWriter, Referrer
from datakit.executors.exchange import Observed, RunTasks, write_exchange
from datakit.executors.local import Done
from datakit.executors.tables import read_batches, rows_of_shard, write_table
from datakit.executors.workdir import task_directory
from datakit.plan import Step
from datakit.records import ADDRESS, Table, make_addresses


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferTask:
    """A piece of reference, observed as a shard of its own."""

    step: Step
    piece: Any
    number: int
    partitions: int
    folder: Path
    tmp_root: Path

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        return f"{self.step.name}, reference {self.piece}"


def refer(task: ReferTask) -> Done:
    """Leave what a piece of reference has to be compared by."""
    if task.folder.is_dir():
        return Done()
    stage = task.step.stage
    assert isinstance(stage, Referrer)
    with task_directory(task.folder, task.tmp_root) as folder:
        seen = stage.refer(task.piece, task.number, task.partitions)
        assert seen.kept is not None, "a reference is compared by what is kept of it"
        write_exchange(folder, seen.exchange, task.partitions)
        write_table(folder / "kept.arrow", seen.kept)
    return Done(rows_in=seen.kept.height)


def add_references(
    step: Step, observed: Observed, home: Path, partitions: int, run_tasks: RunTasks
) -> Observed:
    """The run's shards, then the references of a barrier that has some."""
    if not isinstance(step.stage, Referrer):
        return observed
    tasks = [
        ReferTask(
            step=step,
            piece=piece,
            number=len(observed.shard_dirs) + place,
            partitions=partitions,
            folder=home / "refer" / f"{place:06d}",
            tmp_root=home.parent / "tmp",
        )
        for place, piece in enumerate(step.stage.references())
    ]
    found = run_tasks(f"{step.name}: references", refer, tasks) if tasks else []
    return Observed((*observed.shard_dirs, *found), (*observed.sources, *[None] * len(found)))


def save_index(step: Step, observed: Observed, decided: Sequence[Path]) -> None:
    """Let a barrier write its index of the records that stay, where it is asked to."""
    if isinstance(step.stage, IndexWriter):
        step.stage.save(lambda: _staying(observed, decided))


def _staying(observed: Observed, decided: Sequence[Path]) -> Iterator[Table]:
    for number, (folder, source) in enumerate(
        zip(observed.shard_dirs, observed.sources, strict=True)
    ):
        if source is None or not (folder / "kept.arrow").exists():
            continue
        tables = [rows_of_shard(path, number) for path in decided]
        gone = pl.concat(
            [pl.Series(ADDRESS, [], pl.UInt64)] + [t[ADDRESS] for t in tables if t.height]
        )
        first = 0
        for kept in read_batches(folder / "kept.arrow"):
            addresses = make_addresses(number, first, kept.height)
            first += kept.height
            yield kept.filter(~addresses.is_in(gone.implode()))
