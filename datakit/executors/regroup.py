"""The second deal of a barrier that regroups: who belongs together, then each group by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from datakit.barriers import KeptShard, Regrouper
from datakit.executors.exchange import (
    ROWS,
    SUMMARY,
    Observed,
    RunTasks,
    gather,
    write_exchange,
    write_reduced,
)
from datakit.executors.local import Done
from datakit.executors.tables import open_arrow, open_table, rows_of_shard, write_table
from datakit.executors.workdir import read_json, task_directory, write_json
from datakit.plan import Step
from datakit.records import ADDRESS, PARTITION, Table

KEPT, ASSIGNED, GROUPS, MEMBERS = "kept.arrow", "assigned.arrow", "groups.json", "members"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegroupTask:
    """The joint look at what all partitions found to belong together."""

    step: Step
    reduce_dirs: tuple[Path, ...]
    observed: Observed
    folder: Path
    tmp_root: Path

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        return f"{self.step.name}, groups"


def regroup(task: RegroupTask) -> Done:
    """Leave the members by group, the assignment of records, and the number of groups."""
    if task.folder.is_dir():
        return Done()
    stage = task.step.stage
    assert isinstance(stage, Regrouper)

    def rows() -> Iterator[Table]:
        tables = (open_table(path / ROWS) for path in task.reduce_dirs)
        yield from (table for table in tables if table.height)

    with task_directory(task.folder, task.tmp_root) as folder:
        found = stage.regroup(rows, _kept_shards(task.observed))
        for number, members in enumerate(found.members):
            place = folder / MEMBERS / f"{number:05d}"
            place.mkdir(parents=True)
            write_exchange(place, members, found.groups)
        write_table(folder / ASSIGNED, found.assigned)
        if found.summary.width:
            write_table(folder / SUMMARY, found.summary)
        write_json(folder / GROUPS, found.groups)
    return Done()


def _kept_shards(observed: Observed) -> list[KeptShard]:
    return [
        KeptShard(source, open_arrow(path / KEPT).num_rows, partial(open_table, path / KEPT))
        for path, source in zip(observed.shard_dirs, observed.sources, strict=True)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class CarryTask:
    """What was kept of one shard's records, on its way to their groups."""

    step: Step
    number: int
    shard_dir: Path
    groups: int
    assigned: Path
    folder: Path
    tmp_root: Path

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        return f"{self.step.name}, kept rows of shard {self.number}"


def carry(task: CarryTask) -> Done:
    """Leave the kept rows of the assigned records, grouped."""
    if task.folder.is_dir():
        return Done()
    with task_directory(task.folder, task.tmp_root) as folder:
        mine = rows_of_shard(task.assigned, task.number)
        if mine.height:
            rows = open_table(task.shard_dir / KEPT)[(mine[ADDRESS] % 2**32).cast(pl.UInt32)]
            rows = rows.with_columns(mine[ADDRESS], mine[PARTITION])
            write_exchange(folder, rows, task.groups)
    return Done()


@dataclass(frozen=True, kw_only=True, slots=True)
class SettleTask:
    """One group."""

    step: Step
    group: int
    members: tuple[Path, ...]
    carried: tuple[Path, ...]
    folder: Path
    tmp_root: Path

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        return f"{self.step.name}, group {self.group}"


def settle_group(task: SettleTask) -> Done:
    """Decide on the records of a group."""
    if task.folder.is_dir():
        return Done()
    stage = task.step.stage
    assert isinstance(stage, Regrouper)
    with task_directory(task.folder, task.tmp_root) as folder:
        members, kept = gather(task.members, task.group), gather(task.carried, task.group)
        write_reduced(folder, stage.settle(members, kept))
    return Done()


def deal_groups(
    step: Step,
    reduce_dirs: Sequence[Path],
    observed: Observed,
    home: Path,
    run_tasks: RunTasks,
) -> list[Path]:
    """Regroup, carry and settle; the directories with the decided rows, then the regrouping's."""
    places: dict[str, Any] = {"step": step, "tmp_root": home.parent / "tmp"}
    deal = RegroupTask(
        reduce_dirs=tuple(reduce_dirs),
        observed=observed,
        folder=home / "regroup" / "all",
        **places,
    )
    (dealt,) = run_tasks(f"{step.name}: regroup", regroup, [deal])
    groups = int(read_json(dealt / GROUPS))
    carries = [
        CarryTask(
            number=number,
            shard_dir=shard_dir,
            groups=groups,
            assigned=dealt / ASSIGNED,
            folder=home / "carry" / f"{number:06d}",
            **places,
        )
        for number, shard_dir in enumerate(observed.shard_dirs)
    ]
    carried = tuple(run_tasks(f"{step.name}: carry", carry, carries if groups else []))
    members = tuple(sorted((dealt / MEMBERS).glob("*")))
    tasks = [
        SettleTask(
            group=group,
            members=members,
            carried=carried,
            folder=home / "settle" / f"{group:05d}",
            **places,
        )
        for group in range(groups)
    ]
    return [*run_tasks(f"{step.name}: settle", settle_group, tasks), dealt]
