"""How many letters of each script a text has, counted on its UTF-8 bytes."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Offsets: TypeAlias = NDArray[np.int64]
Counts: TypeAlias = NDArray[np.uint32]

LATIN, HAN, KANA, HANGUL, OTHER = range(1, 6)
SCRIPTS = ("latin", "han", "kana", "hangul", "other")

# Below this many bytes, numpy is done before a compiled kernel is loaded.
COMPILE_FROM = 1 << 20

_HAN = [(0x3005, 0x3007), (0x3021, 0x3029), (0x3400, 0x4DBF), (0x4E00, 0x9FFF)]
_HAN += [(0xF900, 0xFAFF), (0x20000, 0x323AF)]
_KANA = [(0x3041, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x31FF), (0xFF66, 0xFF9D)]
_HANGUL = [(0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7FB)]
_LATIN = [(0x41, 0x2AF), (0x1D00, 0x1D25), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F)]
_LATIN += [(0xA722, 0xA7FF), (0xFF21, 0xFF5A)]
_LAST_LETTER = 0x323AF


def count_scripts(data: Bytes, offsets: Offsets, *, max_chars: int) -> Counts:
    """Letters of each script of `SCRIPTS` among the first `max_chars` characters of each text.

    Text i is the valid UTF-8 `data[offsets[i]:offsets[i + 1]]`. Letters are what Unicode calls so
    (`str.isalpha`); digits, marks and punctuation count nowhere. One row a text.
    """
    size = int(offsets[-1] - offsets[0])
    count = count_compiled() if size >= COMPILE_FROM else count_plainly
    counts: Counts = count(data, offsets, letter_table(), max_chars)
    return counts


@cache
def letter_table() -> Bytes:
    """The script of each code point up to U+323AF: 0 where it is no letter."""
    table = np.zeros(_LAST_LETTER + 1, dtype=np.uint8)
    letters = [code for code in range(_LAST_LETTER + 1) if chr(code).isalpha()]
    table[letters] = OTHER
    for script, ranges in ((LATIN, _LATIN), (HAN, _HAN), (KANA, _KANA), (HANGUL, _HANGUL)):
        for first, last in ranges:
            part = table[first : last + 1]
            part[part > 0] = script
    table[[0x3006, 0x3007]] = HAN
    table[[0xAA, 0xBA]] = LATIN
    return table


def count_plainly(data: Bytes, offsets: Offsets, table: Bytes, max_chars: int) -> Counts:
    """The counts by numpy, a text at a time."""
    counts = np.zeros((offsets.size - 1, len(SCRIPTS)), dtype=np.uint32)
    for row in range(offsets.size - 1):
        text = data[offsets[row] : offsets[row + 1]].tobytes().decode()[:max_chars]
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        scripts = table[codes[codes < table.size]]
        counts[row] = np.bincount(scripts, minlength=len(SCRIPTS) + 1)[1:]
    return counts


@cache
def count_compiled() -> Callable[..., Any]:
    """The same as `count_plainly`, by numba; compiled once and kept on disk."""
    from numba import njit

    return njit(cache=True, nogil=True)(_count)


def _count(data: Bytes, offsets: Offsets, table: Bytes, max_chars: int) -> Counts:
    counts = np.zeros((offsets.size - 1, 6), dtype=np.uint32)
    for row in range(offsets.size - 1):
        at, chars = offsets[row], 0
        while at < offsets[row + 1] and chars < max_chars:
            byte = np.uint32(data[at])
            if byte < 0x80:
                code = byte
                at += 1
            elif byte < 0xE0:
                code = (byte & 0x1F) << 6 | (data[at + 1] & 0x3F)
                at += 2
            elif byte < 0xF0:
                code = (byte & 0xF) << 12 | (np.uint32(data[at + 1]) & 0x3F) << 6
                code |= data[at + 2] & 0x3F
                at += 3
            else:
                code = (byte & 7) << 18 | (np.uint32(data[at + 1]) & 0x3F) << 12
                code |= (np.uint32(data[at + 2]) & 0x3F) << 6 | (data[at + 3] & 0x3F)
                at += 4
            chars += 1
            if code < table.size:
                counts[row, table[code]] += 1
    return counts[:, 1:]
