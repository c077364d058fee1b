"""Read records from JSON files: an array of objects, an object that holds one, or one object."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import orjson

from datakit.errors import DatakitError, SettingsError
from datakit.records import Batch, Columns
from datakit.stage import InputFile, Shard
from datakit.stages.ingest.blocks import BLOCK_BYTES, make_block
from datakit.stages.ingest.charset import AUTO, EncodingErrors, check_encoding
from datakit.stages.ingest.files import find_files, input_identity
from datakit.stages.ingest.gathering import Gatherer
from datakit.stages.ingest.json_elements import (
    SPACE,
    VALUES_OF,
    Element,
    find_records,
    split_array,
    whole_or_lines,
)
from datakit.stages.ingest.line_rows import COMPILED_FROM_BYTES, read_block
from datakit.stages.ingest.mapping import Fault, FieldMapping, RowMapper
from datakit.stages.ingest.whole_files import (
    BATCH_ROWS,
    OnMalformed,
    check_bound,
    check_on_malformed,
    decode_whole,
    file_shards,
    files_of,
    is_unpacked,
    read_bytes,
    read_unpacked,
    unpack_batches,
)

SUFFIXES = (".json",)


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonArraySource:
    """Read JSON files that hold an array of records, one record, or an object with records in it.

    `path` is a file, a directory (its `.json` files, also `.json.gz` and `.json.zst`, at any
    depth), a glob, or a list of these. `text`, `fields`, `id` and `join` map the records' fields.

    `records` says where the records are: nothing for an array at the top (or for one record as
    the whole file), `"data.items"` for an array inside objects, `"*"` (or `"data.*"`) for the
    values of an object, whose names become the field `key`; a value that is no object becomes the
    field `value`. With `array_field = "messages"` each file is one record, whose field `messages`
    is the array at the top (a conversation a file). A file of JSON Lines named `.json` is read as
    such.

    The line of a record is its number in its array, from 1. Array elements are judged one by
    one, so a broken one costs no other as long as its brackets and quotes match. Of a file that
    breaks off the whole elements are read, and one reject says that the array is not closed.

    `encoding` is "auto" (UTF-8, UTF-16, GB18030, Big5 are told apart) or a name;
    `encoding_errors` = "reject" refuses a file that does not decode, "replace" puts U+FFFD.
    `max_file_bytes`: a file is read whole; one larger than this is an error.
    `on_malformed` = "reject" counts what cannot be read and goes on, "fail" stops the run.

    Reasons: `undecodable` for a file; `malformed_json`, `not_an_object` and those of the field
    mapping (`missing_field`, `wrong_type`, `empty_text`, ...) for a record.
    """

    libraries: ClassVar[tuple[str, ...]] = ("orjson",)

    name: str
    path: str | list[str]
    text: str | list[str] | None = None
    fields: list[str] | dict[str, str] | None = None
    id: str | None = None
    join: str = "\n\n"
    records: str | None = None
    array_field: str | None = None
    encoding: str = AUTO
    encoding_errors: EncodingErrors = "reject"
    max_file_bytes: int = 512 << 20
    on_malformed: OnMalformed = "reject"

    def __post_init__(self) -> None:
        check_encoding(self.encoding, self.encoding_errors)
        check_on_malformed(self.on_malformed)
        check_bound("max_file_bytes", self.max_file_bytes, most=None)
        _ = self._mapping
        if self.array_field is not None and (self.records is not None or not self.array_field):
            what = "is empty" if not self.array_field else "cannot be used together with `records`"
            raise SettingsError("array_field", what)
        steps = [] if self.records is None else self.records.split(".")
        if self.records is not None and (not all(steps) or VALUES_OF in steps[:-1]):
            hint = 'for example "data.items", "*" or "data.*"'
            raise SettingsError("records", f"{self.records!r} is no path to records", hint)

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
        """Whole files: large ones alone, small ones together."""
        return file_shards(find_files(self.path, SUFFIXES), shard_bytes)

    def read(self, shard: Shard) -> Iterator[Batch]:
        """The records of the shard's files.

        Raises:
            DatakitError: a file is larger than `max_file_bytes`, or has nothing at `records`.
        """
        if is_unpacked(shard):
            yield from read_unpacked(shard.path)
            return
        gatherer = Gatherer[bytes](self._mapping, self.name, RowMapper.map_texts)
        for path, name in files_of(shard):
            data = self._read_bytes(path)
            if isinstance(data, Fault):
                yield from gatherer.add((name, 1), data, 0)
            elif len(data) >= COMPILED_FROM_BYTES:
                yield from gatherer.flush()
                mapper = RowMapper(self._mapping, self.name, name)
                yield from _large_batches(mapper, self._elements(data, path))
            else:
                for line, text in self._elements(data, path):
                    size = 0 if isinstance(text, Fault) else len(text)
                    yield from gatherer.add((name, line), text, size)
        yield from gatherer.flush()

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """A large file's records in pieces."""
        return unpack_batches(self.read(shard), folder, shard_bytes)

    def _read_bytes(self, path: Path) -> bytes | Fault:
        """A file's content in UTF-8."""
        content = read_bytes(path, self.max_file_bytes)
        if content is None:
            raise DatakitError(
                f"{path} holds more than max_file_bytes = {self.max_file_bytes}; convert it to "
                "JSON Lines (one record a line), which is read in pieces, or raise max_file_bytes"
            )
        text = decode_whole(content, self.encoding, self.encoding_errors)
        del content  # so that a large file is held no more than twice
        return text if isinstance(text, Fault) else text.encode("utf-8", "replace").strip(SPACE)

    def _elements(self, data: bytes, path: Path) -> Iterator[tuple[int, Element]]:
        """The records' JSON texts, numbered, each on one line."""
        for line, text in self._find_elements(data, path):
            # Between tokens as good as a line end, and as wrong inside a string.
            yield line, text if isinstance(text, Fault) else text.replace(b"\n", b"\t")

    def _find_elements(self, data: bytes, path: Path) -> Iterator[tuple[int, Element]]:
        if self.array_field is not None and data[:1] == b"[":
            yield 1, b"{%b:%b}" % (orjson.dumps(self.array_field), data)
        elif self.records is None and data[:1] == b"[":
            yield from enumerate(split_array(data), start=1)
        elif self.records is None:
            yield from whole_or_lines(data)
        else:
            yield from enumerate(find_records(data, self.records, path), start=1)


def _large_batches(mapper: RowMapper, elements: Iterator[tuple[int, Element]]) -> Iterator[Batch]:
    """The records of a large file, by the compiled reader of JSON Lines; the same as one by one."""
    held: list[Element] = []
    first = size = 0
    for line, text in elements:
        if size >= BLOCK_BYTES:
            yield from _read_lines(mapper, held, first)
            held, size = [], 0
        first = first if held else line
        # Blank lines of JSON Lines are passed over, and count.
        held += [b""] * (line - first - len(held))
        held.append(text)
        size += 0 if isinstance(text, Fault) else len(text)
    if held:
        yield from _read_lines(mapper, held, first)


def _read_lines(mapper: RowMapper, lines: list[Element], first_line: int) -> Iterator[Batch]:
    faults = {number: line for number, line in enumerate(lines) if isinstance(line, Fault)}
    texts = [b"" if isinstance(line, Fault) else line for line in lines]
    block = make_block(b"\n".join(texts), first_line, faults)
    batch = read_block(block, mapper, max_line_bytes=block.size, compiled=True)
    yield from batch.iter_slices(BATCH_ROWS)
