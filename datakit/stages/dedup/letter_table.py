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

# Letters end here; what lies beyond (private use, mostly) is a sign each.
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

    codes = np.arange(LAST, dtype=np.uint32)
    codes = codes[(codes < 0xD800) | (codes > 0xDFFF)]
    is_wide = (codes >= _WIDE_FIRST) & (codes <= _WIDE_LAST)
    narrow = _characters(np.where(is_wide, codes - np.uint32(_WIDE_SHIFT), codes))
    lower = "".join(narrow.str.to_lowercase().str.head(1))
    folded = np.frombuffer(lower.encode("utf-32-le"), dtype=np.uint32)
    characters = _characters(codes)

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


def _characters(codes: NDArray[np.uint32]) -> pl.Series:
    return pl.Series(list(codes.astype("<u4").tobytes().decode("utf-32-le")))
