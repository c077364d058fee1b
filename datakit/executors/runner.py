"""Running a plan: segment by segment, barrier by barrier, to files and a report that balances.

Each step's work lies under a digest of all that decides it, so that going on after a crash and
using work again after a change of a later stage are one mechanism: what is there is not redone.
"""

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

import datakit
from datakit.errors import BrokenBooksError, InterruptedRunError
from datakit.executors import layout
from datakit.executors.barrier import (
    ReduceTask,
    ResolveTask,
    decide,
    reduce_partition,
    resolve_partitions,
)
from datakit.executors.local import Executor
from datakit.executors.output import (
    OutputFile,
    WriteTask,
    check_output,
    plan_files,
    publish,
    write_file,
)
from datakit.executors.rejects import write_rejects
from datakit.executors.segment import SegmentTask, run_segment
from datakit.executors.tables import open_table, write_table
from datakit.executors.workdir import FORMAT_VERSION, Workdir, digest_of, read_json, settings_of
from datakit.plan import Plan, Segment, Step
from datakit.report.card import render_card
from datakit.report.counts import Counts, check_books
from datakit.report.progress import Progress, Silent
from datakit.report.report import File, Input, Report, Verdict, write_report
from datakit.stage import Resolver, Stage

PARTITION_BYTES = 64 << 20
MOST_PARTITIONS = 1024
SPLIT_ORDER = ("train", "val", "test")


