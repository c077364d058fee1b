"""Running a plan: segment by segment, barrier by barrier, to files and a report that balances.

Each step's work lies under a digest of all that decides it, so that going on after a crash and
using work again after a change of a later stage are one mechanism: what is there is not redone.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from datakit.errors import DatakitError, InterruptedRunError, describe_os_error
from datakit.executors import layout
from datakit.executors.barrier import Passed, settle
from datakit.executors.conclude import build_report, conclude
from datakit.executors.digests import digest_of, stage_identity, step_identity
from datakit.executors.exchange import Observed
from datakit.executors.local import Executor
from datakit.executors.output import (
    WriteTask,
    check_output,
    plan_files,
    write_file,
    written_files,
)
from datakit.executors.segment import SegmentTask, run_segment
from datakit.executors.summaries import in_order, summarise_rejects
from datakit.executors.tables import open_table
from datakit.executors.workdir import FORMAT_VERSION, Workdir, read_json
from datakit.plan import Plan, Segment
from datakit.report.counts import Counts, check_books
from datakit.report.progress import Progress, Silent
from datakit.report.report import Report, Verdict
from datakit.stage import WrittenFile

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
        try:
            check_output(self.output)
            with self.workdir.lock():
                return self._execute(began)
        except KeyboardInterrupt:
            raise InterruptedRunError(
                "interrupted; finished work is kept: run the same command to go on"
            ) from None
        except OSError as error:
            raise DatakitError(f"{describe_os_error(error)}; finished work is kept") from error
        finally:
            self.executor.close()

    def _execute(self, began: float) -> Report:
        shards, digest = self._lay_out()
        partitions = count_partitions(sum(piece.shard.size for piece in shards))
        passed = Passed()
        verdicts: list[Verdict] = []
        done: list[list[Path]] = []
        for segment in self.plan.segments:
            digest = self._segment_digest(segment, digest)
            tasks = self._segment_tasks(segment, digest, shards, passed, partitions=partitions)
            label = f"{segment.index + 1}/{len(self.plan.segments)} {segment.label}"
            done.append(self._map(label, run_segment, tasks))
            if segment.observes:
                home = self.workdir.step_dir(digest)
                observed = Observed(tuple(done[-1]), self._sources_of(shards))
                passed = settle(segment.observes, observed, home, partitions, self._map)
                rows = open_table(home / "verdict.arrow").to_dicts()
                verdicts.append(Verdict(segment.observes.label, rows))
        counts = Counts.total(
            Counts.from_json(read_json(folder / "counts.json")) for dirs in done for folder in dirs
        )
        check_books(counts)
        files = self._write(digest, done[-1], counts)
        verdicts = in_order([*verdicts, *summarise_rejects(self.plan, done)])
        report = build_report(self.plan, counts, verdicts, files, self.reused)
        # Rounded here, so that the report printed now and the one read later say the same.
        seconds = round(time.monotonic() - began, 2)
        report = replace(report, output=str(self.output), seconds=seconds)
        return conclude(report, files, done, self.workdir.tmp_dir, self.plan.sink)

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
        return shards, digest_of(FORMAT_VERSION, version("datakit"), pl.__version__, digests)

    def _sources_of(self, shards: Sequence[layout.ShardOf]) -> tuple[str, ...]:
        return tuple(self.plan.sources[piece.source].name for piece in shards)

    def _segment_digest(self, segment: Segment, upstream: str) -> str:
        parts: list[Any] = [upstream, [step_identity(step) for step in segment.steps]]
        parts.append(
            step_identity(segment.observes) if segment.observes else stage_identity(self.plan.sink)
        )
        parts.append(self.plan.pipeline.output.rejects)
        return digest_of(*parts)

    def _segment_tasks(
        self,
        segment: Segment,
        digest: str,
        shards: Sequence[layout.ShardOf],
        passed: Passed,
        *,
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
                spill_dir=passed.shard_dirs[number] if passed.shard_dirs else None,
                decisions=passed.decisions,
                verdict=passed.verdict,
                sink=None if segment.observes else self.plan.sink,
                partitions=partitions,
                excerpt=None if self.plan.pipeline.output.rejects == "full" else 300,
            )
            for number, piece in enumerate(shards)
        ]

    def _write(
        self, digest: str, parts: Sequence[Path], counts: Counts
    ) -> list[tuple[WrittenFile, Path]]:
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
        return [(file, folder) for folder in folders for file in written_files(folder)]

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
        for done in self.executor.map_tasks(work, waiting):
            self.progress.advance(size=done.size, rows_in=done.rows_in, rows_out=done.rows_out)
        self.progress.end()
        return [task.folder for task in tasks]


def count_partitions(input_bytes: int) -> int:
    """Reduce partitions for an input of this size: a power of two, never a matter of workers."""
    wanted = max(1, -(-input_bytes // PARTITION_BYTES))
    return int(min(MOST_PARTITIONS, 1 << (wanted - 1).bit_length()))
