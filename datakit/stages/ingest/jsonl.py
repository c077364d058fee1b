"""Read JSON Lines: one JSON object a line."""

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar

import orjson

from datakit.records import Batch, Columns
from datakit.stage import InputFile, Shard
from datakit.stages.ingest.blocks import Block, LineReader, make_block
from datakit.stages.ingest.charset import AUTO, EncodingErrors, check_encoding, detect_encoding
from datakit.stages.ingest.decoding import is_byte_lined, line_blocks
from datakit.stages.ingest.files import find_files, input_identity, is_compressed, open_bytes
from datakit.stages.ingest.line_cuts import LimitedStream, cut_lines, write_pieces
from datakit.stages.ingest.line_rows import COMPILED_FROM_BYTES, read_block
from datakit.stages.ingest.mapping import Fault, FieldMapping, RowMapper
from datakit.stages.ingest.whole_files import (
    BATCH_ROWS,
    OnMalformed,
    check_bound,
    check_on_malformed,
    file_shards,
    read_shard,
    unpack_batches,
)

SUFFIXES = (".jsonl", ".ndjson")
ENCODING = "encoding"


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonlSource:
    """Read JSON Lines files (plain, `.gz` or `.zst`): one JSON object a line.

    `path` is a file, a directory (its `.jsonl` and `.ndjson` files, also compressed, at any
    depth), a glob, or a list of these. `text`, `fields`, `id` and `join` map the records' fields;
    all others go to `meta` as they are written, number by number.

    A record ends with its line; blank lines are passed over, but counted in line numbers. A
    byte order mark, CRLF, and a last line without its end are accepted; NaN, comments and
    trailing commas are not JSON.

    `encoding` is "auto" (UTF-8, UTF-16, GB18030, Big5 are told apart by their bytes) or a name;
    `encoding_errors` = "reject" refuses a line that does not decode, "replace" puts U+FFFD.
    `max_record_bytes`: a longer line is refused without being held in memory.
    `on_malformed` = "reject" counts what cannot be read and goes on, "fail" stops the run.

    Reasons: `malformed_json`, `not_an_object`, `invalid_utf8`, `undecodable_line`,
    `lone_surrogate` (half of an escaped pair, anywhere in the line), `nul_character` (raw in the
    line, or in a mapped value), `line_too_long`; for the mapped text `missing_field` (absent or
    null), `wrong_type` (no string), `empty_text` (nothing but white space).
    """

    libraries: ClassVar[tuple[str, ...]] = ("orjson",)

    name: str
    path: str | list[str]
    text: str | list[str] | None = None
    fields: list[str] | dict[str, str] | None = None
    id: str | None = None
    join: str = "\n\n"
    encoding: str = AUTO
    encoding_errors: EncodingErrors = "reject"
    max_record_bytes: int = 16 << 20
    on_malformed: OnMalformed = "reject"

    def __post_init__(self) -> None:
        check_encoding(self.encoding, self.encoding_errors)
        check_on_malformed(self.on_malformed)
        _ = self._mapping
        check_bound("max_record_bytes", self.max_record_bytes)

    @property
    def _mapping(self) -> FieldMapping:
        return FieldMapping(text=self.text, fields=self.fields, id=self.id, join=self.join)

    @property
    def adds(self) -> Columns:
        """The columns of its batches."""
        return self._mapping.adds

    def inputs(self) -> list[InputFile]:
        """The files found."""
        return input_identity(find_files(self.path, SUFFIXES))

    def shards(self, shard_bytes: int) -> list[Shard]:
        """Small files together; large ones cut at line ends, or packed if they cannot be."""
        whole = file_shards(find_files(self.path, SUFFIXES), shard_bytes)
        return [piece for shard in whole for piece in self._cut(shard, shard_bytes)]

    def read(self, shard: Shard) -> Iterator[Batch]:
        """The records of a shard of any of the three kinds."""
        encoding = dict(shard.options).get(ENCODING)
        compiled = shard.size >= COMPILED_FROM_BYTES
        if encoding is None:
            yield from read_shard(shard, partial(self._read_file, compiled=compiled))
        else:
            yield from self._read_piece(shard, encoding, compiled=compiled)

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """A compressed file's lines in plain files; of another encoding, its records."""
        encoding = dict(shard.options)[ENCODING]
        if not self._is_plain(encoding):
            return unpack_batches(self.read(shard), folder, shard_bytes)
        with closing(open_bytes(shard.path)) as stream:
            return [
                replace(shard, path=path, size=size, first_line=line, packed=False)
                for path, size, line in write_pieces(stream, folder, shard_bytes)
            ]

    def _cut(self, shard: Shard, shard_bytes: int) -> Iterator[Shard]:
        if not shard.packed:
            yield shard
            return
        encoding = detect_encoding(shard.path, self.encoding)
        shard = replace(shard, options=((ENCODING, encoding),))
        if is_compressed(shard.path) or not is_byte_lined(encoding):
            yield shard
            return
        with closing(open_bytes(shard.path)) as stream:
            pieces = max(round(shard.size / shard_bytes), 1)  # alike, and no small one at the end
            cuts = cut_lines(stream, shard.size, -(-shard.size // pieces))
            for start, stop, line in cuts:
                cut = replace(shard, start=start, stop=stop, first_line=line, packed=False)
                yield replace(cut, size=stop - start)

    def _is_plain(self, encoding: str) -> bool:
        """Whether the bytes can be parsed as they are."""
        return encoding == "utf-8" and self.encoding_errors == "reject"

    def _read_file(self, path: Path, name: str, *, compiled: bool) -> Iterator[Batch]:
        encoding = detect_encoding(path, self.encoding)
        whole = Shard(path=path, file=name, size=0)
        yield from self._read_piece(whole, encoding, compiled=compiled)

    def _read_piece(self, shard: Shard, encoding: str, *, compiled: bool) -> Iterator[Batch]:
        mapper = RowMapper(self._mapping, self.name, shard.file)
        with closing(open_bytes(shard.path)) as stream:
            if shard.start:
                stream.seek(shard.start)
            for block in self._blocks(stream, shard, encoding):
                most = self.max_record_bytes
                batch = read_block(block, mapper, max_line_bytes=most, compiled=compiled)
                for start in range(0, batch.height, BATCH_ROWS):
                    yield batch[start : start + BATCH_ROWS]

    def _blocks(self, stream: BinaryIO, shard: Shard, encoding: str) -> Iterator[Block]:
        left = None if shard.stop is None else shard.stop - shard.start
        if left is None and stream.seekable():
            left = shard.path.stat().st_size
        if self._is_plain(encoding):
            most = self.max_record_bytes
            yield from LineReader(stream, shard.first_line, most, left).blocks()
            return
        line = shard.first_line
        lines = line_blocks(
            io.BufferedReader(LimitedStream(stream, left)),
            encoding,
            errors=self.encoding_errors,
            max_line_bytes=self.max_record_bytes,
            offset=shard.start,
        )
        for block in lines:
            bad = {b.index: Fault(b.reason, orjson.loads(b.values)) for b in block.bad}
            yield make_block(block.data, line, bad)
            line += block.lines
