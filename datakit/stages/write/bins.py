"""Sequences of one length, made of records: windows of records are packed by best fit."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

WINDOW_ROWS, WINDOW_TOKENS = 1 << 16, 1 << 23


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of records, each of at most one sequence: where it lies in the window's tokens, and
    the number of its record in the file, from 0.
    """

    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    records: NDArray[np.int64]


def windows(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Tables of at most `WINDOW_ROWS` rows and, beyond the first row, `WINDOW_TOKENS` tokens,
    whatever the cuts of the input.
    """
    held: list[pa.Table] = []
    rows = tokens = 0
    for table in tables:
        ends = np.cumsum(_lengths(table))
        start = 0
        while start < table.num_rows:
            before = ends[start - 1] if start else 0
            fit = int(np.searchsorted(ends, WINDOW_TOKENS - tokens + before, "right")) - start
            fit = min(max(fit, 0 if rows else 1), WINDOW_ROWS - rows)
            held.append(table.slice(start, fit))
            rows, start = rows + fit, start + fit
            tokens += int(ends[start - 1] - before) if fit else 0
            if start < table.num_rows:
                yield pa.concat_tables(held).combine_chunks()
                held, rows, tokens = [], 0, 0
    if rows:
        yield pa.concat_tables(held).combine_chunks()


def pack_window(window: pa.Table, length: int, first_record: int) -> pa.Table:
    """The window's records in sequences of at most `length` tokens, in order of the first record
    in each, and inside a sequence in order too.

    Columns: `input_ids`, `labels`, `seq_lengths` (of the pieces, in order), `records`.
    """
    from datakit.kernels.best_fit import fit_best

    pieces = _cut_records(_lengths(window), length, first_record)
    by_size = np.argsort(-pieces.sizes, kind="stable")
    bins = np.empty(len(by_size), dtype=np.int64)
    bins[by_size] = fit_best(pieces.sizes[by_size], length)
    # Bins in order of the first piece in each: pieces are in order of their records.
    _, first = np.unique(bins, return_index=True)
    order = np.argsort(first[bins], kind="stable")
    counts = np.unique(first[bins], return_counts=True)[1]
    return _sequences(window, pieces, order, counts)


def _lengths(table: pa.Table) -> NDArray[np.int64]:
    lists = table["input_ids"].combine_chunks()
    offsets = np.frombuffer(lists.buffers()[1], dtype=np.int64)
    return np.diff(offsets[lists.offset : lists.offset + len(lists) + 1])


def _cut_records(lengths: NDArray[np.int64], length: int, first: int) -> Pieces:
    """Records cut into pieces of `length` tokens, the last with what is left."""
    counts = np.maximum(-(-lengths // length), 1)
    record = np.repeat(np.arange(len(lengths)), counts)
    nth = np.arange(len(record)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(np.cumsum(lengths) - lengths, counts) + nth * length
    sizes = np.minimum(lengths[record] - nth * length, length)
    return Pieces(starts, sizes, record + first)


def _sequences(
    window: pa.Table, pieces: Pieces, order: NDArray[np.int64], counts: NDArray[np.int64]
) -> pa.Table:
    sizes = pieces.sizes[order]
    ends = np.cumsum(sizes)
    places = np.arange(int(ends[-1])) + np.repeat(pieces.starts[order] - ends + sizes, sizes)
    of_bin = np.concatenate([[0], np.cumsum(counts)])
    of_token = np.concatenate([[0], ends])[of_bin]
    columns = {
        name: _lists(_values(window, name)[places], of_token) for name in ("input_ids", "labels")
    }
    columns["seq_lengths"] = _lists(sizes.astype(np.int32), of_bin)
    columns["records"] = _lists(pieces.records[order].astype(np.int32), of_bin)
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _values(window: pa.Table, name: str) -> NDArray[np.int32]:
    flat = window[name].combine_chunks().flatten()
    return np.frombuffer(flat.buffers()[1], dtype=np.int32)[flat.offset : flat.offset + len(flat)]


def _lists(values: NDArray[np.int32], bounds: NDArray[np.int64]) -> pa.ListArray:
    child = pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(values)])
    offsets = bounds.astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.Array.from_buffers(pa.int32(), len(offsets), [None, pa.py_buffer(offsets)]), child
    )
