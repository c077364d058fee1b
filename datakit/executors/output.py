"""From encoded parts to output files: cut by size in record order, written whole, renamed.

The parts of all tasks, in shard order, are one stream of records per split; files are cut from
that stream, so no byte depends on how the input was cut or who worked on it.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from datakit.errors import DatakitError
from datakit.executors.lineage import LINEAGE_SCHEMA
from datakit.executors.local import Done
from datakit.executors.tables import open_arrow, read_arrow_batches
from datakit.executors.workdir import read_json, task_directory, write_json
from datakit.stage import Sink, WrittenFile

SPLITS = ("train", "val", "test")
LINEAGE_ROW_GROUP = 100_000
# What loaders of whole folders want beside the data; sinks write these as companions.
COMPANIONS = frozenset({"state.json", "dataset_info.json", "index.json"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows `start` to `stop` of one task's part of a split."""

    task_dir: Path
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteTask:
    """One output file and its lineage file."""

    sink: Sink
    split: str
    number: int
    of: int
    pieces: tuple[Piece, ...]
    folder: Path
    tmp_root: Path

    @property
    def name(self) -> str:
        """File name without suffix: `train-00000-of-00001`."""
        return f"{self.split}-{self.number:05d}-of-{self.of:05d}"

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        return f"writing {self.name}{self.sink.suffix}"


def plan_files(split: str, task_dirs: Sequence[Path], max_bytes: int | None) -> list[list[Piece]]:
    """Cut a split's records into files: a file ends before the record that would make it larger
    than `max_bytes` (at least one record each; None: one file).
    """
    files: list[list[Piece]] = []
    current: list[Piece] = []
    filled = 0
    for folder in task_dirs:
        sizes = _sizes(folder / f"part-{split}.arrow")
        start = 0
        while start < len(sizes):
            ends = np.cumsum(sizes[start:]) + filled
            fit = len(ends) if max_bytes is None else int(np.searchsorted(ends, max_bytes, "right"))
            if fit == 0 and not current:
                fit = 1
            if fit:
                current.append(Piece(folder, start, start + fit))
                start, filled = start + fit, int(ends[fit - 1])
            if start < len(sizes):
                files.append(current)
                current, filled = [], 0
    return [*files, current] if current else files


def _sizes(path: Path) -> np.ndarray:
    table = open_arrow(path)
    if not table.num_rows:
        return np.empty(0, dtype=np.uint64)
    return pl.Series(table["_size"]).to_numpy()


def write_file(task: WriteTask) -> Done:
    """Write one output file and its lineage into a task directory, unless that is done.

    Published files are links to these; one that somebody changed since is written again.
    """
    if task.folder.is_dir():
        done = written_files(task.folder)
        if all(_digest(task.folder / Path(file.path).name) == file.sha256 for file in done):
            return Done(done[0].bytes, done[0].rows, done[0].rows)
        shutil.rmtree(task.folder)
    with task_directory(task.folder, task.tmp_root) as folder:
        main = _write(task, folder)
        write_json(folder / "file.json", asdict(main))
        if suffix := getattr(task.sink, "pair_suffix", ""):
            write_json(folder / "pair.json", asdict(_describe(task, folder, suffix, rows=0)))
    return Done(main.bytes, main.rows, main.rows)


def written_files(folder: Path) -> list[WrittenFile]:
    """What a write task left: its file, and the one that belongs to it where files come in pairs
    (which has no rows of its own).
    """
    places = [folder / "file.json", folder / "pair.json"]
    return [WrittenFile(**read_json(place)) for place in places if place.exists()]


def _write(task: WriteTask, folder: Path) -> WrittenFile:
    path = folder / f"{task.name}{task.sink.suffix}"
    tables = (t.drop_columns("_size") for t in _tables(task.pieces, f"part-{task.split}.arrow"))
    task.sink.write(tables, path)
    rows = sum(piece.stop - piece.start for piece in task.pieces)
    lineage = folder / f"{task.name}.lineage.parquet"
    _write_lineage(_tables(task.pieces, f"lineage-{task.split}.arrow"), lineage)
    return _describe(task, folder, task.sink.suffix, rows=rows)


def _describe(task: WriteTask, folder: Path, suffix: str, *, rows: int) -> WrittenFile:
    path = folder / f"{task.name}{suffix}"
    _sync(path)
    size = path.stat().st_size
    return WrittenFile(f"{task.split}/{path.name}", task.split, rows, size, _digest(path))


def _digest(path: Path) -> str:
    if not path.exists():
        return "missing"
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _tables(pieces: Sequence[Piece], name: str) -> Iterator[pa.Table]:
    for piece in pieces:
        first = 0
        for table in read_arrow_batches(piece.task_dir / name):
            start, stop = max(piece.start - first, 0), min(piece.stop - first, table.num_rows)
            if start < stop:
                yield table.slice(start, stop - start)
            first += table.num_rows


def _write_lineage(tables: Iterator[pa.Table], path: Path) -> None:
    with pq.ParquetWriter(path, LINEAGE_SCHEMA, compression="zstd", compression_level=1) as writer:
        for table in rebatch(tables, LINEAGE_ROW_GROUP):
            writer.write_table(table, row_group_size=LINEAGE_ROW_GROUP)


def rebatch(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Tables of exactly `rows` rows (the last may be shorter), whatever the cuts of the input."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        while count + table.num_rows >= rows:
            head = rows - count
            yield pa.concat_tables([*held, table.slice(0, head)]).combine_chunks()
            table, held, count = table.slice(head), [], 0
        if table.num_rows:
            held.append(table)
            count += table.num_rows
    if held:
        yield pa.concat_tables(held).combine_chunks()


def publish(files: Sequence[tuple[WrittenFile, Path]], output: Path, tmp: Path) -> None:
    """Put the written files into `output/<split>/` and their lineage into `output/_datakit/`.

    A split's folder is swapped as a whole. Files that datakit did not write stop the run.

    Raises:
        DatakitError: a split's folder holds something else.
    """
    lineage = tmp / "lineage"
    shutil.rmtree(tmp, ignore_errors=True)
    lineage.mkdir(parents=True)
    for file, folder in files:
        target = tmp / file.path
        target.parent.mkdir(exist_ok=True)
        name = Path(file.path).name
        _link_or_copy(folder / name, target)
        stem = name.split(".", 1)[0]
        if file.rows:
            _link_or_copy(folder / f"{stem}.lineage.parquet", lineage / f"{stem}.parquet")
    for split in SPLITS:
        _swap(tmp / split, output / split)
    _swap(lineage, output / "_datakit" / "lineage")
    shutil.rmtree(tmp, ignore_errors=True)


def foreign_files(output: Path, splits: Sequence[str] = SPLITS) -> list[Path]:
    """Files in the split folders that are not named as datakit names its output."""
    found = [p for split in splits for p in sorted((output / split).glob("*"))]
    return [p for p in found if not _is_ours(p)]


def _is_ours(path: Path) -> bool:
    named = path.name.startswith(f"{path.parent.name}-") or path.name in COMPANIONS
    return named and not path.is_dir()


def check_output(output: Path) -> None:
    """Refuse an output directory whose split folders hold files of somebody else.

    Raises:
        DatakitError: naming such a file.
    """
    if output.exists() and not output.is_dir():
        raise DatakitError(f"the output {output} is a file; name a directory")
    if foreign := foreign_files(output):
        raise DatakitError(
            f"{foreign[0]} was not written by datakit, and the folder is about to be replaced; "
            "move it away or choose another [output] path"
        )


def _swap(new: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if new.is_dir():
        new.rename(old)


def _link_or_copy(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def _sync(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
