"""The books of one task: what went through each stage, and the rejected rows."""

from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from datakit.executors.parting import Parted
from datakit.executors.tables import TableWriter
from datakit.executors.workdir import write_json
from datakit.records import Batch
from datakit.report.counts import Counts, StageCount, Tally, stage_label


class Books:
    """Counts and rejects of one task, all of whose records are of one source."""

    def __init__(self, source: str, folder: Path, files: ExitStack) -> None:
        self._source, self._folder, self._files = source, folder, files
        self._stages: defaultdict[tuple[int, str, str], StageCount] = defaultdict(StageCount)
        self._written: Counter[tuple[str, str]] = Counter()
        self._tallies: Counter[Tally] = Counter()
        self._writers: dict[str, TableWriter] = {}
        self.rows_in = self.rows_out = 0

    def open_account(self, index: int, name: str) -> None:
        """Give a stage its line in the counts, even if no row ever comes."""
        self._stages[index, name, self._source] += StageCount()

    def enter(self, index: int, name: str, rows_in: int, parted: Parted) -> Batch:
        """Enter what a stage did to one batch; the rows that go on."""
        reasons: Counter[str] = Counter()
        if parted.rejects.height:
            reasons.update(dict(parted.rejects["reason"].value_counts().iter_rows()))
            stage = pl.lit(stage_label(index, name)).alias("stage")
            self.writer("rejects.arrow", compression="lz4").append(
                parted.rejects.with_columns(stage)
            )
        edits = Counter(parted.edits)
        count = StageCount(rows_in, parted.kept.height, parted.copies, reasons, edits)
        self._stages[index, name, self._source] += count
        for column in parted.tallied:
            if isinstance(column.dtype, pl.Enum):
                # What never occurs is to be seen, too.
                for value in column.dtype.categories:
                    self._tallies[index, name, column.name, value, self._source] += 0
            values = column.cast(pl.String).fill_null("none")
            for value, rows in values.value_counts().iter_rows():
                self._tallies[index, name, column.name, value, self._source] += rows
        return parted.kept

    def enter_written(self, split: str, rows: int) -> None:
        """Enter records that were encoded for a split."""
        self._written[split, self._source] += rows

    def writer(self, name: str, *, compression: str | None = None) -> TableWriter:
        """The file of this name in the task's directory, opened when first asked for."""
        if name not in self._writers:
            table = TableWriter(self._folder / name, compression=compression)
            self._writers[name] = self._files.enter_context(table)
        return self._writers[name]

    def close(self) -> None:
        """Write the counts."""
        counts = Counts(self._stages, self._written, self._tallies)
        write_json(self._folder / "counts.json", counts.to_json())
