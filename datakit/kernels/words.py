"""Words of scripts with spaces: folded bytes, zeros between the words, hashed eight at a time."""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.letters import (
    FOLDED,
    IGNORED,
    KIND_SHIFT,
    KINDS,
    SPACED,
    UNSPACED,
    LetterTable,
    look_up,
)
from datakit.kernels.simd import Bytes, load_word, part

_STEP, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD)
_ONES, _TOPS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)


@part
def put_code(code: np.uint32, out: Bytes, to: int) -> int:
    """Write a code point in UTF-8; where the next byte goes."""
    if code < 0x80:
        out[to] = code
        return to + 1
    low = np.uint32(0x3F)
    if code < 0x800:
        out[to] = 0xC0 | code >> np.uint32(6)
        out[to + 1] = 0x80 | (code & low)
        return to + 2
    if code < 0x10000:
        out[to] = 0xE0 | code >> np.uint32(12)
        out[to + 1] = 0x80 | (code >> np.uint32(6) & low)
        out[to + 2] = 0x80 | (code & low)
        return to + 3
    out[to] = 0xF0 | code >> np.uint32(18)
    out[to + 1] = 0x80 | (code >> np.uint32(12) & low)
    out[to + 2] = 0x80 | (code >> np.uint32(6) & low)
    out[to + 3] = 0x80 | (code & low)
    return to + 4


@part
def fold_words(
    data: Bytes, place: tuple[int, int], table: LetterTable, out: Bytes
) -> tuple[int, int, np.uint32]:
    """A text's words, folded, one or more zero bytes between them and behind the last.

    A letter of an unspaced script is a word of its own. `data` and `out` need `PADDING` bytes
    behind the text, `out` room for twice the text. Returns the bytes written, the letters of
    unspaced scripts, and all entries that are not ASCII or-ed.
    """
    at, stop = place
    to, chars, seen = 0, 0, np.uint32(0)
    while at < stop:
        if at + 8 <= stop and load_word(data, at) & _TOPS == 0:
            for i in range(8):
                entry = table[data[at + i]]
                out[to + i] = entry if entry >> KIND_SHIFT == SPACED else np.uint32(0)
            at += 8
            to += 8
            continue
        entry, at = look_up(data, at, table)
        seen |= entry
        kind = entry >> KIND_SHIFT & KINDS
        if kind == IGNORED:
            continue
        if kind == SPACED:
            to = put_code(entry & FOLDED, out, to)
            continue
        out[to] = 0
        to += 1
        if kind == UNSPACED:
            to = put_code(entry & FOLDED, out, to)
            out[to] = 0
            to += 1
            chars += 1
    for i in range(9):
        out[to + i] = 0
    return to + 1, chars, seen


@part
def hash_words(folded: Bytes, size: int, units: NDArray[np.uint32]) -> int:
    """A 32-bit hash of each run of bytes that are not zero, among the first `size`; how many."""
    at, count, word, is_open = 0, 0, np.uint64(0), False
    while at < size:
        piece = load_word(folded, at)
        # Marks the lowest zero byte, and perhaps some above it.
        zeros = (piece - _ONES) & ~piece & _TOPS
        if zeros == 0:
            word = (word ^ piece) * _STEP
            word ^= word >> np.uint64(32)
            is_open = True
            at += 8
            continue
        lowest = zeros & (~zeros + np.uint64(1))
        # All bits below the zero byte.
        own = piece & ((lowest >> np.uint64(7)) - np.uint64(1))
        if own != 0 or is_open:
            word = (word ^ own) * _STEP
            word ^= word >> np.uint64(32)
            units[count] = np.uint32((word * _MIX) >> np.uint64(32))
            count += 1
        word, is_open = np.uint64(0), False
        at += count_bytes(lowest) + 1
    return count


@part
def count_bytes(bit: np.uint64) -> int:
    """Whole bytes below a single bit."""
    bits, value = 0, bit
    for shift in (32, 16, 8):
        if value >> np.uint64(shift):
            value >>= np.uint64(shift)
            bits += shift
    return bits >> 3
