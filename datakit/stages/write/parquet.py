"""Parquet with a declared schema: the safest form for `datasets` and what builds on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from datakit.records import Batch
from datakit.stages.write.layouts import LayoutSettings
from datakit.stages.write.parquet_files import typed_table, write_parquet


@dataclass(frozen=True, kw_only=True, slots=True)
class ParquetSink(LayoutSettings):
    """Write Parquet files in a trainer's layout, compressed with zstd.

    `layout`, `tools`, `system`, `conversational` and `columns`, and the reasons why a record is
    refused, are those of `write.jsonl`. Parquet states the types of its columns, so nothing has
    to be guessed by the loader: texts that look like dates stay texts, and `history = true` (for
    `alpaca`: earlier turns as `[[question, answer], ...]`) is possible. A row group holds at most
    10,000 records and 32 MiB of text, so that a trainer can read a file piece by piece.
    """

    libraries: ClassVar[tuple[str, ...]] = ("pyarrow",)

    @property
    def suffix(self) -> str:
        """`.parquet`."""
        return ".parquet"

    def encode(self, batch: Batch) -> pa.Table:
        """The columns of the layout, and `_size`, the bytes of a record before compression."""
        return typed_table(self.shape(batch))

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Write the rows in groups that depend on the rows alone."""
        write_parquet(tables, path)