@dataclass(slots=True)
class Run:
    """One execution of a plan."""

    plan: Plan
    output: Path
    workdir: Workdir
    executor: Executor
    progress: Progress = field(default_factory=Silent)
    reused: list[str] = field(default_factory=list)

    def execute(self, began: float) -> Report:
        """Run all segments and write the output; `began` is the monotonic clock at the start.

        Raises:
            BrokenBooksError: rows went missing.
            InterruptedRunError: on Ctrl-C; finished work stays.
            DatakitError: any other failure that a user can put right.
        """
        check_output(self.output)
        with self.workdir.lock():
            try:
                return self._execute(began)
            except KeyboardInterrupt:
                raise InterruptedRunError(
                    "interrupted; finished work is kept: run the same command to go on"
                ) from None

    def _execute(self, began: float) -> Report:
        shards, digest = self._lay_out()
        partitions = count_partitions(sum(piece.shard.size for piece in shards))
        before: list[Path] = []
        decisions: tuple[Path, ...] = ()
        verdict_path: Path | None = None
        counts: list[Counts] = []
        verdicts: list[Verdict] = []
        done_dirs: list[list[Path]] = []
        for segment in self.plan.segments:
            digest = self._segment_digest(segment, digest)
            tasks = self._segment_tasks(
                segment, digest, shards, before, decisions, verdict_path, partitions
            )
            before = self._map(
                f"{segment.index + 1}/{len(self.plan.segments)} {segment.label}", run_segment, tasks
            )
            counts += [Counts.from_json(read_json(folder / "counts.json")) for folder in before]
            done_dirs.append(before)
            if segment.observes:
                decisions, verdict_path = self._settle(segment.observes, digest, before, partitions)
                verdicts.append(
                    Verdict(segment.observes.label, open_table(verdict_path).to_dicts())
                )
        total = Counts.total(counts)
        check_books(total)
        files = self._write(digest, before, total)
        report = self._report(total, verdicts, files, seconds=time.monotonic() - began)
        return self._conclude(report, files, done_dirs)

    def _lay_out(self) -> tuple[list[layout.ShardOf], str]:
        shard_bytes = self.plan.pipeline.shard_bytes
        digests = [layout.source_digest(s, shard_bytes=shard_bytes) for s in self.plan.sources]
        cut = layout.first_cut(self.plan)
        packed = [
            layout.UnpackTask(
                source=self.plan.sources[piece.source],
                shard=piece.shard,
                shard_bytes=shard_bytes,
                folder=self.workdir.step_dir(digests[piece.source]) / "unpack" / f"{number:05d}",
                tmp_root=self.workdir.tmp_dir,
            )
            for number, piece in enumerate(cut)
            if layout.needs_unpacking(piece.shard, shard_bytes)
        ]
        by_number = {int(task.folder.name): task.folder for task in packed}
        if packed:
            self._map("unpack", layout.unpack, packed)
        shards: list[layout.ShardOf] = []
        for number, piece in enumerate(cut):
            folder = by_number.get(number)
            pieces = layout.unpacked_shards(folder) if folder else [piece.shard]
            shards += [layout.ShardOf(piece.source, shard) for shard in pieces]
        return shards, digest_of(FORMAT_VERSION, datakit.__version__, pl.__version__, digests)

    def _segment_digest(self, segment: Segment, upstream: str) -> str:
        parts: list[Any] = [upstream, [_identity(step) for step in segment.steps]]
        parts.append(_identity(segment.observes) if segment.observes else _of_stage(self.plan.sink))
        parts.append(self.plan.pipeline.output.rejects)
        return digest_of(*parts)

    def _segment_tasks(
        self,
        segment: Segment,
        digest: str,
        shards: Sequence[layout.ShardOf],
        before: Sequence[Path],
        decisions: tuple[Path, ...],
        verdict: Path | None,
        partitions: int,
    ) -> list[SegmentTask]:
        folder = self.workdir.step_dir(digest) / "shards"
        return [
            SegmentTask(
                segment=segment,
                number=number,
                source=self.plan.sources[piece.source],
                shard=piece.shard,
                folder=folder / f"{number:06d}",
                tmp_root=self.workdir.tmp_dir,
                spill_dir=before[number] if before else None,
                decisions=decisions,
                verdict=verdict,
                sink=None if segment.observes else self.plan.sink,
                partitions=partitions,
                excerpt=None if self.plan.pipeline.output.rejects == "full" else 300,
            )
            for number, piece in enumerate(shards)
        ]

    def _settle(
        self, step: Step, digest: str, shard_dirs: Sequence[Path], partitions: int
    ) -> tuple[tuple[Path, ...], Path]:
        """Reduce, resolve and decide a barrier; the paths of its decided rows and its verdict."""
        home, tmp_root = self.workdir.step_dir(digest), self.workdir.tmp_dir
        reduce_tasks = [
            ReduceTask(
                step=step,
                partition=partition,
                shard_dirs=tuple(shard_dirs),
                folder=home / "reduce" / f"{partition:04d}",
                tmp_root=tmp_root,
            )
            for partition in range(partitions)
        ]
        dirs = self._map(f"{step.name}: reduce", reduce_partition, reduce_tasks)
        if isinstance(step.stage, Resolver):
            task = ResolveTask(
                step=step,
                reduce_dirs=tuple(dirs),
                shard_dirs=tuple(shard_dirs),
                folder=home / "resolve" / "all",
                tmp_root=tmp_root,
            )
            dirs = self._map(f"{step.name}: resolve", resolve_partitions, [task])
        verdict = home / "verdict.arrow"
        if not verdict.exists():
            partial = verdict.with_suffix(".part")
            write_table(partial, decide(step, dirs))
            partial.replace(verdict)
        return tuple(folder / "rows.arrow" for folder in dirs), verdict

    def _write(
        self, digest: str, parts: Sequence[Path], counts: Counts
    ) -> list[tuple[OutputFile, Path]]:
        output = self.plan.pipeline.output
        most = None if output.single_file else output.max_file_bytes
        home = self.workdir.step_dir(digest_of(digest, "files", most))
        tasks: list[WriteTask] = []
        found = {split for split, _ in counts.written}
        for split in [*SPLIT_ORDER, *sorted(found - set(SPLIT_ORDER))]:
            files = plan_files(split, parts, most) if split in found else []
            tasks += [
                WriteTask(
                    sink=self.plan.sink,
                    split=split,
                    number=number,
                    of=len(files),
                    pieces=tuple(pieces),
                    folder=home / split / f"{number:05d}",
                    tmp_root=self.workdir.tmp_dir,
                )
                for number, pieces in enumerate(files)
            ]
        folders = self._map("write files", write_file, tasks, verify=True)
        return [(OutputFile(**read_json(folder / "file.json")), folder) for folder in folders]

    def _report(
        self,
        counts: Counts,
        verdicts: list[Verdict],
        files: list[tuple[OutputFile, Path]],
        *,
        seconds: float,
    ) -> Report:
        pipeline = self.plan.pipeline
        settings = [_identity(step) for step in self.plan.steps]
        settings += [_of_stage(source) for source in self.plan.sources]
        digest = digest_of(FORMAT_VERSION, pipeline.seed, settings, _of_stage(self.plan.sink))
        return Report(
            name=pipeline.name,
            seed=pipeline.seed,
            output=str(self.output),
            pipeline_file=pipeline.file,
            pipeline_digest=digest,
            counts=counts,
            verdicts=verdicts,
            inputs=[Input(s.name, f.path, f.size) for s in self.plan.sources for f in s.inputs()],
            files=[File(**asdict(file)) for file, _ in files],
            rejects={},
            reused=self.reused,
            seconds=seconds,
        )

    def _conclude(
        self,
        report: Report,
        files: list[tuple[OutputFile, Path]],
        done_dirs: Sequence[Sequence[Path]],
    ) -> Report:
        """Put everything in its place; the manifest, written last, says that the run is whole."""
        side = self.output / "_datakit"
        side.mkdir(parents=True, exist_ok=True)
        (side / "manifest.json").unlink(missing_ok=True)
        publish(files, self.output, self.workdir.tmp_dir / "publish")
        rejects = write_rejects(done_dirs, side / "rejects", self.workdir.tmp_dir / "rejects")
        _check_written(report, rejects)
        report = replace(report, rejects=rejects)
        write_report(report, self.output, render_card(report))
        return report

    def _map(
        self, name: str, work: Callable[[Any], Any], tasks: Sequence[Any], *, verify: bool = False
    ) -> list[Path]:
        """Run the tasks that are not done (with `verify`, let done ones check their files);
        the tasks' directories, in order.
        """
        waiting = [task for task in tasks if verify or not task.folder.is_dir()]
        if tasks and not waiting:
            self.reused.append(name)
        self.progress.begin(name, total=len(tasks), done=len(tasks) - len(waiting))
        for _ in self.executor.map_tasks(work, waiting):
            self.progress.advance()
        self.progress.end()
        return [task.folder for task in tasks]


