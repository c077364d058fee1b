"""What happens between two segments: the barrier's reduce tasks, its joint look, its verdict."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from datakit.executors.local import Done
from datakit.executors.tables import open_arrow, open_table, write_table
from datakit.executors.workdir import read_json, task_directory
from datakit.plan import Step
from datakit.records import ADDRESS, Table
from datakit.stage import Barrier, Reduced, Resolver

ROWS, SUMMARY = "rows.arrow", "summary.arrow"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReduceTask:
    """One partition of a barrier's exchange, over the task directories of all shards."""

    step: Step
    partition: int
    shard_dirs: tuple[Path, ...]
    folder: Path
    tmp_root: Path

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        return f"{self.step.name}, partition {self.partition}"


def reduce_partition(task: ReduceTask) -> Done:
    """Gather a partition from all shards, reduce it, and leave rows and summary behind."""
    if task.folder.is_dir():
        return Done()
    stage = task.step.stage
    assert isinstance(stage, Barrier)
    with task_directory(task.folder, task.tmp_root) as folder:
        observed = _gather(task.shard_dirs, task.partition)
        _write_reduced(folder, stage.reduce(observed) if observed.width else Reduced(observed))
    return Done()


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolveTask:
    """The joint look at all partitions, of a barrier that needs one."""

    step: Step
    reduce_dirs: tuple[Path, ...]
    shard_dirs: tuple[Path, ...]
    folder: Path
    tmp_root: Path

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        return f"{self.step.name}, all partitions"


def resolve_partitions(task: ResolveTask) -> Done:
    """Let a barrier look at all partitions' rows together."""
    if task.folder.is_dir():
        return Done()
    stage = task.step.stage
    assert isinstance(stage, Resolver)
    with task_directory(task.folder, task.tmp_root) as folder:
        tables = (open_table(path / ROWS) for path in task.reduce_dirs)
        rows = (table for table in tables if table.width)
        _write_reduced(folder, stage.resolve(rows, make_recall(task.shard_dirs)))
    return Done()


@dataclass(frozen=True, slots=True)
class Passed:
    """What one segment hands to the next: its task directories, in shard order, and what the
    barrier between them decided (files of rows sorted by address, and the verdict).
    """

    shard_dirs: tuple[Path, ...] = ()
    decisions: tuple[Path, ...] = ()
    verdict: Path | None = None


RunTasks = Callable[[str, Callable[[Any], Done], Sequence[Any]], list[Path]]


def settle(
    step: Step, shard_dirs: Sequence[Path], home: Path, partitions: int, run_tasks: RunTasks
) -> Passed:
    """Reduce, resolve and decide a barrier; work lies below `home`, the verdict too."""
    tmp_root, dirs_of_shards = home.parent / "tmp", tuple(shard_dirs)
    tasks = [
        ReduceTask(
            step=step,
            partition=partition,
            shard_dirs=dirs_of_shards,
            folder=home / "reduce" / f"{partition:04d}",
            tmp_root=tmp_root,
        )
        for partition in range(partitions)
    ]
    dirs = run_tasks(f"{step.name}: reduce", reduce_partition, tasks)
    if isinstance(step.stage, Resolver):
        resolve = ResolveTask(
            step=step,
            reduce_dirs=tuple(dirs),
            shard_dirs=dirs_of_shards,
            folder=home / "resolve" / "all",
            tmp_root=tmp_root,
        )
        dirs = run_tasks(f"{step.name}: resolve", resolve_partitions, [resolve])
    verdict = home / "verdict.arrow"
    if not verdict.exists():
        write_table(verdict.with_suffix(".part"), decide(step, dirs))
        verdict.with_suffix(".part").replace(verdict)
    return Passed(dirs_of_shards, tuple(folder / ROWS for folder in dirs), verdict)


def make_recall(shard_dirs: Sequence[Path]) -> Callable[[Sequence[int]], Table]:
    """A look-up of `Observation.kept` rows by address; the tables stay on disk."""

    @lru_cache(maxsize=256)
    def kept(shard: int) -> Table:
        return open_table(shard_dirs[shard] / "kept.arrow")

    def recall(addresses: Sequence[int]) -> Table:
        wanted = pl.DataFrame({ADDRESS: pl.Series(addresses, dtype=pl.UInt64)}).with_row_index("_n")
        found = []
        for (shard,), rows in wanted.group_by(pl.col(ADDRESS) // 2**32):
            places = (rows[ADDRESS] % 2**32).cast(pl.UInt32)
            found.append(kept(int(str(shard)))[places].with_columns(rows["_n"]))
        if not found:
            tables = (kept(shard) for shard in range(len(shard_dirs)))
            return next((table.clear() for table in tables if table.width), pl.DataFrame())
        return pl.concat(found).sort("_n").drop("_n")

    return recall


def decide(step: Step, reduced_dirs: Iterable[Path]) -> Table:
    """The verdict, from the summaries in partition order."""
    assert isinstance(step.stage, Barrier)
    summaries = (open_table(path / SUMMARY) for path in reduced_dirs)
    return step.stage.decide([summary for summary in summaries if summary.width])


def _gather(shard_dirs: Sequence[Path], partition: int) -> Table:
    pieces = list(_slices(shard_dirs, partition))
    if not pieces:
        return pl.DataFrame()
    frame = pl.from_arrow(pa.concat_tables(pieces))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _slices(shard_dirs: Sequence[Path], partition: int) -> Iterator[pa.Table]:
    for folder in shard_dirs:
        if not (folder / "offsets.json").exists():
            continue
        offsets = read_json(folder / "offsets.json")
        start, stop = offsets[partition], offsets[partition + 1]
        yield open_arrow(folder / "exchange.arrow").slice(start, stop - start)


def _write_reduced(folder: Path, reduced: Reduced) -> None:
    rows = reduced.rows
    if rows.width:
        rows = rows.sort(ADDRESS, maintain_order=True) if ADDRESS in rows.columns else rows
        write_table(folder / ROWS, rows)
    if reduced.summary.width:
        write_table(folder / SUMMARY, reduced.summary)
