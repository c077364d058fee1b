"""Read records from CSV and TSV files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from datakit.errors import DatakitError, SettingsError
from datakit.records import Batch, Columns
from datakit.stage import InputFile, Shard
from datakit.stages.ingest.charset import AUTO, EncodingErrors, check_encoding, detect_encoding
from datakit.stages.ingest.csv_records import (
    EXCERPT_CHARS,
    Dialect,
    Lines,
    read_records,
    sniff_delimiter,
)
from datakit.stages.ingest.decoding import line_blocks
from datakit.stages.ingest.files import find_files, input_identity, open_bytes
from datakit.stages.ingest.gathering import add_faults
from datakit.stages.ingest.mapping import Fault, FieldMapping, RowMapper
from datakit.stages.ingest.whole_files import (
    BATCH_BYTES,
    BATCH_ROWS,
    OnMalformed,
    check_bound,
    check_columns,
    check_on_malformed,
    file_shards,
    read_shard,
    unpack_batches,
)

SUFFIXES = (".csv", ".tsv", ".tab")


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvSource:
    r"""Read CSV and TSV files, a record a row; quoted cells may hold line ends.

    `path` is a file, a directory (its `.csv`, `.tsv` and `.tab` files, also with `.gz` and
    `.zst`, at any depth), a glob, or a list of these. The first row names the columns; for files
    without such a row, `columns` does. `skip_lines` lines before that are passed over (with
    `columns`, `skip_lines = 1` gives other names to a file that has a first row).

    `text`, `fields`, `id` and `join` map columns; the others go into `meta`. Every value is text
    as it stands: `007` stays `007`, an empty cell is an empty string. Line ends in cells stay.

    `delimiter` is "auto" (the one of `,` tab `;` `|` that gives most rows as many fields as the
    first) or a character; `quote` is the quotation mark, or "" where quotes mean nothing. Rows
    are read by the rules of RFC 4180, which quote a cell whole or not at all: rows that break
    them are rejected, for what they mean can only be guessed. Blank lines are passed over.

    `encoding` is "auto" (UTF-8, UTF-16, GB18030, Big5 are told apart) or a name;
    `encoding_errors` = "reject" refuses rows that do not decode, "replace" puts U+FFFD.
    `max_record_bytes` bounds a line and a cell. A longer cell costs its row, if its quote is closed
    within eight times the bound; else it was left open, and reading goes on behind the bound.
    `on_malformed` = "reject" counts what cannot be read and goes on, "fail" stops the run.

    Reasons, with the row's first line: `wrong_number_of_fields`, `unclosed_quote`,
    `malformed_row`, `record_too_long`, `line_too_long`, `undecodable_line`, and those of the
    field mapping (`empty_text`, `nul_character`).
    """

    name: str
    path: str | list[str]
    text: str | list[str] | None = None
    fields: list[str] | dict[str, str] | None = None
    id: str | None = None
    join: str = "\n\n"
    delimiter: str = "auto"
    quote: str = '"'
    columns: list[str] | None = None
    skip_lines: int = 0
    encoding: str = AUTO
    encoding_errors: EncodingErrors = "reject"
    max_record_bytes: int = 16 << 20
    on_malformed: OnMalformed = "reject"

    def __post_init__(self) -> None:
        check_encoding(self.encoding, self.encoding_errors)
        check_on_malformed(self.on_malformed)
        check_bound("max_record_bytes", self.max_record_bytes)
        if self.delimiter != "auto" and (len(self.delimiter) != 1 or self.delimiter in "\r\n"):
            raise SettingsError("delimiter", f"{self.delimiter!r} is not one character")
        if len(self.quote) > 1 or self.quote in ("\r", "\n", self.delimiter):
            raise SettingsError("quote", f"{self.quote!r} is not one character apart")
        if self.skip_lines < 0:
            raise SettingsError("skip_lines", f"{self.skip_lines} is negative")
        if self.columns is not None:
            problem = _naming_problem(self.columns)
            if problem:
                raise SettingsError("columns", problem)
            for path in self._mapping.inputs:
                if path not in self.columns:
                    raise SettingsError("columns", f"{path!r} is mapped but not among them")

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
            DatakitError: a file's first row names no column, or one twice, or lacks one mapped.
        """
        return read_shard(shard, self._read_file)

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """A large file's records in pieces."""
        return unpack_batches(self.read(shard), folder, shard_bytes)

    def _read_file(self, path: Path, name: str) -> Iterator[Batch]:
        mapper = RowMapper(self._mapping, self.name, name)
        encoding = detect_encoding(path, self.encoding)
        errors = "mark" if self.encoding_errors == "reject" else "replace"
        with open_bytes(path) as stream:
            blocks = line_blocks(
                stream, encoding, errors=errors, max_line_bytes=self.max_record_bytes
            )
            lines = Lines(blocks, skip=self.skip_lines)
            records = read_records(lines, self._dialect(lines))
            columns = self.columns or _read_header(records, path)
            if columns:
                check_columns(columns, self._mapping.inputs, path)
                yield from _batches(mapper, columns, records)

    def _dialect(self, lines: Lines) -> Dialect:
        delimiter = self.delimiter
        if delimiter == "auto":
            delimiter = sniff_delimiter(lines.peek(), self.quote)
        return Dialect(delimiter, self.quote, self.max_record_bytes)


def _read_header(records: Iterator[tuple[int, list[str] | Fault]], path: Path) -> list[str]:
    """The names in the first row; none if the file is empty."""
    line, row = next(records, (1, []))
    if isinstance(row, Fault):
        raise DatakitError(f"{path}:{line}: the first row cannot be read: {row.reason}")
    names = [name.strip() for name in row]
    if names and (problem := _naming_problem(names)):
        hint = f"name the columns yourself: columns = [...], skip_lines = {line}"
        raise DatakitError(f"{path}:{line}: {problem}; {hint}")
    return names


def _naming_problem(names: Sequence[str]) -> str:
    if "" in names:
        return f"column {list(names).index('') + 1} has no name"
    repeated = [name for name, count in Counter(names).items() if count > 1]
    return f"two columns are named {repeated[0]!r}" if repeated else ""


def _batches(
    mapper: RowMapper, columns: Sequence[str], records: Iterator[tuple[int, list[str] | Fault]]
) -> Iterator[Batch]:
    lines: list[int] = []
    rows: list[list[str]] = []
    faults: dict[int, Fault] = {}
    size, expected = 0, len(columns)
    for line, row in records:
        if isinstance(row, Fault):
            faults[line] = row
        elif len(row) != expected:
            excerpt = " | ".join(row)[:EXCERPT_CHARS]
            found = {"expected": expected, "found": len(row), "excerpt": excerpt}
            faults[line] = Fault("wrong_number_of_fields", found)
        else:
            lines.append(line)
            rows.append(row)
            size += sum(map(len, row))
        if len(rows) + len(faults) >= BATCH_ROWS or size >= BATCH_BYTES // 3:
            yield _batch(mapper, columns, (lines, rows, faults))
            lines, rows, faults, size = [], [], {}, 0
    if rows or faults:
        yield _batch(mapper, columns, (lines, rows, faults))


def _batch(
    mapper: RowMapper,
    columns: Sequence[str],
    found: tuple[list[int], list[list[str]], dict[int, Fault]],
) -> Batch:
    lines, rows, faults = found
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    table = pl.DataFrame(
        [
            pl.Series(name, column, dtype=pl.String)
            for name, column in zip(columns, values, strict=True)
        ]
    )
    return add_faults(mapper, mapper.map_columns(table, lines), faults)
