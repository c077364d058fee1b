"""One task: one segment over one shard, from its input to a directory that is whole.

The only file that calls a stage's methods on data during a run. What a task leaves behind:

| file | what |
|---|---|
| `counts.json` | rows in, out and rejected, by stage |
| `rejects.arrow` | the rejected rows, with stage |
| `spill.arrow` | the rows that reached the barrier (segments that end in one) |
| `exchange.arrow`, `offsets.json` | its observations, grouped by partition |
| `kept.arrow` | what the barrier wants to look up by address |
| `part-<split>.arrow`, `lineage-<split>.arrow` | encoded records and where they came from (last) |
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from datakit.errors import BrokenBooksError, DatakitError, MalformedInputError, TaskFailedError
from datakit.executors.lineage import lineage_of
from datakit.executors.parting import (
    Parted,
    part_by_decisions,
    part_by_reason_column,
    part_by_verdicts,
)
from datakit.executors.tables import (
    TableWriter,
    open_table,
    read_batches,
    rows_of_shard,
    split_by_partition,
    write_table,
)
from datakit.executors.workdir import task_directory, write_json
from datakit.plan import Segment, Step
from datakit.records import ADDRESS, ID, LINE, Batch, Table, make_addresses
from datakit.report.counts import Counts, StageCount
from datakit.stage import Barrier, Filter, Map, Shard, Sink, Source

DEFAULT_SPLIT = "train"
SPLIT = "split"


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentTask:
    """All that a worker needs to run one segment on one shard; small enough to pickle."""

    segment: Segment
    number: int
    source: Source
    shard: Shard
    folder: Path
    tmp_root: Path
    spill_dir: Path | None = None
    """Task directory of the segment before; None: read the source."""
    decisions: tuple[Path, ...] = ()
    """Reduced rows of the barrier before, one file a partition, sorted by address."""
    verdict: Path | None = None
    sink: Sink | None = None
    partitions: int = 1
    excerpt: int | None = None
    """Characters of text kept of a reject; None: all."""

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        piece = f"{self.shard.file} from line {self.shard.first_line}"
        return f"{self.segment.label}, source {self.source.name}, {piece}"


@dataclass(slots=True)
class _Tally:
    """Counts of a task while it runs."""

    source: str
    stages: defaultdict[tuple[int, str, str], StageCount] = field(
        default_factory=lambda: defaultdict(StageCount)
    )
    written: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, index: int, name: str, rows_in: int, parted: Parted) -> None:
        """Count one batch through one stage."""
        reasons = parted.rejects["reason"].value_counts() if parted.rejects.height else None
        found = Counter(dict(reasons.iter_rows())) if reasons is not None else Counter[str]()
        count = StageCount(rows_in, parted.kept.height, parted.copies, found)
        self.stages[index, name, self.source] += count


def run_segment(task: SegmentTask) -> Path:
    """Run a task unless it is done; returns its directory.

    Raises:
        DatakitError: what the user can put right, as it is.
        TaskFailedError: any other failure, with the shard and the rows it happened in.
    """
    if task.folder.is_dir():
        return task.folder
    with task_directory(task.folder, task.tmp_root) as folder, ExitStack() as files:
        _Run(task, folder, files).run()
    return task.folder


class _Run:
    """The state of one running task: its open files and its tally."""

    def __init__(self, task: SegmentTask, folder: Path, files: ExitStack) -> None:
        self._task, self._folder, self._files = task, folder, files
        self._tally = _Tally(task.source.name)
        self._rejects = self._open("rejects.arrow", compression="lz4")
        self._writers: dict[str, TableWriter] = {}
        self._exchange: list[Table] = []
        self._spilled = 0

    def run(self) -> None:
        """Bring every batch through the chain, then close the books of the task."""
        # A source without rows still has its line in every count.
        for step in self._task.segment.steps:
            if step.concerns(self._task.source.name):
                self._tally.stages[step.index, step.name, self._task.source.name] += StageCount()
        for batch in self._batches():
            for step in self._task.segment.steps:
                if batch.height and step.concerns(self._task.source.name):
                    batch = self._guard(step.name, batch, self._apply_step, step)
            if batch.height:
                self._finish(batch)
        self._write_exchange()
        counts = Counts(self._tally.stages, self._tally.written)
        write_json(self._folder / "counts.json", counts.to_json())

    def _batches(self) -> Iterator[Batch]:
        if self._task.spill_dir is None:
            yield from self._read_source()
        else:
            yield from self._read_spill(self._task.spill_dir)

    def _read_source(self) -> Iterator[Batch]:
        source = self._task.source
        name = source_label(source)
        self._tally.stages[0, name, source.name] += StageCount()
        for batch in source.read(self._task.shard):
            parted = part_by_reason_column(batch, excerpt=self._task.excerpt)
            if parted.rejects.height and getattr(source, "on_malformed", "reject") == "fail":
                raise _malformed(source.name, parted.rejects)
            self._record(0, name, batch.height, parted)
            yield parted.kept

    def _read_spill(self, spill_dir: Path) -> Iterator[Batch]:
        barrier = self._task.segment.applies
        if barrier is None or not barrier.concerns(self._task.source.name):
            yield from read_batches(spill_dir / "spill.arrow")
            return
        found = [rows_of_shard(path, self._task.number) for path in self._task.decisions]
        decided = [rows for rows in found if rows.width]
        rows = pl.concat(decided) if decided else pl.DataFrame(schema={ADDRESS: pl.UInt64})
        verdict = open_table(self._task.verdict) if self._task.verdict else pl.DataFrame()
        self._tally.stages[barrier.index, barrier.name, self._task.source.name] += StageCount()
        first = 0
        for batch in read_batches(spill_dir / "spill.arrow"):
            mine = make_addresses(self._task.number, first, batch.height).to_frame()
            mine = mine.join(rows, on=ADDRESS, how="left", maintain_order="left")
            first += batch.height
            yield self._guard(barrier.name, batch, self._decide, barrier, mine, verdict)

    def _decide(self, batch: Batch, barrier: Step, rows: Table, verdict: Table) -> Batch:
        stage = barrier.stage
        assert isinstance(stage, Barrier)
        decisions = stage.apply(batch, rows, verdict)
        parted = part_by_decisions(batch, decisions, excerpt=self._task.excerpt)
        return self._record(barrier.index, barrier.name, batch.height, parted)

    def _apply_step(self, batch: Batch, step: Step) -> Batch:
        stage, excerpt = step.stage, self._task.excerpt
        if isinstance(stage, Filter):
            parted = part_by_verdicts(batch, stage.reject(batch), excerpt=excerpt)
        else:
            assert isinstance(stage, Map)
            changed = stage.map(batch)
            if changed.height != batch.height or not changed[ID].equals(batch[ID]):
                raise BrokenBooksError(
                    f"{step.name} changed the rows or their order; a map may not"
                )
            parted = part_by_reason_column(changed, excerpt=excerpt)
        return self._record(step.index, step.name, batch.height, parted)

    def _record(self, index: int, name: str, rows_in: int, parted: Parted) -> Batch:
        self._tally.add(index, name, rows_in, parted)
        if parted.rejects.height:
            stage = pl.lit(f"{index:02d} {name}").alias("stage")
            self._rejects.append(parted.rejects.with_columns(stage))
        return parted.kept

    def _finish(self, batch: Batch) -> None:
        segment = self._task.segment
        if segment.observes is None:
            assert self._task.sink is not None
            self._guard("the output", batch, self._encode, self._task.sink)
            return
        self._writer("spill.arrow", compression="lz4").append(batch)
        first, self._spilled = self._spilled, self._spilled + batch.height
        if segment.observes.concerns(self._task.source.name):
            addresses = make_addresses(self._task.number, first, batch.height)
            self._guard(
                segment.observes.name,
                batch.with_columns(addresses),
                self._observe,
                segment.observes,
            )

    def _observe(self, batch: Batch, step: Step) -> Batch:
        assert isinstance(step.stage, Barrier)
        seen = step.stage.observe(batch, self._task.partitions)
        self._exchange.append(seen.exchange)
        if seen.kept is not None:
            if seen.kept.height != batch.height:
                raise BrokenBooksError(
                    f"{step.name} kept {seen.kept.height} of {batch.height} rows"
                )
            self._writer("kept.arrow").append(seen.kept)
        return batch

    def _write_exchange(self) -> None:
        if not self._exchange:
            return
        grouped, offsets = split_by_partition(pl.concat(self._exchange), self._task.partitions)
        write_table(self._folder / "exchange.arrow", grouped)
        write_json(self._folder / "offsets.json", offsets)

    def _encode(self, batch: Batch, sink: Sink) -> Batch:
        parted = part_by_verdicts(batch, sink.reject(batch), excerpt=self._task.excerpt)
        kept = self._record(OUTPUT_INDEX, "output", batch.height, parted)
        if not kept.height:
            return kept
        if SPLIT not in kept.columns:
            kept = kept.with_columns(pl.lit(DEFAULT_SPLIT).alias(SPLIT))
        for (split,), rows in kept.partition_by(SPLIT, as_dict=True, maintain_order=True).items():
            name = str(split or DEFAULT_SPLIT)
            self._writer(f"part-{name}.arrow").append(sink.encode(rows))
            self._writer(f"lineage-{name}.arrow", compression="lz4").append(lineage_of(rows))
            self._tally.written[name, self._task.source.name] += rows.height
        return kept

    def _guard(self, name, batch, work, *arguments):  # type: ignore[no-untyped-def]
        """Call `work(batch, ...)`; a failure that is no user's mistake gets its place."""
        try:
            return work(batch, *arguments)
        except DatakitError:
            raise
        except Exception as error:
            lines = batch[LINE] if LINE in batch.columns else None
            where = f"lines {lines.min()} to {lines.max()}" if lines is not None else "?"
            message = f"{name} failed on {self._task.shard.file}, {where} ({type(error).__name__})"
            raise TaskFailedError(f"{message}: {error}") from error

    def _writer(self, name: str, *, compression: str | None = None) -> TableWriter:
        if name not in self._writers:
            self._writers[name] = self._open(name, compression=compression)
        return self._writers[name]

    def _open(self, name: str, *, compression: str | None = None) -> TableWriter:
        return self._files.enter_context(TableWriter(self._folder / name, compression=compression))


OUTPUT_INDEX = 9_999
"""Index of the sink in counts: after every stage."""


def source_label(source: Source) -> str:
    """Name of a source's reader in reports: the class's registry name where it has one."""
    return f"read {source.name}"


def _malformed(source: str, rejects: Table) -> MalformedInputError:
    first = rejects.row(0, named=True)
    return MalformedInputError(
        f"{first['_file']}:{first['_line']}: {first['reason']} {first['values'] or ''} "
        f'(source {source!r} has on_malformed = "fail"; "reject" goes on and counts such input)'
    )
