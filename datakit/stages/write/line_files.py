"""JSON Lines on disk: rows as lines, lines as a file, and a guard against what loaders guess."""

import gzip
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import zstandard

from datakit.errors import DatakitError
from datakit.records import TEXT, Table

LEVEL = pl.CompatLevel.oldest()
BLOCK_BYTES = 1 << 20
"""Compressors get blocks of this size, so that their output depends on the text alone."""
GZIP_LEVEL, ZSTD_LEVEL = 6, 3

GUESS_BYTES = 10 << 20
"""`datasets` reads JSON Lines in blocks of this size, up to the next line end (its `chunksize`
in `packaged_modules/json/json.py`); a text column that holds nothing but dates in one of them
becomes a column of timestamps."""
DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::?\d\d(?::?\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)


def lines_table(lines: pa.LargeBinaryArray) -> pa.Table:
    """Columns `line` and `_size`, its bytes before compression."""
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int64)[lines.offset :]
    sizes = np.diff(offsets[: len(lines) + 1]).astype(np.uint64)
    # pa.table and pa.array would import pandas, to see whether they were given some of it.
    return pa.Table.from_arrays([lines, pl.Series(sizes).to_arrow()], names=["line", "_size"])


def encode_lines(rows: Table) -> pa.LargeBinaryArray:
    """Each row as a line of JSON."""
    if rows.columns == [TEXT] and "numba" in sys.modules:
        # The kernel is twice as fast, but not worth the start-up time of Numba by itself.
        return _encode_texts(rows[TEXT])
    line = pl.struct(pl.all()).struct.json_encode() + "\n"
    return as_lines(rows.select(line).to_series())


def as_lines(lines: pl.Series) -> pa.LargeBinaryArray:
    """Texts that are whole lines."""
    return lines.rechunk().to_arrow(compat_level=LEVEL).cast(pa.large_binary())


def _encode_texts(texts: pl.Series) -> pa.LargeBinaryArray:
    from datakit.kernels.json_escape import encode_json_strings

    array = texts.rechunk().to_arrow(compat_level=LEVEL)
    _, ends, data = array.buffers()
    offsets = np.frombuffer(ends, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    source = np.frombuffer(data, dtype=np.uint8) if data else np.empty(0, dtype=np.uint8)
    out, bounds = encode_json_strings(source, offsets, prefix=b'{"text":', suffix=b"}\n")
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(out)]
    return pa.Array.from_buffers(pa.large_binary(), len(array), buffers)


def write_lines(tables: Iterator[pa.Table], path: Path, *, compression: str = "none") -> None:
    """Write the lines one after the other, compressed as one stream."""
    with _open(path, compression) as stream:
        buffers = _buffers(tables)
        for block in buffers if compression == "none" else _blocks(buffers):
            stream.write(block)


def guard_dates(tables: Iterator[pa.Table], path: Path) -> Iterator[pa.Table]:
    """The same tables, unless `datasets` would load one of their texts as a timestamp.

    Raises:
        DatakitError: all values of a field in one block of the loader look like dates.
    """
    guard = _DateGuard(path)
    for table in tables:
        for lines in table["line"].chunks:
            guard.see(lines)
        yield table
    guard.end_block()


@dataclass(slots=True)
class _DateGuard:
    """Follows the loader's blocks; of each, it reads lines only until no field is suspect."""

    path: Path
    suspects: set[str] | None = None
    filled: int = 0
    first: int = 1
    next: int = 1

    def see(self, lines: pa.LargeBinaryArray) -> None:
        """Go through some lines."""
        offsets = np.frombuffer(lines.buffers()[1], dtype=np.int64)
        offsets = offsets[lines.offset : lines.offset + len(lines) + 1]
        start = 0
        while start < len(lines):
            stop = start + 1
            if self.suspects is None or self.suspects:
                dated = _dated_fields(lines[start].as_py())
                self.suspects = dated if self.suspects is None else self.suspects & dated
            else:
                end = offsets[start] + GUESS_BYTES - self.filled
                stop = min(int(np.searchsorted(offsets[1:], end, "right")) + 1, len(lines))
            self.filled += int(offsets[stop] - offsets[start])
            self.next, start = self.next + stop - start, stop
            if self.filled > GUESS_BYTES:
                self.end_block()

    def end_block(self) -> None:
        """Refuse a block all of whose values of some field look like dates."""
        if self.suspects:
            raise DatakitError(
                f"{self.path.name}, lines {self.first} to {self.next - 1}: every text of "
                f"{min(self.suspects)!r} looks like a date, and the loader of JSON Lines would "
                "make timestamps of these; write Parquet instead, which states its types"
            )
        self.suspects, self.filled, self.first = None, 0, self.next


def _dated_fields(line: bytes) -> set[str]:
    """The fields of a line whose texts, one or more, all look like dates."""
    texts: dict[str, bool] = {}
    _look(orjson.loads(line), "", texts)
    return {name for name, all_dates in texts.items() if all_dates}


def _look(value: Any, name: str, texts: dict[str, bool]) -> None:
    if isinstance(value, str):
        texts[name] = texts.get(name, True) and bool(DATE.fullmatch(value))
    elif isinstance(value, dict):
        for key, inner in value.items():
            _look(inner, f"{name}.{key}" if name else key, texts)
    elif isinstance(value, list):
        for inner in value:
            _look(inner, name, texts)


def _buffers(tables: Iterator[pa.Table]) -> Iterator[memoryview]:
    """The bytes of the lines: values of an Arrow array lie one after the other."""
    for table in tables:
        for lines in table["line"].chunks:
            if len(lines):
                ends = np.frombuffer(lines.buffers()[1], dtype=np.int64)
                first, last = ends[lines.offset], ends[lines.offset + len(lines)]
                yield memoryview(lines.buffers()[2])[first:last]


def _blocks(buffers: Iterator[memoryview]) -> Iterator[bytes]:
    """The same bytes in blocks of one size, whatever the cuts of the input."""
    held = bytearray()
    for buffer in buffers:
        held += buffer
        whole = len(held) - len(held) % BLOCK_BYTES
        for start in range(0, whole, BLOCK_BYTES):
            yield bytes(held[start : start + BLOCK_BYTES])
        del held[:whole]
    if held:
        yield bytes(held)


@contextmanager
def _open(path: Path, compression: str) -> Iterator[BinaryIO]:
    with path.open("wb") as file:
        if compression == "none":
            yield file
        elif compression == "gz":
            with gzip.GzipFile("", "wb", GZIP_LEVEL, fileobj=file, mtime=0) as stream:
                yield cast("BinaryIO", stream)
        else:
            compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
            with compressor.stream_writer(file, closefd=False) as writer:
                yield writer
