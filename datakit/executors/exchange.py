"""Rows on their way between tasks: grouped by partition when written, gathered by partition."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
import pyarrow as pa

from datakit.barriers import Reduced
from datakit.executors.local import Done
from datakit.executors.tables import open_arrow, split_by_partition, write_table
from datakit.executors.workdir import read_json, write_json
from datakit.records import ADDRESS, Table

EXCHANGE, OFFSETS = "exchange.arrow", "offsets.json"
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
    """Leave rows with a `_partition` in a task's directory, grouped by it."""
    grouped, offsets = split_by_partition(rows, partitions)
    write_table(folder / EXCHANGE, grouped)
    write_json(folder / OFFSETS, offsets)


def gather(folders: Sequence[Path], partition: int) -> Table:
    """The rows of one partition from all task directories, in their order."""
    pieces = list(_slices(folders, partition))
    if not pieces:
        return pl.DataFrame()
    frame = pl.from_arrow(pa.concat_tables(pieces))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _slices(folders: Sequence[Path], partition: int) -> Iterator[pa.Table]:
    for folder in folders:
        if (folder / OFFSETS).exists():
            offsets = read_json(folder / OFFSETS)
            start, stop = offsets[partition], offsets[partition + 1]
            yield open_arrow(folder / EXCHANGE).slice(start, stop - start)


def write_reduced(folder: Path, reduced: Reduced) -> None:
    """Leave what a partition came to in a task's directory."""
    rows = reduced.rows
    if rows.width:
        rows = rows.sort(ADDRESS, maintain_order=True) if ADDRESS in rows.columns else rows
        write_table(folder / ROWS, rows)
    if reduced.summary.width:
        write_table(folder / SUMMARY, reduced.summary)
