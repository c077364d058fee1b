"""The first records of files with all their fields, before anybody says which to map."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq

from datakit.records import META, REASON, TEXT, VALUES, Batch
from datakit.stages.ingest.charset import AUTO, detect_encoding
from datakit.stages.ingest.csv_records import Dialect, Lines, read_records, sniff_delimiter
from datakit.stages.ingest.csv_table import SUFFIXES as CSV_SUFFIXES
from datakit.stages.ingest.csv_table import CsvSource
from datakit.stages.ingest.decoding import line_blocks
from datakit.stages.ingest.files import find_files, open_bytes
from datakit.stages.ingest.parquet import SUFFIXES as PARQUET_SUFFIXES
from datakit.stages.ingest.parquet import ParquetSource
from datakit.stages.ingest.plain_text import TextSource

PEEK_BYTES = 4 << 20
NO_FIELD = "\0"


@dataclass(slots=True)
class Peeked:
    """The first records as objects, and what could not be read before them: how many pieces of
    input by reason, and what was found in the first.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    malformed: Counter[str] = field(default_factory=Counter)
    first_fault: str = ""

    def add(self, batch: Batch, mapped: str) -> None:
        """Take in what a reader gave."""
        is_whole = batch[REASON].is_null()
        for meta, value in batch.filter(is_whole).select(META, "mapped").iter_rows():
            self.records.append(({} if mapped == NO_FIELD else {mapped: value}) | json.loads(meta))
        faulty = batch.filter(~is_whole)
        if faulty.height and not self.malformed:
            self.first_fault = faulty[VALUES][0] or ""
        self.malformed.update(faulty[REASON].to_list())


def peek_records(reader: type, path: str, most: int, *, columns: list[str] | None = None) -> Peeked:
    """Up to `most` records as objects. `columns` are the names that a table without a first row
    of names is given.

    Raises:
        DatakitError: there is no such file, or it cannot be read at all.
    """
    # Without a mapped field every field stands in `meta`; a table must have what is mapped.
    mapped = columns[0] if columns else _first_column(reader, path)
    more = {"columns": columns} if columns else {}
    source = reader(name="peek", path=path, fields={"mapped": mapped}, **more)
    peeked = Peeked()
    for shard in source.shards(PEEK_BYTES):
        for batch in source.read(shard):
            peeked.add(batch, mapped)
            if len(peeked.records) >= most:
                del peeked.records[most:]
                return peeked
    return peeked


def _first_column(reader: type, path: str) -> str:
    if issubclass(reader, ParquetSource):
        names = pq.read_schema(find_files(path, PARQUET_SUFFIXES)[0].path).names
        return str(names[0]) if names else NO_FIELD
    if issubclass(reader, TextSource):
        return TEXT
    if issubclass(reader, CsvSource):
        file = find_files(path, CSV_SUFFIXES)[0].path
        with open_bytes(file) as stream:
            encoding = detect_encoding(file, AUTO)
            lines = Lines(line_blocks(stream, encoding, errors="replace", max_line_bytes=1 << 20))
            dialect = Dialect(sniff_delimiter(lines.peek(), '"'), '"', 1 << 20)
            _, row = next(read_records(lines, dialect), (1, []))
            return row[0] if isinstance(row, list) and row else NO_FIELD
    return NO_FIELD
