"""What happens between two segments: the barrier's reduce tasks, its joint look, its verdict."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from datakit.barriers import Barrier, Illustrator, Reduced, Regrouper, Resolver
from datakit.executors.exchange import ROWS, SUMMARY, Observed, RunTasks, gather, write_reduced
from datakit.executors.local import Done
from datakit.executors.references import add_references, save_index
from datakit.executors.regroup import deal_groups
from datakit.executors.tables import open_table, read_batches, write_table
from datakit.executors.workdir import task_directory
from datakit.plan import Step
from datakit.records import ADDRESS, TEXT, Table


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
        observed = gather(task.shard_dirs, task.partition)
        write_reduced(folder, stage.reduce(observed) if observed.width else Reduced(observed))
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
        write_reduced(folder, stage.resolve(rows, make_recall(task.shard_dirs)))
    return Done()


@dataclass(frozen=True, slots=True)
class Passed:
    """What one segment hands to the next: its task directories, in shard order, and what the
    barrier between them decided (files of rows sorted by address, and the verdict).
    """

    shard_dirs: tuple[Path, ...] = ()
    decisions: tuple[Path, ...] = ()
    verdict: Path | None = None


def settle(
    step: Step, observed: Observed, home: Path, partitions: int, run_tasks: RunTasks
) -> Passed:
    """Reduce, resolve or regroup, and decide a barrier; work lies below `home`, the verdict too."""
    tmp_root, own_dirs = home.parent / "tmp", observed.shard_dirs
    observed = add_references(step, observed, home, partitions, run_tasks)
    dirs_of_shards = observed.shard_dirs
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
    if isinstance(step.stage, Regrouper):
        dirs = deal_groups(step, dirs, observed, home, run_tasks)
    verdict = home / "verdict.arrow"
    if not verdict.exists():
        write_table(verdict.with_suffix(".part"), decide(step, dirs, own_dirs))
        verdict.with_suffix(".part").replace(verdict)
    decided = tuple(folder / ROWS for folder in dirs)
    save_index(step, observed, decided)
    return Passed(own_dirs, decided, verdict)


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


def decide(step: Step, reduced_dirs: Iterable[Path], shard_dirs: Sequence[Path]) -> Table:
    """The verdict, from the summaries in partition order."""
    assert isinstance(step.stage, Barrier)
    summaries = (open_table(path / SUMMARY) for path in reduced_dirs)
    verdict = step.stage.decide([summary for summary in summaries if summary.width])
    if isinstance(step.stage, Illustrator) and verdict.height:
        verdict = step.stage.illustrate(verdict, make_record_recall(shard_dirs))
    return verdict


def make_record_recall(shard_dirs: Sequence[Path]) -> Callable[[Sequence[int]], Table]:
    """A look-up of a few whole records by address, in the spills, a batch at a time; of what is
    no record of the run (a reference) there is one with nothing but a null `text`.
    """

    def find(address: int) -> Table:
        row = address % 2**32
        if address >> 32 >= len(shard_dirs):
            return pl.DataFrame({TEXT: [None]}, schema={TEXT: pl.String})
        for batch in read_batches(shard_dirs[address >> 32] / "spill.arrow"):
            if row < batch.height:
                return batch[row : row + 1]
            row -= batch.height
        raise IndexError(f"no record has the address {address}")

    def recall(addresses: Sequence[int]) -> Table:
        return pl.concat([find(a) for a in addresses], how="diagonal")

    return recall
