"""One task: one segment over one shard, from its input to a directory that is whole.

With `row_local`, the only file that calls a stage's methods on data during a run. What a task
leaves behind:

| file | what |
|---|---|
| `counts.json` | rows in, out and rejected, by stage |
| `rejects.arrow` | the rejected rows, with stage |
| `spill.arrow` | the rows that reached the barrier (segments that end in one) |
| `exchange.arrow` | its observations, grouped by partition |
| `kept.arrow` | what the barrier wants to look up by address |
| `part-<split>.arrow`, `lineage-<split>.arrow` | encoded records and where they came from (last) |
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from datakit.barriers import Barrier
from datakit.errors import BrokenBooksError, DatakitError, MalformedInputError, TaskFailedError
from datakit.executors.books import Books
from datakit.executors.exchange import write_exchange
from datakit.executors.lineage import lineage_of
from datakit.executors.local import Done
from datakit.executors.numbering import start_numbers
from datakit.executors.parting import (
    part_by_decisions,
    part_by_reason_column,
    part_by_verdicts,
)
from datakit.executors.reading import read_shard
from datakit.executors.row_local import run_local
from datakit.executors.tables import (
    list_by_address,
    open_table,
    read_batches,
    rows_of_shard,
)
from datakit.executors.workdir import task_directory
from datakit.plan import Segment, Step
from datakit.records import ADDRESS, LINE, Batch, Table, make_addresses
from datakit.report.counts import OUTPUT
from datakit.stage import Shard, Sink, Source

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


def run_segment(task: SegmentTask) -> Done:
    """Run a task unless it is done.

    Raises:
        DatakitError: what the user can put right, with the shard and the rows it is about.
        TaskFailedError: any other failure, with the shard and the rows it happened in.
    """
    if task.folder.is_dir():
        return Done()
    with task_directory(task.folder, task.tmp_root) as folder, ExitStack() as files:
        books = _Run(task, folder, files).run()
    return Done(task.shard.size, books.rows_in, books.rows_out)


class _Run:
    """One running task: its input, its chain, its end."""

    def __init__(self, task: SegmentTask, folder: Path, files: ExitStack) -> None:
        self._task, self._folder = task, folder
        self._source = task.source.name
        self._books = Books(self._source, folder, files)
        self._steps = [s for s in task.segment.steps if s.concerns(self._source)]
        self._exchange: list[Table] = []
        self._spilled = 0

    def run(self) -> Books:
        """Bring every batch through the chain, then close the books of the task."""
        for step in self._steps:
            self._books.open_account(step.index, step.name)
        batches = self._read_spill() if self._task.spill_dir else self._read_source()
        for batch in batches:
            for step in self._steps:
                if batch.height:
                    with self._place(step.name, batch):
                        batch = self._apply_step(batch, step)
            self._books.rows_out += batch.height
            if batch.height:
                self._finish(batch)
        self._write_exchange()
        self._books.close()
        return self._books

    def _read_source(self) -> Iterator[Batch]:
        source = self._task.source
        name = f"read {source.name}"
        self._books.open_account(0, name)
        for batch in read_shard(source, self._task.shard):
            parted = part_by_reason_column(batch, excerpt=self._task.excerpt)
            if parted.rejects.height and getattr(source, "on_malformed", "reject") == "fail":
                raise _malformed(source.name, parted.rejects)
            self._books.rows_in += batch.height
            yield start_numbers(self._books.enter(0, name, batch.height, parted))

    def _read_spill(self) -> Iterator[Batch]:
        assert self._task.spill_dir is not None
        spill = self._task.spill_dir / "spill.arrow"
        barrier = self._task.segment.applies
        if barrier is None or not barrier.concerns(self._source):
            yield from read_batches(spill)
            return
        self._books.open_account(barrier.index, barrier.name)
        rows = self._decided_rows()
        verdict = open_table(self._task.verdict) if self._task.verdict else pl.DataFrame()
        first = 0
        for batch in read_batches(spill):
            mine = make_addresses(self._task.number, first, batch.height).to_frame()
            mine = mine.join(rows, on=ADDRESS, how="left", maintain_order="left")
            first += batch.height
            with self._place(barrier.name, batch):
                assert isinstance(barrier.stage, Barrier)
                decisions = barrier.stage.apply(batch, mine, verdict)
                parted = part_by_decisions(batch, decisions, excerpt=self._task.excerpt)
            self._books.rows_in += batch.height
            yield self._books.enter(barrier.index, barrier.name, batch.height, parted)

    def _decided_rows(self) -> Table:
        """The reduced rows of this shard's records, from all partitions."""
        found = [rows_of_shard(path, self._task.number) for path in self._task.decisions]
        decided = [rows for rows in found if rows.width]
        if not decided:
            return pl.DataFrame(schema={ADDRESS: pl.UInt64})
        barrier = self._task.segment.applies
        has_many = barrier is not None and getattr(barrier.stage, "many_rows", False)
        return list_by_address(pl.concat(decided)) if has_many else pl.concat(decided)

    def _apply_step(self, batch: Batch, step: Step) -> Batch:
        parted = run_local(step.stage, batch, name=step.name, excerpt=self._task.excerpt)
        return self._books.enter(step.index, step.name, batch.height, parted)

    def _finish(self, batch: Batch) -> None:
        barrier = self._task.segment.observes
        if barrier is None:
            with self._place("the output", batch):
                self._encode(batch)
            return
        self._books.writer("spill.arrow").append(batch)
        addresses = make_addresses(self._task.number, self._spilled, batch.height)
        self._spilled += batch.height
        if barrier.concerns(self._source):
            with self._place(barrier.name, batch):
                self._observe(batch.with_columns(addresses), barrier)

    def _observe(self, batch: Batch, step: Step) -> None:
        assert isinstance(step.stage, Barrier)
        seen = step.stage.observe(batch, self._task.partitions)
        self._exchange.append(seen.exchange)
        if seen.kept is None:
            return
        if seen.kept.height != batch.height:
            raise BrokenBooksError(f"{step.name} kept {seen.kept.height} of {batch.height} rows")
        self._books.writer("kept.arrow").append(seen.kept)

    def _write_exchange(self) -> None:
        if self._exchange:
            rows = pl.concat(self._exchange)
            write_exchange(self._folder, rows, self._task.partitions)

    def _encode(self, batch: Batch) -> None:
        sink = self._task.sink
        assert sink is not None
        parted = part_by_verdicts(batch, sink.reject(batch), excerpt=self._task.excerpt)
        kept = self._books.enter(OUTPUT_INDEX, OUTPUT, batch.height, parted)
        split_column = pl.col(SPLIT) if SPLIT in kept.columns else pl.lit(None, dtype=pl.String)
        kept = kept.with_columns(split_column.fill_null(DEFAULT_SPLIT).alias(SPLIT))
        parts = kept.partition_by(SPLIT, as_dict=True, maintain_order=True)
        for (split,), rows in parts.items():
            name = str(split)
            self._books.writer(f"part-{name}.arrow").append(sink.encode(rows))
            self._books.writer(f"lineage-{name}.arrow", compression="lz4").append(lineage_of(rows))
            self._books.enter_written(name, rows.height)

    @contextmanager
    def _place(self, name: str, batch: Batch) -> Iterator[None]:
        """Give a failure its place: stage, file and lines."""
        try:
            yield
        except DatakitError as error:
            # Broken books and missing packages do not come of the records.
            if type(error) is not DatakitError:
                raise
            # Some messages name the stage themselves.
            what = str(error).removeprefix(f"{name}: ")
            raise DatakitError(f"{self._failure(name, batch)}: {what}") from error
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise TaskFailedError(f"{self._failure(name, batch)}: {what}") from error

    def _failure(self, name: str, batch: Batch) -> str:
        lines = batch[LINE]
        return f"{name} failed on {self._task.shard.file}, lines {lines[0]} to {lines[-1]}"


OUTPUT_INDEX = 9_999
"""Index of the sink in counts: after every stage."""


def _malformed(source: str, rejects: Table) -> MalformedInputError:
    first = rejects.row(0, named=True)
    return MalformedInputError(
        f"{first['_file']}:{first['_line']}: {first['reason']} {first['values'] or ''} "
        f'(source {source!r} has on_malformed = "fail"; "reject" goes on and counts such input)'
    )
