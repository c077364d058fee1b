"""Characters as a comparison sees them: kinds and folded forms by table, decoded from UTF-8."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import Bytes, part

LetterTable: TypeAlias = NDArray[np.uint32]

# Kinds of code points: those that only part words; signs, compared where a text has nothing else;
# those passed over; letters of scripts with spaces; letters that are units of their own.
SPACE, SIGN, IGNORED, SPACED, UNSPACED = 0, 1, 2, 3, 4
KIND_SHIFT = np.uint32(24)
KINDS = np.uint32(7)
FOLDED = np.uint32((1 << 21) - 1)
# Beyond the table every code point is a sign that is folded to itself.
BEYOND = np.uint32(SIGN) << KIND_SHIFT
MAYBE_NOT_NFC = np.uint32(1 << 31)


@part
def mix_word(value: np.uint32) -> np.uint32:
    """MurmurHash3's 32-bit finaliser (a one-to-one mapping)."""
    value = np.uint32(value ^ (value >> np.uint32(16)))
    value = np.uint32(value * np.uint32(0x85EBCA6B))
    value = np.uint32(value ^ (value >> np.uint32(13)))
    value = np.uint32(value * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ (value >> np.uint32(16)))


@part
def look_up(data: Bytes, at: int, table: LetterTable) -> tuple[np.uint32, int]:
    """The table's entry of the code point at `at`, and where the next begins."""
    byte = np.uint32(data[at])
    low = np.uint32(0x3F)
    if byte < 0x80:
        return table[byte], at + 1
    if byte < 0xE0:
        code = (byte & np.uint32(0x1F)) << np.uint32(6) | (np.uint32(data[at + 1]) & low)
        return table[code], at + 2
    if byte < 0xF0:
        code = (byte & np.uint32(0xF)) << np.uint32(12)
        code |= (np.uint32(data[at + 1]) & low) << np.uint32(6) | (np.uint32(data[at + 2]) & low)
        return table[code], at + 3
    code = (byte & np.uint32(7)) << np.uint32(18) | (np.uint32(data[at + 1]) & low) << np.uint32(12)
    code |= (np.uint32(data[at + 2]) & low) << np.uint32(6) | (np.uint32(data[at + 3]) & low)
    return table[code] if code < table.size else BEYOND | code, at + 4


@part
def decode_units(
    data: Bytes, place: tuple[int, int], table: LetterTable, least: int, units: LetterTable
) -> tuple[int, int, int, np.uint32]:
    """The folded code points of the kinds from `least` on, each hashed, into `units`.

    Returns how many, the letters of unspaced scripts, the words of the others, and all entries
    or-ed.
    """
    at, stop = place
    count, chars, words, seen, inside = 0, 0, 0, np.uint32(0), False
    while at < stop:
        entry, at = look_up(data, at, table)
        kind = (entry >> KIND_SHIFT) & KINDS
        seen |= entry
        units[count] = mix_word(entry & FOLDED)
        count += (kind >= least) & (kind != IGNORED)
        chars += kind == UNSPACED
        words += (kind == SPACED) & (not inside)
        inside = (kind == SPACED) | (inside & (kind == IGNORED))
    return count, chars, words, seen
