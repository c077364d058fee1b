"""Read documents from plain text and Markdown files."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import orjson
import polars as pl

from datakit.errors import SettingsError
from datakit.records import Batch, Columns
from datakit.stage import InputFile, Shard
from datakit.stages.ingest.charset import AUTO, EncodingErrors, check_encoding, detect_encoding
from datakit.stages.ingest.decoding import line_blocks
from datakit.stages.ingest.files import find_files, input_identity, open_bytes
from datakit.stages.ingest.gathering import Gatherer, add_faults, map_apart
from datakit.stages.ingest.mapping import Fault, FieldMapping, RowMapper
from datakit.stages.ingest.text_pieces import (
    Piece,
    drop_front_matter,
    plain_line_ends,
    split_at_blank_lines,
    split_at_pattern,
)
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
    read_shard,
    unpack_batches,
)

SUFFIXES = (".txt", ".text", ".md", ".markdown")
Split: TypeAlias = Literal["file", "blank_lines", "lines"]
FrontMatter: TypeAlias = Literal["keep", "drop"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSource:
    r"""Read text and Markdown files: a record a file, or files cut at blank lines or a pattern.

    `path` is a file, a directory (its `.txt`, `.text`, `.md` and `.markdown` files, also with
    `.gz` and `.zst`, at any depth), a glob, or a list of these.

    `split` = "file" makes each file one record, "blank_lines" each block of lines between blank
    ones, "lines" each line that is not blank. `pattern`, a regular expression (Python's, `^` and
    `$` at line ends), starts a new record at each match instead, for example
    `pattern = '^第.{1,4}章'`; text before the first match is a record of its own if it is not
    blank. Named groups, as in `'^<篇名>(?P<title>.+)$'`, become fields (null before the first
    match), and the match is then taken out of the text.

    The fields to map by `text`, `fields` and `id` are `text`, `file` (its name) and the pattern's
    named groups. The line of a record is its first line in the file. Line ends of all kinds
    become `\n`. `front_matter` = "drop" takes off a Markdown file's YAML header, "keep" leaves it.

    `encoding` is "auto" (UTF-8, UTF-16, GB18030, Big5 are told apart) or a name;
    `encoding_errors` = "reject" refuses what does not decode (the file, or with
    `split = "lines"` the line), "replace" puts U+FFFD. `max_record_bytes`: a longer line, or a
    larger file (in all other splits, for it is read whole), is rejected.
    `on_malformed` = "reject" counts what cannot be read and goes on, "fail" stops the run.

    Reasons: `undecodable`, `file_too_large`, `undecodable_line`, `line_too_long`, `empty_text`
    (a file or piece without text), `nul_character`.
    """

    name: str
    path: str | list[str]
    text: str | list[str] | None = None
    fields: list[str] | dict[str, str] | None = None
    id: str | None = None
    join: str = "\n\n"
    split: Split = "file"
    pattern: str | None = None
    front_matter: FrontMatter = "keep"
    encoding: str = AUTO
    encoding_errors: EncodingErrors = "reject"
    max_record_bytes: int = 256 << 20
    on_malformed: OnMalformed = "reject"

    def __post_init__(self) -> None:
        check_encoding(self.encoding, self.encoding_errors)
        check_on_malformed(self.on_malformed)
        check_bound("max_record_bytes", self.max_record_bytes, most=None)
        if self.split not in get_args(Split):
            known = ", ".join(get_args(Split))
            raise SettingsError("split", f"{self.split!r} is not one of {known}")
        if self.front_matter not in ("keep", "drop"):
            raise SettingsError("front_matter", f'{self.front_matter!r} is not "keep" or "drop"')
        if self.pattern is not None and self.split != "file":
            raise SettingsError("pattern", "cannot be used together with `split`")
        if self.front_matter == "drop" and self.split == "lines":
            raise SettingsError("front_matter", 'cannot be dropped with split = "lines"')
        self._check_mapping()

    def _check_mapping(self) -> None:
        offered = ("text", "file", *self._groups)
        for path in self._mapping.inputs:
            if path not in offered:
                key = "id" if path == self.id else "text"
                key = "fields" if path in self._mapping.columns.values() else key
                raise SettingsError(key, f"no field {path!r}; there are: {', '.join(offered)}")

    @property
    def _mapping(self) -> FieldMapping:
        return FieldMapping(text=self.text, fields=self.fields, id=self.id, join=self.join)

    @property
    def _groups(self) -> tuple[str, ...]:
        try:
            return tuple(re.compile(self.pattern or "", re.MULTILINE).groupindex)
        except re.error as error:
            raise SettingsError("pattern", f"no regular expression: {error}") from None

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
        """The records of the shard's files."""
        if self.split == "lines" or is_unpacked(shard):
            return read_shard(shard, self._read_lines)
        return self._read_pieces(files_of(shard))

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """A large file's records in pieces."""
        return unpack_batches(self.read(shard), folder, shard_bytes)

    def _read_pieces(self, files: Iterable[tuple[Path, str]]) -> Iterator[Batch]:
        gatherer = Gatherer[tuple[str, Piece]](self._mapping, self.name, self._map)
        for path, name in files:
            for piece in self._pieces(path):
                if isinstance(piece, Fault):
                    yield from gatherer.add((name, 1), piece, 0)
                else:
                    place, size = (name, piece.line), 3 * len(piece.text)
                    yield from gatherer.add(place, (name, piece), size)
        yield from gatherer.flush()

    def _pieces(self, path: Path) -> Iterator[Piece | Fault]:
        content = read_bytes(path, self.max_record_bytes)
        if content is None:
            yield Fault("file_too_large", {"max_record_bytes": self.max_record_bytes})
            return
        text = decode_whole(content, self.encoding, self.encoding_errors)
        if isinstance(text, Fault):
            yield text
        else:
            yield from self._cut(plain_line_ends(text))

    def _cut(self, text: str) -> Iterator[Piece]:
        """The pieces of a file; a file without any is one empty piece, to be rejected."""
        start = 1
        if self.front_matter == "drop":
            text, start = drop_front_matter(text)
        if not text.strip() or (self.pattern is None and self.split == "file"):
            yield Piece(text, start)
        elif self.pattern is None:
            yield from split_at_blank_lines(text, start)
        else:
            yield from split_at_pattern(text, re.compile(self.pattern, re.MULTILINE), start)

    def _map(
        self,
        mapper: RowMapper,
        pieces: Sequence[tuple[str, Piece] | Fault],
        lines: Sequence[int],
    ) -> Batch:
        return map_apart(mapper, pieces, lines, self._map_pieces)

    def _map_pieces(
        self, mapper: RowMapper, pieces: Sequence[tuple[str, Piece]], lines: Sequence[int]
    ) -> Batch:
        columns = {
            "text": pl.Series([piece.text for _, piece in pieces], dtype=pl.String),
            "file": pl.Series([file for file, _ in pieces], dtype=pl.String),
        }
        for group in self._groups:
            found = [piece.groups.get(group) for _, piece in pieces]
            columns[group] = pl.Series(found, dtype=pl.String)
        return mapper.map_columns(pl.DataFrame(columns), lines)

    def _read_lines(self, path: Path, name: str) -> Iterator[Batch]:
        mapper = RowMapper(self._mapping, self.name, name)
        encoding = detect_encoding(path, self.encoding)
        errors, most = self.encoding_errors, self.max_record_bytes
        first, is_empty = 1, True
        with open_bytes(path) as stream:
            for block in line_blocks(stream, encoding, errors=errors, max_line_bytes=most):
                lines = pl.Series("text", block.data.decode().split("\n"), dtype=pl.String)
                table = lines.str.strip_suffix("\r").to_frame().with_row_index("_line", first)
                table = table.filter(pl.col("text").str.contains(r"\S"))
                numbers = table["_line"].cast(pl.UInt64)
                table = table.select("text", pl.lit(name).alias("file"))
                faults = {
                    first + b.index: Fault(b.reason, orjson.loads(b.values)) for b in block.bad
                }
                yield from add_faults(
                    mapper, mapper.map_columns(table, numbers), faults
                ).iter_slices(BATCH_ROWS)
                first += block.lines
                is_empty = is_empty and not table.height and not faults
        if is_empty:
            yield self._map_pieces(mapper, [(name, Piece("", 1))], [1])
