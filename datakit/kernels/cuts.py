"""Taking spans out of texts, on UTF-8 bytes and offsets."""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import Bytes, Offsets, kernel, part
from datakit.kernels.utf8 import (
    char_size,
    code_at,
    count_newlines,
    is_white,
    skip_white,
    strip_white,
)


@kernel
def join_spans(data: Bytes, owners: Offsets, starts: Offsets, stops: Offsets) -> int:
    """Join neighbouring spans that have nothing but white space between them, in place.

    Span i is `data[starts[i]:stops[i]]` of text `owners[i]`; spans are in order and do not
    overlap. Returns how many there are now.
    """
    last = -1
    for i in range(starts.size):
        is_next = last >= 0 and owners[last] == owners[i]
        if is_next and skip_white(data, stops[last], starts[i]) >= starts[i]:
            stops[last] = stops[i]
            continue
        last += 1
        owners[last], starts[last], stops[last] = owners[i], starts[i], stops[i]
    return last + 1


@kernel
def count_solid(data: Bytes, starts: Offsets, stops: Offsets) -> Offsets:
    """Characters that are no white space, of each span."""
    counts = np.zeros(starts.size, dtype=np.int64)
    for i in range(starts.size):
        at, found = starts[i], 0
        while at < stops[i]:
            found += not is_white(code_at(data, at))
            at += char_size(data, at)
        counts[i] = found
    return counts


@part
def copy_bytes(data: Bytes, start: int, stop: int, out: Bytes, to: int) -> int:
    """Copy; where the copy ends."""
    for i in range(stop - start):
        out[to + i] = data[start + i]
    return to + stop - start


@part
def cut_one(
    data: Bytes, bounds: tuple[int, int], spans: tuple[Offsets, Offsets], out: Bytes, to: int
) -> int:
    """One text without its spans; see `cut_spans`."""
    start, stop = bounds
    at = start
    for i in range(spans[0].size):
        first, end = spans[0][i], spans[1][i]
        left = strip_white(data, at, first)
        right = skip_white(data, end, stop)
        if left == start:
            to = copy_bytes(data, at, first, out, to)
            at = right
            continue
        to = copy_bytes(data, at, left, out, to)
        at = end
        if right < stop and count_newlines(data, left, first) > count_newlines(data, end, right):
            to = copy_bytes(data, left, first, out, to)
            at = right
    return copy_bytes(data, at, stop, out, to)


@kernel
def cut_spans(
    data: Bytes,
    offsets: Offsets,
    spans: tuple[Offsets, Offsets, Offsets],
    out: Bytes,
    ends: Offsets,
) -> None:
    """Write each text without its spans (owners, starts, stops; joined and in order) to `out`,
    and where it ends to `ends[1:]`.

    Of the white space on the two sides of a span one stays: that with more line ends, else the
    one behind. At the start or end of a text the white space of the text itself stays.
    """
    owners, starts, stops = spans
    to, i = 0, 0
    for text in range(offsets.size - 1):
        first = i
        while i < owners.size and owners[i] == text:
            i += 1
        bounds = (offsets[text], offsets[text + 1])
        to = cut_one(data, bounds, (starts[first:i], stops[first:i]), out, to)
        ends[text + 1] = to


def cut(
    data: Bytes, offsets: Offsets, spans: tuple[Offsets, Offsets, Offsets]
) -> tuple[Bytes, NDArray[np.int64]]:
    """`cut_spans` into new arrays: the bytes, and the offsets of the texts in them."""
    out = np.empty(int(offsets[-1] - offsets[0]), dtype=np.uint8)
    ends = np.zeros(offsets.size, dtype=np.int64)
    cut_spans(data, offsets, spans, out, ends)
    return out[: ends[-1]], ends
