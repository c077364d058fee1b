"""Code points folded for comparison: case, width, accents, marks and punctuation do not count.

`fold_table()[code]` is the letter that a code point is compared by, `BREAK` where it parts units,
`SKIPPED` where it is as if it were not there. Letters of scripts that put no space between words
carry the bit `ALONE`: each is a unit of its own.
"""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

BREAK = 0
SKIPPED = 0xFFFFFFFF
ALONE = 1 << 31

_LAST = 0x323AF
# Letters that are what they are: Han and Hangul, more than half of all code points looked at.
_PLAIN_HAN = [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, _LAST)]
_PLAIN_HANGUL = (0xAC00, 0xD7A3)
_ALONE = [(0x0E01, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF)]
_ALONE += [(0x3005, 0x3007), (0x3021, 0x3029), (0x3041, 0x30FF), (0x3100, 0x312F)]
_ALONE += [(0x31A0, 0x31FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9D)]
_ALONE += [(0x20000, _LAST)]
# Apostrophes: `Janet's`, `Janet’s` and `Janets` are one word.
_APOSTROPHES = (0x27, 0x2019, 0x2BC, 0xFF07)
# Above, an accent is part of the letter (kana, Indic scripts).
_LAST_ACCENTED = 0x2FFF


@cache
def fold_table() -> NDArray[np.uint32]:
    """What each code point up to U+323AF is compared by; see the module's text."""
    table = np.zeros(_LAST + 1, dtype=np.uint32)
    for first, last in (*_PLAIN_HAN, _PLAIN_HANGUL):
        table[first : last + 1] = np.arange(first, last + 1, dtype=np.uint32)
    for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0x1FFFF)):
        table[code] = _fold(code)
    table[list(_APOSTROPHES)] = SKIPPED
    for first, last in _ALONE:
        part = table[first : last + 1]
        part[(part != BREAK) & (part != SKIPPED)] |= np.uint32(ALONE)
    table.flags.writeable = False
    return table


def _fold(code: int) -> int:
    character = chr(code)
    kind = unicodedata.category(character)
    if kind == "Cf" or 0x300 <= code <= 0x36F:
        return SKIPPED
    if kind[0] not in "LMN":
        return BREAK
    is_accented = code <= _LAST_ACCENTED
    folded = unicodedata.normalize("NFKD" if is_accented else "NFKC", character).lower()
    base = [c for c in folded if not 0x300 <= ord(c) <= 0x36F]
    # A ligature (㎎, ﬁ) stays itself: a table has one letter for one letter.
    return ord(base[0]) if len(base) == 1 else code
