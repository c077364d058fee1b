"""What each character is to a comparison, from the Unicode tables of the pattern engine."""

from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.text.characters import NOT_NFC

# Scripts that put no space between words; in them a character is the unit.
UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
)
LETTERS = r"\p{L}\p{M}\p{N}"
# Zero-width joiners, variation selectors, soft hyphens, marks of direction: seen by nobody.
UNSEEN = r"[\p{Default_Ignorable_Code_Point}--\u{200b}\u{115f}\u{1160}\u{3164}\u{ffa0}]"

# Letters end here; the last entry, a sign, stands for all beyond.
LAST = 0x32400

_WIDE_FIRST, _WIDE_LAST, _WIDE_SHIFT = 0xFF01, 0xFF5E, 0xFEE0


@cache
def load_letter_table() -> NDArray[np.uint32]:
    """The table of `kernels.letters`: for each code point below `LAST`, kind and folded form.

    Folded: full-width ASCII forms narrow, then lower case (its first character where there are
    several).
    """
    from datakit.kernels.letters import (
        IGNORED,
        KIND_SHIFT,
        MAYBE_NOT_NFC,
        SIGN,
        SPACE,
        SPACED,
    )
    from datakit.kernels.letters import (
        UNSPACED as UNSPACED_KIND,
    )

    codes = np.array([code for code in range(LAST) if not 0xD800 <= code < 0xE000])
    is_wide = (codes >= _WIDE_FIRST) & (codes <= _WIDE_LAST)
    narrow = pl.Series([chr(code) for code in np.where(is_wide, codes - _WIDE_SHIFT, codes)])
    folded = np.array([ord(text[0]) for text in narrow.str.to_lowercase()], dtype=np.uint32)
    characters = pl.Series([chr(code) for code in codes])

    def among(pattern: str, of: pl.Series = narrow) -> NDArray[np.bool_]:
        return of.str.contains(pattern).to_numpy()

    kind = np.full(codes.size, SIGN, dtype=np.uint32)
    kind[among(f"[{LETTERS}]")] = SPACED
    kind[among(f"[{UNSPACED}]")] = UNSPACED_KIND
    kind[~among(f"[{LETTERS}]") & (kind == UNSPACED_KIND)] = SIGN
    kind[among(r"[\s\p{Cc}\u{200b}]")] = SPACE
    kind[among(UNSEEN)] = IGNORED
    table = np.full(LAST, SIGN << KIND_SHIFT, dtype=np.uint32)
    table[codes] = folded | kind << KIND_SHIFT
    table[codes[among(NOT_NFC, characters)]] |= MAYBE_NOT_NFC
    return table
