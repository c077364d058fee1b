"""A table by which kernels fold characters to the form that texts are compared in."""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

CODE = 0x1FFFFF
"""Bits of an entry that hold the folded code point; none where the character is left out."""
WHITE = 1 << 24
"""Marks white space."""
POINT = 1 << 25
"""Marks a character that counts only before a digit (`. , :`)."""
DIGIT = 1 << 26
"""Marks a decimal digit."""
LETTER = 1 << 27
"""Marks a letter, or a digit or another number."""

_KNOWN = 0x20000
"""Behind it lie Han characters, which fold to themselves."""
_SIGNS = "/%~-–+"
_POINTS = ".,:"


@cache
def fold_table(
    *, case: bool, width: bool, digits: bool, ignore_punctuation: bool
) -> NDArray[np.uint32]:
    """Entry of each code point below 0x20000; code points behind it stand for themselves.

    `case`: lower case, where it is one character. `width`: full-width forms of ASCII as ASCII.
    `digits`: every decimal digit as 0. `ignore_punctuation`: punctuation left out, but signs that
    can be part of a number stay, and `. , :` do before a digit: 5.5 mg is not 55 mg.
    """
    table = np.arange(_KNOWN, dtype=np.uint32)
    for code in range(_KNOWN):
        if not 0xD800 <= code < 0xE000:
            table[code] = _fold(
                chr(code), case=case, width=width, digits=digits, punctuation=not ignore_punctuation
            )
    return table


def _fold(character: str, *, case: bool, width: bool, digits: bool, punctuation: bool) -> int:
    if character.isspace():
        return WHITE | 0x20
    if width and "！" <= character <= "～":
        character = chr(ord(character) - 0xFEE0)
    if character.isdecimal():
        return LETTER | DIGIT | (ord("0") if digits else ord(character))
    kind = unicodedata.category(character)
    if kind[0] == "P" and not punctuation:
        if character in _POINTS:
            return POINT | ord(character)
        return ord(character) if character in _SIGNS else 0
    if case and kind[0] in "LNSM":
        lower = character.lower()
        character = lower if len(lower) == 1 else character
    return LETTER | ord(character) if kind[0] in "LN" else ord(character)
