"""Records from blocks of JSON lines: the compiled scanner, and what it leaves to a JSON library."""

from collections.abc import Collection, Sequence
from typing import cast

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from datakit.kernels.json_lines import PADDING, Bytes, Scan, Strings, scan_lines
from datakit.kernels.json_members import split_members
from datakit.records import LINE, Batch
from datakit.stages.ingest.blocks import Block
from datakit.stages.ingest.json_rows import Found, find_raw, make_values, parse_object
from datakit.stages.ingest.mapping import RowMapper
from datakit.stages.ingest.rows import MISSING, OBJECT, Fault, Rows, Values, split_path

COMPILED_FROM_BYTES = 1 << 20
"""A JSON library is done with less before Numba is loaded. The rows are the same."""


def read_block(block: Block, mapper: RowMapper, *, max_line_bytes: int, compiled: bool) -> Batch:
    """The records of a block, in order; blank lines are none.

    A line of more than `max_line_bytes` becomes a reject, `line_too_long`. `compiled` says
    whether to use the compiled scanner; the records are the same.
    """
    if not compiled:
        text = block.data[: block.size].tobytes()
        spans = [(number, line) for number, line in enumerate(text[:-1].split(b"\n"))]
        texts = {number: line for number, line in spans if line.strip(b" \t\r")}
        return _read_one_by_one(block, mapper, texts, max_line_bytes=max_line_bytes)
    data, size = block.data, block.size
    scan = _scan(data, (size, block.lines), _keys(mapper.mapping.inputs))
    taken = scan.recognised & (scan.span[:, 1] - scan.span[:, 0] <= max_line_bytes)
    batch = mapper.map_rows(_make_rows(scan, taken, block.first_line, mapper.mapping.inputs))
    if taken.all() and not block.faults:
        return batch
    texts = {
        int(scan.line[row]): data[slice(*scan.span[row])].tobytes()
        for row in np.flatnonzero(~taken)
    }
    others = _read_one_by_one(block, mapper, texts, max_line_bytes=max_line_bytes)
    return pl.concat([batch, others]).sort(LINE)


def _read_one_by_one(
    block: Block, mapper: RowMapper, texts: dict[int, bytes], *, max_line_bytes: int
) -> Batch:
    items: dict[int, bytes | Fault] = {**texts, **block.faults}
    for number, text in texts.items():
        if len(text) > max_line_bytes:
            found = {"bytes": len(text), "max_record_bytes": max_line_bytes}
            items[number] = Fault("line_too_long", found)
    numbers = sorted(items)
    lines = [block.first_line + number for number in numbers]
    return mapper.map_texts([items[number] for number in numbers], lines)


def _scan(data: Bytes, extent: tuple[int, int], keys: dict[str, bool]) -> Scan:
    size, _ = extent
    refused = None if _is_utf8(data, size) else _find_refused(data[:size].tobytes())
    return scan_lines(data, extent, list(keys), keep=list(keys.values()), refused=refused)


def _keys(paths: Collection[str]) -> dict[str, bool]:
    """The members to look for, and whether each stays in `meta`: those that paths lead into do."""
    heads = {split_path(path)[0]: True for path in paths}
    return {**heads, **dict.fromkeys(paths, False)}


def _make_rows(
    scan: Scan, taken: NDArray[np.bool_], first_line: int, paths: Collection[str]
) -> Rows:
    rows = None if taken.all() else np.flatnonzero(taken)
    lines = scan.line if rows is None else scan.line[rows]
    columns = dict(zip(_keys(paths), range(len(scan.columns)), strict=True))
    found = {key: _take(scan, column, rows) for key, column in columns.items()}
    has_nested = any(split_path(path)[1] for path in paths)
    return Rows(
        pl.Series(LINE, lines + first_line, dtype=pl.UInt64),
        {path: _follow(found, path) for path in paths},
        _make_strings(scan.meta, rows),
        nul_free=not has_nested,
    )


def _take(scan: Scan, column: int, rows: NDArray[np.int64] | None) -> Values:
    kinds = scan.kinds[column] if rows is None else scan.kinds[column][rows]
    text = _make_strings(scan.columns[column], rows)
    is_nothing = kinds <= 1
    return Values(text.set(pl.Series(is_nothing), None) if is_nothing.any() else text, kinds)


def _make_strings(strings: Strings, rows: NDArray[np.int64] | None) -> pl.Series:
    data, offsets = strings
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    array = pa.LargeStringArray.from_buffers(offsets.size - 1, buffers[1], buffers[2])
    series = cast("pl.Series", pl.from_arrow(array))
    return series if rows is None else series.gather(rows)


def _follow(found: dict[str, Values], path: str) -> Values:
    """The values at a path: of the field of just that name, else inside that of its first part."""
    exact = found[path]
    head, rest = split_path(path)
    is_missing = exact.kinds == MISSING
    if not rest or not is_missing.any():
        return exact
    inner = _look_into(found[head], rest)
    text = exact.text.zip_with(pl.Series(~is_missing), inner.text)
    return Values(text, np.where(is_missing, inner.kinds, exact.kinds))


def _look_into(objects: Values, path: str) -> Values:
    """What the objects among the values have at a path."""
    rows = np.flatnonzero(objects.kinds == OBJECT)
    found = _find_all(objects.text.gather(rows).to_list(), path)
    place = np.zeros(len(objects.kinds), dtype=np.int64)
    place[rows] = np.arange(1, rows.size + 1)
    text = pl.concat([pl.Series([None], dtype=pl.String), found.text]).gather(place)
    return Values(text, np.concatenate([np.zeros(1, dtype=np.uint8), found.kinds])[place])


def _find_all(texts: Sequence[str], path: str) -> Values:
    data = np.frombuffer("\n".join([*texts, "\0" * PADDING]).encode(), dtype=np.uint8).copy()
    size = data.size - PADDING
    if size < COMPILED_FROM_BYTES:
        return make_values([_find_in(text, path) for text in texts])
    scan = _scan(data, (size, len(texts)), _keys([path]))
    values = _make_rows(scan, np.ones(len(texts), dtype=np.bool_), 0, [path]).values[path]
    if scan.recognised.all():
        return values
    repaired = list(zip(values.text.to_list(), values.kinds.tolist(), strict=True))
    for row in np.flatnonzero(~scan.recognised).tolist():
        repaired[row] = _find_in(texts[row], path)
    return make_values(repaired)


def _find_in(text: str, path: str) -> Found:
    value = parse_object(text.encode())
    assert not isinstance(value, Fault), "the line it is part of was valid"
    return find_raw(value, {m.key: m.value for m in split_members(text.encode())}, path)


def _is_utf8(data: Bytes, size: int) -> bool:
    """Whether all of it is valid UTF-8; Polars checks five times as fast as Python decodes."""
    offsets = pa.py_buffer(np.array([0, size], dtype=np.int64))
    whole = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)]
    )
    try:
        cast("pl.Series", pl.from_arrow(whole)).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def _find_refused(text: bytes) -> NDArray[np.bool_]:
    """Which lines are no valid UTF-8."""
    return np.array([not _decodes(line) for line in text.split(b"\n")], dtype=np.bool_)


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
