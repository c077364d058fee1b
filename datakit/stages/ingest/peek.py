"""The first records of files with all their fields, before anybody says which to map."""

import json
from typing import Any

import pyarrow.parquet as pq

from datakit.records import META, REASON, TEXT
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


def peek_records(
    reader: type, path: str, most: int, *, columns: list[str] | None = None
) -> list[dict[str, Any]]:
    """Up to `most` records as objects; those that cannot be read are left out. `columns` are the
    names that a table without a first row of names is given.

    Raises:
        DatakitError: there is no such file, or it cannot be read at all.
    """
    # Without a mapped field every field stands in `meta`; a table must have what is mapped.
    mapped = columns[0] if columns else _first_column(reader, path)
    more = {"columns": columns} if columns else {}
    source = reader(name="peek", path=path, fields={"mapped": mapped}, **more)
    seen: list[dict[str, Any]] = []
    for shard in source.shards(PEEK_BYTES):
        for batch in source.read(shard):
            whole = batch.filter(batch[REASON].is_null())
            values = whole["mapped"].to_list()
            for meta, value in zip(whole[META].to_list(), values, strict=True):
                first = {} if mapped == NO_FIELD else {mapped: value}
                seen.append(first | json.loads(meta))
            if len(seen) >= most:
                return seen[:most]
    return seen


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
