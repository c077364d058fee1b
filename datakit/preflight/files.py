"""The rows of a run's output as a trainer reads them, with the ids of their records."""

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow.parquet as pq
import zstandard

from datakit.errors import UsageError

BATCH_ROWS = 1_000
SUFFIXES = (".jsonl", ".json", ".parquet", ".jsonl.gz", ".jsonl.zst")


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Rows of one file, the first of which is number `first` (from 1)."""

    file: str
    first: int
    rows: list[dict[str, Any]]
    ids: list[str]


def find_files(run: Path, split: str) -> list[Path]:
    """The data files of a run's split; a folder or file that no run wrote stands for itself.

    Raises:
        UsageError: there are none.
    """
    if run.is_file():
        return [run]
    folder = run / split if (run / split).is_dir() else run
    found = sorted(p for p in folder.glob("*") if p.name.endswith(SUFFIXES) and p.is_file())
    found = [path for path in found if path.name != "dataset_info.json"]
    if not found:
        raise UsageError(f"{folder} has no data files ({', '.join(SUFFIXES)})")
    return found


def read_rows(files: Sequence[Path], run: Path) -> Iterator[RowBatch]:
    """The files' rows, in order, `BATCH_ROWS` at a time.

    Raises:
        UsageError: a line that is no JSON object.
    """
    for path in files:
        ids = _ids(run / "_datakit" / "lineage" / f"{path.name.split('.', 1)[0]}.parquet")
        first, batch = 1, list[dict[str, Any]]()
        for row in _rows(path):
            batch.append(row)
            if len(batch) == BATCH_ROWS:
                yield RowBatch(path.name, first, batch, _take(ids, len(batch)))
                first, batch = first + len(batch), []
        if batch:
            yield RowBatch(path.name, first, batch, _take(ids, len(batch)))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.name.endswith(".parquet"):
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=BATCH_ROWS):
                yield from batch.to_pylist()
        return
    with _open(path) as lines:
        if path.name.endswith(".json"):
            yield from json.load(lines)
            return
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise UsageError(f"{path}:{number} is no JSON: {error}") from error
                if not isinstance(row, dict):
                    raise UsageError(f"{path}:{number} is no JSON object")
                yield row


def _open(path: Path) -> BinaryIO:
    if path.name.endswith(".gz"):
        return cast("BinaryIO", gzip.open(path))
    if path.name.endswith(".zst"):
        stream = zstandard.ZstdDecompressor().stream_reader(
            path.open("rb"), read_across_frames=True, closefd=True
        )
        return io.BufferedReader(cast("io.RawIOBase", stream))
    return path.open("rb")


def _ids(path: Path) -> Iterator[str]:
    if path.is_file():
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(columns=["id"], batch_size=BATCH_ROWS):
                yield from batch.column("id").to_pylist()


def _take(ids: Iterator[str], count: int) -> list[str]:
    return [next(ids, "") for _ in range(count)]
