"""Parquet on disk: rows as tables with a declared schema, tables as a file in row groups."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

GROUP_ROWS, GROUP_BYTES = 10_000, 32 << 20
ZSTD_LEVEL = 1
"""Twice as fast as level 3, and a fifth larger."""
# Only these hold the same few values again and again; for texts, a dictionary costs time.
REPEATED = [
    *("messages.list.element.role", "prompt.list.element.role", "completion.list.element.role"),
    *("conversations.list.element.from", "source"),
]


def typed_table(rows: pl.DataFrame) -> pa.Table:
    """The rows in types that all readers share, and `_size`, their bytes before compression."""
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = table.cast(pa.schema([(f.name, common_type(f.type)) for f in table.schema]))
    return table.append_column("_size", pl.Series(row_bytes(rows)).to_arrow())


def write_parquet(tables: Iterator[pa.Table], path: Path) -> None:
    """Write the rows in groups that depend on the rows alone."""
    writer = None
    for group in row_groups(tables):
        if writer is None:
            writer = pq.ParquetWriter(
                path,
                group.schema,
                compression="zstd",
                compression_level=ZSTD_LEVEL,
                use_dictionary=REPEATED,
            )
        writer.write_table(group, row_group_size=GROUP_ROWS)
    if writer is not None:
        writer.close()


def common_type(dtype: pa.DataType) -> pa.DataType:
    """The type without 64-bit offsets, which other data sets do not have: `datasets` refuses to
    put columns of both kinds together.
    """
    if pa.types.is_large_string(dtype):
        return pa.string()
    if pa.types.is_large_list(dtype) or pa.types.is_list(dtype):
        return pa.list_(common_type(dtype.value_type))
    if pa.types.is_struct(dtype):
        return pa.struct([(f.name, common_type(f.type)) for f in dtype])
    return dtype


def row_bytes(rows: pl.DataFrame) -> NDArray[np.uint64]:
    """The bytes of each row: those of its texts, and 8 for each other value."""
    sizes = [_bytes(pl.col(name), dtype) for name, dtype in rows.schema.items()]
    return rows.select(pl.sum_horizontal(sizes).cast(pl.UInt64)).to_series().to_numpy()


def _bytes(value: pl.Expr, dtype: pl.DataType | pl.datatypes.DataTypeClass) -> pl.Expr:
    if dtype == pl.String:
        return value.str.len_bytes().cast(pl.UInt64)
    if isinstance(dtype, pl.List):
        return value.list.eval(_bytes(pl.element(), dtype.inner)).list.sum()
    if isinstance(dtype, pl.Struct):
        return pl.sum_horizontal(_bytes(value.struct.field(f.name), f.dtype) for f in dtype.fields)
    return pl.lit(8, dtype=pl.UInt64)


def row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Tables of at most `GROUP_ROWS` rows and, beyond the first row, `GROUP_BYTES` bytes,
    whatever the cuts of the input.
    """
    held: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        ends = np.cumsum(row_bytes(frame))
        start = 0
        while start < table.num_rows:
            before = ends[start - 1] if start else 0
            fit = int(np.searchsorted(ends, GROUP_BYTES - size + before, "right")) - start
            fit = min(max(fit, 0 if rows else 1), GROUP_ROWS - rows)
            held.append(table.slice(start, fit))
            rows, start = rows + fit, start + fit
            size += int(ends[start - 1] - before) if fit else 0
            if start < table.num_rows:
                yield pa.concat_tables(held).combine_chunks()
                held, rows, size = [], 0, 0
    if rows:
        yield pa.concat_tables(held).combine_chunks()
