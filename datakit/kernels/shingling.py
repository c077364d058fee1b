"""Shingles of texts, hashed, from their UTF-8 bytes.

What a code point is to a comparison comes in as a table (`LetterTable`): its folded form in the
lower 21 bits, its kind above, and a flag where normal form C may change it. The caller makes the
table, so that no Unicode data lies here.

A shingle of n units u1 ... un has the hash `(...(s * P + u1) * P + ...) + un` mod 2**32, where P
is odd and s tells n and the kind of unit: a polynomial over hashed units, so that all windows of a
text are hashed by one vectorised loop a step.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.letters import FOLDED, MAYBE_NOT_NFC, SIGN, SPACED, LetterTable, decode_units
from datakit.kernels.simd import PADDING, Bytes, Offsets, kernel, part
from datakit.kernels.words import fold_words, hash_words

Hashes: TypeAlias = NDArray[np.uint32]

BY_WORDS, BY_CHARS, BY_SIGNS = 1, 2, 3

_STEP = np.uint32(0x9E3779B1)

__all__ = ["FOLDED", "MAYBE_NOT_NFC", "LetterTable", "shingle_texts"]


@part
def hash_windows(units: Hashes, count: int, size: int, start: int, hashes: Hashes) -> int:
    """The hashes of every `size` units in a row, of all where there are fewer; how many."""
    size = min(size, count)
    windows = count - size + 1
    first = np.uint32(np.uint32(start * 65536 + size) * _STEP)
    for i in range(windows):
        hashes[i] = np.uint32(first + units[i])
    for step in range(1, size):
        for i in range(windows):
            hashes[i] = np.uint32(hashes[i] * _STEP) + units[i + step]
    return windows


@part
def count_wide(data: Bytes, at: int, stop: int) -> int:
    """How many bytes are not ASCII."""
    own, wide = data[at:stop], 0
    for i in range(own.size):
        wide += own[i] >> 7
    return wide


@part
def take_units(
    data: Bytes, place: tuple[int, int], table: LetterTable, room: tuple[Bytes, Hashes]
) -> tuple[int, int, np.uint32]:
    """The units of the text at `place`: (how it is cut, how many, all table entries or-ed).

    Characters if the letters of unspaced scripts outnumber the words of the others. Which of the
    two is tried first is a guess that saves time and decides nothing.
    """
    at, stop = place
    folded, units = room
    if 3 * count_wide(data, at, stop) > stop - at:
        count, chars, words, seen = decode_units(data, place, table, SPACED, units)
        if chars > words:
            return BY_CHARS, count, seen
    size, chars, seen = fold_words(data, place, table, folded)
    count = hash_words(folded, size, units)
    if chars > count - chars:
        count, chars, words, seen = decode_units(data, place, table, SPACED, units)
        return BY_CHARS, count, seen
    if count:
        return BY_WORDS, count, seen
    count, chars, words, seen = decode_units(data, place, table, SIGN, units)
    return BY_SIGNS, count, seen


@kernel
def shingle_texts(
    data: Bytes,
    offsets: Offsets,
    table: LetterTable,
    sizes: tuple[int, int],
    hashes: Hashes,
    bounds: Offsets,
    maybe_not_nfc: NDArray[np.bool_],
) -> None:
    """Shingle hashes of text i into `hashes[bounds[i]:bounds[i + 1]]`, repeats and all.

    `sizes` are the units of a shingle by words and by characters; `hashes` has room for a hash a
    byte, `bounds` one more place than texts. `maybe_not_nfc` is set for texts that must be
    brought into normal form C first, then hashed again.
    """
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    units = np.empty(longest + 1, dtype=np.uint32)
    folded = np.empty(2 * longest + PADDING, dtype=np.uint8)
    bounds[0] = 0
    for i in range(offsets.size - 1):
        place = offsets[i], offsets[i + 1]
        way, count, seen = take_units(data, place, table, (folded, units))
        maybe_not_nfc[i] = (seen & MAYBE_NOT_NFC) != 0
        size = sizes[0] if way == BY_WORDS else sizes[1]
        done = bounds[i]
        found = hash_windows(units, count, size, way, hashes[done:]) if count else 0
        bounds[i + 1] = done + found
