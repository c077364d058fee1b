"""Tables on disk between tasks: Arrow IPC files, memory-mapped when read."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl
import pyarrow as pa

from datakit.records import ADDRESS, PARTITION, Batch, Table

# The oldest level keeps a string column in one buffer; string views would drag the buffers of
# filtered-out rows along into the file.
LEVEL = pl.CompatLevel.oldest()


class TableWriter:
    """Appends tables of one schema to an Arrow file, created with the first table."""

    def __init__(self, path: Path, *, compression: str | None = None) -> None:
        self._path, self._compression = path, compression
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self.rows = 0

    def append(self, table: pa.Table | pl.DataFrame) -> None:
        """Write one table."""
        arrow = table.to_arrow(compat_level=LEVEL) if isinstance(table, pl.DataFrame) else table
        if self._writer is None:
            options = pa.ipc.IpcWriteOptions(compression=self._compression)
            self._writer = pa.ipc.new_file(str(self._path), arrow.schema, options=options)
        self._writer.write_table(arrow)
        self.rows += arrow.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()


def write_table(path: Path, table: Table) -> None:
    """Write one table, uncompressed so that it can be memory-mapped."""
    with TableWriter(path) as writer:
        writer.append(table)


def open_arrow(path: Path) -> pa.Table:
    """An Arrow file as a table; uncompressed columns stay on disk until they are touched."""
    if not path.exists():
        return pa.Table.from_arrays([], names=[])
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def open_table(path: Path) -> Table:
    """As `open_arrow`, as a Polars frame; no file gives no columns."""
    return make_frame(open_arrow(path))


def read_batches(path: Path) -> Iterator[Batch]:
    """The tables of a file one after the other, as they were appended."""
    if not path.exists():
        return
    with pa.ipc.open_file(pa.memory_map(str(path))) as reader:
        for index in range(reader.num_record_batches):
            yield make_frame(pa.Table.from_batches([reader.get_batch(index)]))


def read_arrow_batches(path: Path) -> Iterator[pa.Table]:
    """As `read_batches`, staying in Arrow."""
    if not path.exists():
        return
    with pa.ipc.open_file(pa.memory_map(str(path))) as reader:
        for index in range(reader.num_record_batches):
            yield pa.Table.from_batches([reader.get_batch(index)])


def split_by_partition(rows: Table, partitions: int) -> tuple[Table, list[int]]:
    """Rows grouped by partition, order kept inside, and the row offset of each partition."""
    numbers = rows[PARTITION].to_numpy()
    sizes = np.bincount(numbers, minlength=partitions)
    assert sizes.size == max(partitions, 1), "a row names a partition that does not exist"
    # Numbers of 16 bits are sorted by radix: many times faster than a sort by comparison.
    narrow = numbers.astype(np.uint16) if partitions <= 1 << 16 else numbers
    grouped = rows.drop(PARTITION)[np.argsort(narrow, kind="stable")]
    return grouped, [0, *np.cumsum(sizes).tolist()]


def rows_of_shard(path: Path, shard: int) -> Table:
    """The rows of a file sorted by address that belong to one shard."""
    rows = open_table(path)
    if not rows.height:
        return rows
    addresses = rows[ADDRESS]
    first = addresses.search_sorted(shard << 32, side="left")
    last = addresses.search_sorted(((shard + 1) << 32) - 1, side="right")
    return rows[int(first) : int(last)]


def list_by_address(rows: Table) -> Table:
    """One row for each address: every other column as a list, in the order of the rows' values,
    so that it matters nowhere which partition a row came from.
    """
    others = [name for name in rows.columns if name != ADDRESS]
    return rows.sort(ADDRESS, *others).group_by(ADDRESS, maintain_order=True).agg(others)


def make_frame(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a Polars frame."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
