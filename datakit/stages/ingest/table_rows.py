"""Records from a table of columns of any type: CSV and Parquet files, Arrow data sets."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl
from polars import selectors as cs

from datakit.stages.ingest.rows import (
    ARRAY,
    BOOLEAN,
    MISSING,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Rows,
    Values,
    decode_bytes,
    make_lines,
    split_path,
)


def rows_from_table(
    table: pl.DataFrame, lines: Sequence[int] | pl.Series, paths: Collection[str]
) -> Rows:
    """Rows from columns of any type.

    Columns of dates and times become strings (ISO 8601), bytes too (UTF-8, or base64 where they
    are none); NaN and infinite numbers become null.
    """
    plain = pl.DataFrame([_decode_binary(column) for column in table.get_columns()])
    plain = plain.with_columns(cs.temporal().dt.to_string("iso:strict"))
    values = {path: _find(plain, path, table.height) for path in paths}
    rest = [name for name in plain.columns if name not in paths]
    if rest:
        meta = plain.select(pl.struct(rest).struct.json_encode()).to_series()
    else:
        meta = pl.Series(["{}"], dtype=pl.String).new_from_index(0, table.height)
    return Rows(make_lines(lines), values, meta.alias("meta"))


def _find(table: pl.DataFrame, path: str, height: int) -> Values:
    if path in table.columns:
        return _make_values(table[path])
    head, rest = split_path(path)
    if rest and head in table.columns and isinstance(table.schema[head], pl.Struct):
        return _find(table[head].struct.unnest(), rest, height)
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    return Values(nothing, np.full(height, MISSING, dtype=np.uint8))


def _make_values(column: pl.Series) -> Values:
    text = _make_text(column)
    kinds = np.where(text.is_null().to_numpy(), NULL, _kind_of(column.dtype))
    return Values(text, kinds.astype(np.uint8))


def _kind_of(dtype: pl.DataType) -> int:
    if isinstance(dtype, pl.Struct):
        return OBJECT
    if dtype.is_nested():
        return ARRAY
    if dtype == pl.Boolean:
        return BOOLEAN
    return NUMBER if dtype.is_numeric() else STRING


def _make_text(column: pl.Series) -> pl.Series:
    """Content of strings, JSON text of anything else."""
    if column.dtype.is_nested():
        wrapped = column.alias("v").to_frame().select(pl.struct("v").struct.json_encode())
        inner = wrapped.to_series().str.strip_prefix('{"v":').str.strip_suffix("}")
        return inner.set(column.is_null(), None)
    if column.dtype.is_float():
        column = column.set(~column.is_finite(), None)
    return column.cast(pl.String)


def _decode_binary(column: pl.Series) -> pl.Series:
    """Bytes as text, also inside lists and structs."""
    dtype = _without_binary(column.dtype)
    if dtype == column.dtype:
        return column
    if column.dtype == pl.Binary:
        try:
            return column.cast(pl.String)
        except pl.exceptions.ComputeError:  # some value is not UTF-8
            pass
    return pl.Series(column.name, [_decode(value) for value in column.to_list()], dtype=dtype)


def _without_binary(dtype: pl.DataType) -> pl.DataType:
    if dtype == pl.Binary:
        return pl.String()
    if isinstance(dtype, pl.List | pl.Array):
        inner = dtype.inner
        assert isinstance(inner, pl.DataType)
        decoded = _without_binary(inner)
        return dtype if decoded == inner else pl.List(decoded)
    if isinstance(dtype, pl.Struct):
        fields = {field.name: field.dtype for field in dtype.fields}
        return pl.Struct({name: _without_binary(_instance(t)) for name, t in fields.items()})
    return dtype


def _instance(dtype: Any) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype  # type: ignore[no-any-return]


def _decode(value: Any) -> Any:
    if isinstance(value, bytes):
        return decode_bytes(value)
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, dict):
        return {key: _decode(item) for key, item in value.items()}
    return value
