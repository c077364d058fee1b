"""The files of a benchmark, and the rows they hold."""

import csv
import glob
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from datakit.errors import DatakitError, SettingsError

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt")
COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
_WIDEST_CELL = 1 << 24


class Row(NamedTuple):
    """One item as it lies in its file: `place` is `<file name>:<ordinal from 1>`."""

    place: str
    fields: Mapping[str, Any]


def find_benchmark_files(path: Path) -> list[Path]:
    """The files that a path names, sorted: a file, a directory (with all below it), a pattern."""
    if path.is_file():
        return [path]
    pattern = str(path / "**") if path.is_dir() else str(path)
    found = map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207 (absolute patterns too)
    return sorted(file for file in found if file.is_file() and kind_of(file) in SUFFIXES)


def kind_of(path: Path) -> str:
    """The suffix that tells a file's format, without that of its compression."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def read_rows(path: Path, *, has_header: bool = True) -> Iterator[Row]:
    """The rows of a benchmark file, by its suffix.

    JSON: a list of objects, an object that holds one, or an object of objects. A line of plain
    text is a row with the field `text`. A CSV file without a header has fields `1`, `2` ...

    Raises:
        DatakitError: the file cannot be read; the message names the place.
    """
    kind, number = kind_of(path), 0
    try:
        if kind == ".parquet":
            rows = _read_parquet(path)
        elif kind in (".csv", ".tsv"):
            rows = _read_csv(path, "\t" if kind == ".tsv" else ",", has_header=has_header)
        else:
            rows = _READERS[kind](_read_bytes(path))
        for number, fields in enumerate(rows, 1):
            if not isinstance(fields, Mapping):
                raise DatakitError(f"{path}: item {number} is no object with named fields")
            yield Row(f"{path.name}:{number}", fields)
    except (OSError, ValueError, csv.Error) as error:
        raise DatakitError(f"{path}: cannot be read after item {number}: {error}") from error


def _read_bytes(path: Path) -> bytes:
    compression = COMPRESSED.get(path.suffix.lower())
    with pa.input_stream(str(path), compression=compression) as stream:
        data: bytes = stream.read()
    return data.removeprefix(b"\xef\xbb\xbf")


def _read_jsonl(data: bytes) -> Iterator[Any]:
    import orjson

    return (orjson.loads(line) for line in data.split(b"\n") if line.strip())


def _read_json(data: bytes) -> Iterator[Any]:
    import orjson

    content = orjson.loads(data)
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        content = max(lists, key=len) if lists else list(content.values())
    return iter(content if isinstance(content, list) else [content])


def _read_text(data: bytes) -> Iterator[Any]:
    return ({"text": line} for line in data.decode().splitlines() if line.strip())


def _read_csv(path: Path, delimiter: str, *, has_header: bool) -> Iterator[dict[str, str]]:
    csv.field_size_limit(_WIDEST_CELL)
    lines = io.StringIO(_read_bytes(path).decode(), newline="")
    rows = csv.reader(lines, delimiter=delimiter)
    header = next(rows, []) if has_header else []
    for row in rows:
        names = header or [str(n) for n in range(1, len(row) + 1)]
        yield dict(zip(names, row, strict=False))


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1024):
            yield from batch.to_pylist()


_READERS = {".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".json": _read_json, ".txt": _read_text}


def check_files(name: str, path: Path) -> None:
    """Raise SettingsError unless a benchmark has files, all of a known format."""
    files = find_benchmark_files(path)
    if not files:
        raise SettingsError("benchmarks", f"{name}: there is no file {str(path)!r}")
    for file in files:
        if kind_of(file) not in SUFFIXES:
            hint = f"known: {', '.join(SUFFIXES)}, also with .gz or .zst"
            raise SettingsError("benchmarks", f"{name}: {str(file)!r} has no known format", hint)
