"""JSON Lines: one JSON object a line, as trainers load it."""

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal, cast

import numpy as np
import polars as pl
import pyarrow as pa
import zstandard

from datakit.errors import SettingsError
from datakit.records import TEXT, Batch, Table
from datakit.stages.write.layouts import LayoutSettings

LEVEL = pl.CompatLevel.oldest()
BLOCK_BYTES = 1 << 20
"""Compressors get blocks of this size, so that their output depends on the text alone."""
GZIP_LEVEL, ZSTD_LEVEL = 6, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonlSink(LayoutSettings):
    """Write JSON Lines that trainers load: text, messages, ShareGPT, alpaca and others.

    Every line has the same keys in the same order, none of them null; strict JSON in UTF-8 with
    LF line ends. `compression` is `none`, `gz` or `zst` (`datasets`, TRL, axolotl and torchtune
    read these; LLaMA-Factory, ms-swift and NeMo do not). Files are cut by their size before
    compression. `layout` is one of:

    - `text`: `{"text"}`, for continued pretraining;
    - `messages`: `{"messages": [{"role", "content"}]}`; with `tools = true` every message also
      has `tool_calls` (the JSON text of OpenAI's list), `tool_call_id` and `name`, and the record
      `tools` (JSON text, from the column `tools`), `""` where there is nothing;
    - `sharegpt`: `{"conversations": [{"from", "value"}], "system"}` with human and gpt; with
      `tools = true` also function_call and observation, and `tools` (JSON text);
    - `alpaca`: `{"instruction", "input", "output"}`, `input` being part of the instruction; with
      `system = true` a key `system`; `history = true` needs Parquet, as an empty list at the
      start of a JSON Lines file breaks `load_dataset`;
    - `prompt_completion`: two texts, or with `conversational = true` two lists of messages, the
      completion being the last answer;
    - `records`: `{"id", "source", "text", "messages"}` with the messages as JSON text, to read
      them back.

    `columns` carries further columns; numbers there may not be null. Records that do not fit
    are refused, not bent: `no_text`, `empty_text`, `no_content`, `no_messages`,
    `empty_conversation`, `unknown_role`, `empty_message`, `system_not_first`, `wrong_role_order`,
    `last_not_assistant`, `needs_tools` (tool calls, without `tools`), `has_system` and
    `multi_turn` (no place in the layout), `content_with_tool_call`, `null_in_column`.

    `datasets` reads a text as a date where every value of the first 10 MiB is one; do not carry
    columns of dates in JSON Lines (Parquet keeps them).
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "zstandard")

    compression: Literal["none", "gz", "zst"] = "none"

    def __post_init__(self) -> None:
        LayoutSettings.__post_init__(self)
        if self.history:
            hint = 'use format = "parquet", or layout = "sharegpt"'
            raise SettingsError("history", "JSON Lines with empty histories may not load", hint)

    @property
    def suffix(self) -> str:
        """`.jsonl`, with the compression's suffix."""
        return ".jsonl" if self.compression == "none" else f".jsonl.{self.compression}"

    def encode(self, batch: Batch) -> pa.Table:
        """Columns `line` (each with its line end) and `_size`, its bytes before compression."""
        lines = encode_lines(self.shape(batch))
        offsets = np.frombuffer(lines.buffers()[1], dtype=np.int64)[lines.offset :]
        sizes = np.diff(offsets[: len(lines) + 1]).astype(np.uint64)
        # pa.table and pa.array would import pandas, to see whether they were given some of it.
        return pa.Table.from_arrays([lines, pl.Series(sizes).to_arrow()], names=["line", "_size"])

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Write the lines one after the other, compressed as one stream."""
        with _open(path, self.compression) as stream:
            buffers = _buffers(tables)
            for block in buffers if self.compression == "none" else _blocks(buffers):
                stream.write(block)


def encode_lines(rows: Table) -> pa.LargeBinaryArray:
    """Each row as a line of JSON."""
    if rows.columns == [TEXT] and "numba" in sys.modules:
        # The kernel is twice as fast, but not worth the start-up time of Numba by itself.
        return _encode_texts(rows[TEXT])
    line = pl.struct(pl.all()).struct.json_encode() + "\n"
    lines = rows.select(line).to_series().rechunk().to_arrow(compat_level=LEVEL)
    return lines.cast(pa.large_binary())


def _encode_texts(texts: pl.Series) -> pa.LargeBinaryArray:
    from datakit.kernels.json_escape import encode_json_strings

    array = texts.rechunk().to_arrow(compat_level=LEVEL)
    _, ends, data = array.buffers()
    offsets = np.frombuffer(ends, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    source = np.frombuffer(data, dtype=np.uint8) if data else np.empty(0, dtype=np.uint8)
    out, bounds = encode_json_strings(source, offsets, prefix=b'{"text":', suffix=b"}\n")
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(out)]
    return pa.Array.from_buffers(pa.large_binary(), len(array), buffers)


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
