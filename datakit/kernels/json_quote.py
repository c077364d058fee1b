"""The compiled half of `json_escape`."""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import (
    PADDING,
    STEP,
    Bytes,
    copy_step,
    count_bits,
    first_bit,
    kernel,
    part,
    plain_mask,
)

__all__ = ["PADDING", "measure", "quote"]

_ESCAPES = np.zeros(256, dtype=np.uint8)
"""Letter behind the backslash; `u` for a control character that has none; 0: written as it is."""
_ESCAPES[:0x20] = ord("u")
for _byte, _letter in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt', strict=True):
    _ESCAPES[_byte] = _letter

_LONGEST_ESCAPE = 6


@kernel
def measure(data: Bytes, offsets: NDArray[np.int64]) -> int:
    """Bytes that the values may take when escaped, without quotes: never too few."""
    at, stop = offsets[0], offsets[-1]
    special = int(np.int64(0))
    while at + STEP <= stop:
        special += count_bits(plain_mask(data, at))
        at += STEP
    while at < stop:
        special += _ESCAPES[data[at]] != 0
        at += 1
    return int(stop - offsets[0]) + special * (_LONGEST_ESCAPE - 1)


@kernel
def quote(
    data: Bytes,
    offsets: NDArray[np.int64],
    around: tuple[Bytes, Bytes],
    out: Bytes,
    ends: NDArray[np.int64],
) -> None:
    """Write the escaped values to `out`, each between the two texts `around` it, and where each
    ends to `ends[1:]`.
    """
    before, after = around
    to = int(np.int64(0))
    for row in range(offsets.size - 1):
        for byte in before:
            out[to] = byte
            to += 1
        at, stop = offsets[row], offsets[row + 1]
        while at < stop:
            if at + STEP <= data.size:
                mask = copy_step(data, at, out, to)
                run = min(first_bit(mask) if mask else STEP, stop - at)
                at += run
                to += run
                if mask == 0 or at == stop:
                    continue
            to = write_escaped(data[at], out, to)
            at += 1
        for byte in after:
            out[to] = byte
            to += 1
        ends[row + 1] = to


@part
def write_escaped(byte: int, out: Bytes, to: int) -> int:
    """Write one byte of a text, escaped where it must be; gives the place behind it."""
    letter = _ESCAPES[byte]
    if letter == 0:
        out[to] = byte
        return to + 1
    out[to] = 0x5C
    out[to + 1] = letter
    if letter != 0x75:
        return to + 2
    out[to + 2] = 0x30
    out[to + 3] = 0x30
    out[to + 4] = 0x30 + (byte >> 4)
    low = byte & 0xF
    out[to + 5] = 0x30 + low if low < 10 else 0x57 + low
    return to + _LONGEST_ESCAPE
