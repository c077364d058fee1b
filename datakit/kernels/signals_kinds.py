"""What kind of character each code point is, for the kernels that measure signals.

A kind is one combination of properties; a text's characters are counted by kind, in one look.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.scripts import HAN as SCRIPT_HAN
from datakit.kernels.scripts import KANA as SCRIPT_KANA
from datakit.kernels.scripts import LATIN as SCRIPT_LATIN
from datakit.kernels.scripts import letter_table

PROPERTIES = (
    "space", "letter", "alnum", "combining", "digit", "upper", "punctuation", "symbol",
    "garbled", "apart", "han", "kana", "latin", "hant", "hans", "end_mark",
    "closer", "bullet", "stop", "soft_end", "quote_end", "brace", "underscore", "apostrophe",
    "ascii_digit", "front", "back", "inner", "picture", "dot", "ellipsis", "hash",
    "open", "close", "newline",
)  # fmt: skip
"""Bit i of a kind's properties, and column i of the counts: `PROPERTIES[i]`."""

(
    SPACE, LETTER, ALNUM, COMBINING, DIGIT, UPPER, PUNCTUATION, SYMBOL,
    GARBLED, APART, HAN, KANA, LATIN, HANT, HANS, END_MARK,
    CLOSER, BULLET, STOP, SOFT_END, QUOTE_END, BRACE, UNDERSCORE, APOSTROPHE,
    ASCII_DIGIT, FRONT, BACK, INNER, PICTURE, DOT, ELLIPSIS, HASH,
    OPEN, CLOSE, NEWLINE,
) = (1 << bit for bit in range(len(PROPERTIES)))  # fmt: skip

PLAIN = 1 << len(PROPERTIES)
"""Beside the bits of `PROPERTIES`: may stand in a word of several characters, whatever they are."""

CLOSERS = "\"'”’」』）)】》〉]"
_ENDS = "…,:;!?¿؟¡()[]{}<>_#*&—–。？！，、；：～·।،۔؛٪'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧"
_SINGLES = {
    CLOSER: CLOSERS,
    BULLET: "•‣▶◀◦■□▪▫●○※·➢–-",
    STOP: "。！？!?….",
    SOFT_END: "…；：;:",
    QUOTE_END: "”」』",
    BRACE: "{",
    UNDERSCORE: "_",
    APOSTROPHE: "'’",
    ASCII_DIGIT: "0123456789",
    FRONT: f"{_ENDS}§%=",
    BACK: _ENDS,
    INNER: ".,-–—~:<>=/+*^'’",
    PICTURE: "…",
    DOT: ".",
    ELLIPSIS: "…",
    HASH: "#",
    OPEN: "【",
    CLOSE: "】",
    NEWLINE: "\n",
}

# Unicode has assigned nothing between these two.
_PLANES_END, _TAGS, _TAGS_END, _PRIVATE = 0x40000, 0xE0000, 0xE0200, 0xF0000


class Kinds(NamedTuple):
    """`table[code]` is the kind of a code point, `properties[kind]` its bits; the first kind with
    a bit from `DOT` on is `marks`: kinds from there on are few characters each.
    """

    table: NDArray[np.uint8]
    properties: NDArray[np.int64]
    marks: int


@cache
def find_kinds(end_marks: tuple[str, ...], hant: tuple[str, ...], hans: tuple[str, ...]) -> Kinds:
    """The kinds of characters, where some properties are by lists (each item a character)."""
    bits = _code_properties().copy()
    for flag, characters in (*_SINGLES.items(), (END_MARK, end_marks), (HANT, hant), (HANS, hans)):
        bits[[ord(character) for character in characters]] |= flag
    properties, kinds = np.unique(bits, return_inverse=True)
    table = np.full(0x110000, kinds[_PLANES_END - 1], dtype=np.uint8)
    table[:_PLANES_END] = kinds[:_PLANES_END]
    table[_TAGS:_TAGS_END] = kinds[_PLANES_END:-1]
    table[_PRIVATE:] = kinds[-1]
    table[[0xFFFFE, 0xFFFFF, 0x10FFFE, 0x10FFFF]] = kinds[_PLANES_END - 1]
    marks = int(np.searchsorted(properties, DOT))
    properties = properties.astype(np.int64)
    is_plain = (properties & (ALNUM | COMBINING) > 0) & (properties & (HAN | KANA) == 0)
    return Kinds(table, properties | PLAIN * is_plain, marks)


@cache
def _code_properties() -> NDArray[np.uint64]:
    """Properties of the code points of the assigned planes, of the tags, and of one private one."""
    codes = [*range(_PLANES_END), *range(_TAGS, _TAGS_END), _PRIVATE]
    categories = np.array([unicodedata.category(chr(code)) for code in codes])
    bits = np.zeros(len(codes), dtype=np.uint64)
    for category in np.unique(categories):
        bits[categories == category] = _category_bits(str(category))
    for place in np.flatnonzero((categories != "Cn") & (categories != "Lo")):
        bits[place] |= _method_bits(chr(codes[place]))
    bits[[0xFFFD, *range(0x80, 0xA0)]] |= GARBLED
    scripts = letter_table()
    for script, flag in ((SCRIPT_HAN, HAN), (SCRIPT_KANA, KANA), (SCRIPT_LATIN, LATIN)):
        bits[: scripts.size][scripts == script] |= flag
    return bits


def _category_bits(category: str) -> int:
    by_name = {
        "Co": SYMBOL | GARBLED, "Cn": SYMBOL, "Cc": APART, "Cf": APART,
        "So": SYMBOL | FRONT | BACK | PICTURE, "Sc": SYMBOL | FRONT,
    }  # fmt: skip
    by_letter = {"L": LETTER | ALNUM, "M": COMBINING, "P": PUNCTUATION, "S": SYMBOL}
    return by_name.get(category, by_letter.get(category[0], 0))


def _method_bits(character: str) -> int:
    bits = SPACE if character.isspace() else 0
    bits |= ALNUM if character.isalnum() else 0
    bits |= DIGIT if character.isdigit() else 0
    return bits | (UPPER if character.isupper() and character.isalpha() else 0)
