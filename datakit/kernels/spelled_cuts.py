"""jieba's cutting of Latin letters, digits and the marks it lets stand with them, compiled; see
`segmentation.mark_tokens`.
"""

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.simd import Bytes, Offsets, kernel, part

_DOT, _PERCENT = 0x2E, 0x25


@kernel
def mark_spelled(data: Bytes, offsets: Offsets, marks: Bytes) -> None:
    """Set the marks of ASCII characters to 0 that go on with the token before them."""
    for text in range(offsets.size - 1):
        at, stop = offsets[text], offsets[text + 1]
        while at < stop:
            start, byte = at, peek(data, at)
            at += 1
            if is_letter(byte) or is_digit(byte):
                at = spelled_end(data, start, stop)
            elif is_beside(byte):
                while at < stop and is_beside(peek(data, at)):
                    at += 1
            for place in range(start + 1, at):
                poke(marks, place, 0)


@part
def spelled_end(data: Bytes, at: int, stop: int) -> int:
    """The place behind letters and digits, and a fraction and a percent sign behind these."""
    at += 1
    while at < stop and (is_letter(peek(data, at)) or is_digit(peek(data, at))):
        at += 1
    if at + 1 < stop and peek(data, at) == _DOT and is_digit(peek(data, at + 1)):
        at += 1
        while at < stop and is_digit(peek(data, at)):
            at += 1
    return at + (at < stop and peek(data, at) == _PERCENT)


@part
def is_letter(byte: int) -> bool:
    """Whether it is an ASCII letter."""
    small = byte | 0x20
    return (small >= 0x61) & (small <= 0x7A)


@part
def is_digit(byte: int) -> bool:
    """Whether it is an ASCII digit."""
    return (byte >= 0x30) & (byte <= 0x39)


@part
def is_beside(byte: int) -> bool:
    """Whether it is one of the marks `#%&+-._`."""
    is_low = (byte == 0x23) | (byte == 0x25) | (byte == 0x26) | (byte == 0x2B)
    return is_low | (byte == 0x2D) | (byte == 0x2E) | (byte == 0x5F)