def _check_written(report: Report, rejects: Mapping[str, int]) -> None:
    """The files hold what the counts say."""
    rows = sum(file.rows for file in report.files)
    if rows != report.rows_out or sum(rejects.values()) != report.rows_rejected:
        raise BrokenBooksError(
            f"counted {report.rows_out} written and {report.rows_rejected} rejected records, but "
            f"the files hold {rows} and {sum(rejects.values())}"
        )


def count_partitions(input_bytes: int) -> int:
    """Reduce partitions for an input of this size: a power of two, never a matter of workers."""
    wanted = max(1, -(-input_bytes // PARTITION_BYTES))
    return int(min(MOST_PARTITIONS, 1 << (wanted - 1).bit_length()))


def _identity(step: Step) -> list[Any]:
    return [step.name, step.only, _of_stage(step.stage)]


def _of_stage(stage: Stage | Any) -> list[Any]:
    """What decides a stage's results: class, settings, versions, a user's own source code."""
    kind = type(stage)
    versions = {name: _version(name) for name in getattr(stage, "libraries", ())}
    code = "" if kind.__module__.startswith("datakit.") else _source_code(kind)
    return [f"{kind.__module__}:{kind.__qualname__}", settings_of(stage), versions, code]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def _source_code(kind: type) -> str:
    try:
        return inspect.getsource(inspect.getmodule(kind) or kind)
    except (OSError, TypeError):
        return ""
