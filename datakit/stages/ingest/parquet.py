"""Read records from Parquet files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from datakit.errors import DatakitError
from datakit.records import Batch, Columns
from datakit.stage import InputFile, Shard
from datakit.stages.ingest.files import find_files, input_identity
from datakit.stages.ingest.mapping import FieldMapping, RowMapper
from datakit.stages.ingest.whole_files import (
    BATCH_BYTES,
    BATCH_ROWS,
    OnMalformed,
    check_columns,
    check_on_malformed,
)

SUFFIXES = (".parquet", ".pq")


@dataclass(frozen=True, kw_only=True, slots=True)
class ParquetSource:
    """Read Parquet files, a record a row.

    `path` is a file, a directory (its `.parquet` and `.pq` files at any depth), a glob, or a list
    of these. `text`, `fields`, `id` and `join` map columns, `a.b` member `b` of the struct column
    `a`; the others go into `meta`. A mapped string gives its content, any other value its JSON
    text (numbers, lists, structs; dates and times as ISO 8601 strings). The line of a record is
    its row number in the file, from 1.

    Files are cut at their row groups. A file that is no Parquet or lacks a mapped column is an
    error. `on_malformed` = "reject" counts what cannot be used and goes on, "fail" stops the run.

    Reasons: those of the field mapping (`missing_field`, `wrong_type`, `empty_text`,
    `nul_character`).
    """

    libraries: ClassVar[tuple[str, ...]] = ("pyarrow", "polars")

    name: str
    path: str | list[str]
    text: str | list[str] | None = None
    fields: list[str] | dict[str, str] | None = None
    id: str | None = None
    join: str = "\n\n"
    on_malformed: OnMalformed = "reject"

    def __post_init__(self) -> None:
        check_on_malformed(self.on_malformed)
        _ = self._mapping

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
        """Runs of row groups of about `shard_bytes` (as they lie in the file).

        Raises:
            DatakitError: a file is no Parquet, or lacks a mapped column.
        """
        shards: list[Shard] = []
        for found in find_files(self.path, SUFFIXES):
            with _opened(found.path) as file:
                check_columns(file.schema_arrow.names, self._mapping.inputs, found.path)
                shards += _cut(Shard(path=found.path, file=found.name, size=0), file, shard_bytes)
        return shards

    def read(self, shard: Shard) -> Iterator[Batch]:
        """The rows of the shard's row groups.

        Raises:
            DatakitError: the file is damaged.
        """
        mapper = RowMapper(self._mapping, self.name, shard.file)
        line = shard.first_line
        with _opened(shard.path) as file:
            groups = range(shard.start, file.num_row_groups if shard.stop is None else shard.stop)
            for piece in file.iter_batches(batch_size=_batch_rows(file, groups), row_groups=groups):
                table = pl.from_arrow(piece)
                assert isinstance(table, pl.DataFrame)
                yield mapper.map_columns(table, range(line, line + table.height))
                line += table.height

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """Never needed: row groups can be read apart."""
        raise NotImplementedError("a Parquet shard is never packed")


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise DatakitError(f"{path} cannot be read as Parquet: {error}") from error


def _cut(whole: Shard, file: pq.ParquetFile, shard_bytes: int) -> list[Shard]:
    """Shards of consecutive row groups; none for a file without rows."""
    shards: list[Shard] = []
    start, rows, size, first_line = 0, 0, 0, 1
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        rows, size = rows + group.num_rows, size + _packed_bytes(group)
        if size < shard_bytes and number < file.num_row_groups - 1:
            continue
        if rows:
            shards.append(
                Shard(
                    path=whole.path,
                    file=whole.file,
                    size=size,
                    start=start,
                    stop=number + 1,
                    first_line=first_line,
                )
            )
        start, first_line, rows, size = number + 1, first_line + rows, 0, 0
    return shards


def _packed_bytes(group: pq.RowGroupMetaData) -> int:
    return sum(group.column(n).total_compressed_size for n in range(group.num_columns))


def _batch_rows(file: pq.ParquetFile, groups: range) -> int:
    """Rows that come to about `BATCH_BYTES` unpacked."""
    found = [file.metadata.row_group(number) for number in groups]
    rows = sum(group.num_rows for group in found)
    size = sum(group.total_byte_size for group in found)
    return int(max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(size, 1))))
