"""Rows on their way between tasks: grouped by partition when written, gathered by partition."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from datakit.barriers import Reduced
from datakit.executors.local import Done
from datakit.executors.tables import (
    LEVEL,
    TableWriter,
    make_frame,
    split_by_partition,
    write_table,
)
from datakit.records import ADDRESS, Table

EXCHANGE = "exchange.arrow"
HELD = b"datakit.partitions"
ROWS, SUMMARY = "rows.arrow", "summary.arrow"

RunTasks: TypeAlias = Callable[[str, Callable[[Any], Done], Sequence[Any]], list[Path]]


@dataclass(frozen=True, slots=True)
class Observed:
    """What a segment left for its barrier: the task directory and the source of each shard, None
    for a reference.
    """

    shard_dirs: tuple[Path, ...]
    sources: tuple[str | None, ...]


def write_exchange(folder: Path, rows: Table, partitions: int) -> None:
    """Leave rows with a `_partition` in a task's directory, a record batch for each that has some;
    which ones stands in the schema.
    """
    grouped, offsets = split_by_partition(rows, partitions)
    table = grouped.to_arrow(compat_level=LEVEL).combine_chunks()
    held = np.flatnonzero(np.diff(offsets))
    table = table.replace_schema_metadata({HELD: held.astype(np.uint32).tobytes()})
    with TableWriter(folder / EXCHANGE) as writer:
        writer.append(table.slice(0, 0))
        for partition in held.tolist():
            first, last = offsets[partition], offsets[partition + 1]
            writer.append(table.slice(first, last - first))


def gather(folders: Sequence[Path], partition: int) -> Table:
    """The rows of one partition from all task directories, in their order."""
    pieces = list(_pieces(folders, partition))
    return make_frame(pa.concat_tables(pieces)) if pieces else pl.DataFrame()


def _pieces(folders: Sequence[Path], partition: int) -> Iterator[pa.Table]:
    """Read, not mapped: the system may map two megabytes of each file where a page is touched."""
    for path in (folder / EXCHANGE for folder in folders):
        if path.exists():
            with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
                held = np.frombuffer(reader.schema.metadata[HELD], dtype=np.uint32)
                place = int(np.searchsorted(held, partition))
                has_rows = place < held.size and held[place] == partition
                batches = [reader.get_batch(place)] if has_rows else []
                yield pa.Table.from_batches(batches, reader.schema).replace_schema_metadata(None)


def write_reduced(folder: Path, reduced: Reduced) -> None:
    """Leave what a partition came to in a task's directory."""
    rows = reduced.rows
    if rows.width:
        rows = rows.sort(ADDRESS, maintain_order=True) if ADDRESS in rows.columns else rows
        write_table(folder / ROWS, rows)
    if reduced.summary.width:
        write_table(folder / SUMMARY, reduced.summary)
