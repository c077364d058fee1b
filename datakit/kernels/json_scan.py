"""The compiled half of the JSON Lines reader: a block of lines to columns in one pass."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.json_values import read_string, skip_space, skip_string, skip_value
from datakit.kernels.simd import STEP, Bytes, copy_step, kernel, part

MISSING, NULL, STRING, NUMBER, BOOLEAN, OBJECT, ARRAY = range(7)


class Wanted(NamedTuple):
    """Keys asked for: key k is `names[bounds[k]:bounds[k + 1]]`; `keep[k]` leaves it in `meta`."""

    names: Bytes
    bounds: NDArray[np.int64]
    keep: NDArray[np.bool_]


class Found(NamedTuple):
    """What `scan` fills in, one entry a row; see `json_lines.Scan`. The last column is `meta`."""

    recognised: NDArray[np.bool_]
    line: NDArray[np.int64]
    span: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    text: NDArray[np.uint8]


@part
def find_key(data: Bytes, start: int, stop: int, wanted: Wanted) -> int:
    """Number of the key that `data[start:stop]` spells, or -1."""
    for k in range(wanted.bounds.size - 1):
        first = wanted.bounds[k]
        if wanted.bounds[k + 1] - first != stop - start:
            continue
        same = 0
        while same < stop - start and wanted.names[first + same] == data[start + same]:
            same += 1
        if same == stop - start:
            return k
    return -1


@part
def kind_of(byte: int) -> int:
    """Kind of the JSON value that begins with this byte."""
    if byte == 0x22:
        return STRING
    if byte == 0x7B:
        return OBJECT
    if byte == 0x5B:
        return ARRAY
    if byte == 0x6E:
        return NULL
    return BOOLEAN if byte in (0x74, 0x66) else NUMBER


@part
def copy_bytes(data: Bytes, start: int, stop: int, out: Bytes, to: int) -> int:
    """Copy `data[start:stop]` to `out[to]`; gives the place behind the copy."""
    end = to + stop - start
    while to < end:
        copy_step(data, start, out, to)
        start += STEP
        to += STEP
    return end


@part
def skip_key(data: Bytes, at: int) -> int:
    """Place of the quote that ends the key at `at`, or -1 for a key with escapes, or for none."""
    if data[at] != 0x22:
        return -1
    end = skip_string(data, at + 1) - 1
    for i in range(at + 1, end):
        if data[i] == 0x5C:
            return -1
    return end if end >= 0 else -1


@part
def read_value(data: Bytes, at: int, key: int, found: Found, row: int) -> int:
    """Read the value at `at` into the column of a key; the place behind it, or -1."""
    kind = kind_of(data[at])
    if found.kinds[key, row] != MISSING:
        return -1
    found.kinds[key, row] = kind
    to = found.offsets[key, row + 1]
    if kind == STRING:
        end, to = read_string(data, at + 1, found.text[key], to)
    else:
        end = skip_value(data, at)
        if end >= 0 and kind != NULL:
            to = copy_bytes(data, at, end, found.text[key], to)
    found.offsets[key, row + 1] = to
    return end


@part
def read_member(data: Bytes, at: int, wanted: Wanted, found: Found, row: int) -> int:
    """Read the member at `at` into its column or into `meta`; the place behind it, or -1.

    `offsets[:, row + 1]` says how far each column is written.
    """
    start = at
    quote = skip_key(data, at)
    at = skip_space(data, quote + 1)
    if quote < 0 or data[at] != 0x3A:
        return -1
    key = find_key(data, start + 1, quote, wanted)
    at = skip_space(data, at + 1)
    end = skip_value(data, at) if key < 0 else read_value(data, at, key, found, row)
    if end >= 0 and (key < 0 or wanted.keep[key]):
        meta = found.offsets.shape[0] - 1
        to = found.offsets[meta, row + 1]
        if to > found.offsets[meta, row] + 1:
            found.text[meta, to] = 0x2C
            to += 1
        found.offsets[meta, row + 1] = copy_bytes(data, start, end, found.text[meta], to)
    return end


@part
def read_object(data: Bytes, at: int, wanted: Wanted, found: Found, row: int) -> int:
    """Read the object at `at` as one row; gives the place of the line's end, or -1."""
    if data[at] != 0x7B:
        return -1
    meta = found.offsets.shape[0] - 1
    found.text[meta, found.offsets[meta, row + 1]] = 0x7B
    found.offsets[meta, row + 1] += 1
    at = skip_space(data, at + 1)
    if data[at] == 0x7D:
        at += 1
    else:
        while True:
            at = read_member(data, at, wanted, found, row)
            if at < 0:
                return -1
            at = skip_space(data, at)
            if data[at] == 0x7D:
                at += 1
                break
            if data[at] != 0x2C:
                return -1
            at = skip_space(data, at + 1)
    at = skip_space(data, at)
    if data[at] != 0x0A:
        return -1
    found.text[meta, found.offsets[meta, row + 1]] = 0x7D
    found.offsets[meta, row + 1] += 1
    return at


@kernel
def scan(data: Bytes, size: int, wanted: Wanted, found: Found, refused: NDArray[np.bool_]) -> int:
    """Read the lines of `data[:size]`, which ends in a line end; gives the number of rows.

    A blank line is no row. `refused[line]`, where it is not empty, flags a line unread.
    """
    at = row = line = int(np.int64(0))  # a literal 0 would have all of it compiled twice
    while at < size:
        start = at
        at = skip_space(data, at)
        if data[at] != 0x0A:
            for k in range(found.offsets.shape[0]):
                found.offsets[k, row + 1] = found.offsets[k, row]
            end = -1
            if refused.size == 0 or not refused[line]:
                end = read_object(data, at, wanted, found, row)
            found.recognised[row] = end >= 0
            if end < 0:
                for k in range(found.offsets.shape[0]):
                    found.offsets[k, row + 1] = found.offsets[k, row]
                for k in range(found.kinds.shape[0]):
                    found.kinds[k, row] = MISSING
                end = at
                while data[end] != 0x0A:
                    end += 1
            at = end
            found.line[row] = line
            found.span[row, 0] = start
            found.span[row, 1] = at
            row += 1
        at += 1
        line += 1
    return row
