"""Words and marks of texts; the compiled half."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.signals_chars import Chars
from datakit.kernels.signals_kinds import APART, HAN, KANA, LETTER, PLAIN, SPACE, UPPER, Kinds
from datakit.kernels.signals_lists import MIX
from datakit.kernels.signals_marks import mark_text
from datakit.kernels.simd import Offsets, Words, kernel, part

COUNTS = ("words", "tokens", "word_chars", "alpha_tokens")
"""Columns of what `read_tokens` counts."""

WORDS, TOKENS, WORD_CHARS, ALPHA_TOKENS = range(len(COUNTS))

IS_WORD, SPACED, HAS_LETTER = 1, 2, 4

Totals: TypeAlias = NDArray[np.int64]
Lower: TypeAlias = NDArray[np.uint16]


class Tokens(NamedTuple):
    """The tokens of some texts, one after the other, from `bounds[i]` to `bounds[i + 1]` those of
    text i: a hash of each as it is and in lower case, its characters, and `IS_WORD`, `HAS_LETTER`,
    and `SPACED` where a space stands before it.
    """

    keys: Words
    lower: Words
    sizes: NDArray[np.int32]
    flags: NDArray[np.uint8]
    bounds: Offsets


@part
def read_text(chars: Chars, row: int, kinds: Kinds, lower: Lower, tokens: Tokens) -> int:
    """Part one text into tokens where `chars.begins` says; the number behind the last."""
    codes, begins, properties = chars.codes, chars.begins, kinds.properties
    at, stop, n, spaced = chars.bounds[row], chars.bounds[row + 1], tokens.bounds[row], 0
    while at < stop:
        start, flags = at, peek(properties, peek(chars.kinds, at))
        if flags & (SPACE | APART):
            spaced |= SPACED * (flags & SPACE > 0)
            at += 1
            continue
        key, met = np.uint64(peek(codes, at)) * MIX, flags
        at += 1
        while at < stop and not peek(begins, at):
            flags = peek(properties, peek(chars.kinds, at))
            if flags & (SPACE | APART):
                break
            key = (key ^ np.uint64(peek(codes, at))) * MIX
            met |= flags
            at += 1
        is_word = met & (PLAIN | HAN | KANA) > 0
        poke(tokens.keys, n, key)
        poke(tokens.lower, n, hash_lower(codes, start, at, lower) if met & UPPER else key)
        poke(tokens.sizes, n, at - start)
        poke(tokens.flags, n, is_word * IS_WORD | (met & LETTER > 0) * HAS_LETTER | spaced)
        spaced = 0
        n += 1
    return int(n)


@part
def hash_lower(codes: NDArray[np.uint32], at: int, stop: int, lower: Lower) -> np.uint64:
    """The hash of some characters' lower case."""
    key = np.uint64(0)
    for i in range(at, stop):
        code = codes[i]
        key = (key ^ np.uint64(lower[code] if code < lower.size else code)) * MIX
    return key


@part
def add_up(tokens: Tokens, start: int, stop: int, counts: Totals) -> None:
    """Count what `COUNTS` names among the tokens from `start` to `stop`."""
    words, word_chars, alpha = np.int64(0), np.int64(0), np.int64(0)
    for i in range(start, stop):
        flags = peek(tokens.flags, i)
        is_word = flags & IS_WORD
        words += is_word
        word_chars += is_word * peek(tokens.sizes, i)
        alpha += flags & HAS_LETTER > 0
    counts[WORDS], counts[WORD_CHARS], counts[ALPHA_TOKENS] = words, word_chars, alpha
    counts[TOKENS] = stop - start


@kernel
def read_tokens(
    chars: Chars, kinds: Kinds, lower: Lower, tokens: Tokens, counts: Totals, *, is_cut: bool
) -> None:
    """Part every text into tokens, and count what `COUNTS` names, a row a text. `chars.begins` says
    where tokens begin if `is_cut`, and is filled in here if not.
    """
    for row in range(chars.bounds.size - 1):
        if not is_cut:
            mark_text(chars, row, kinds.properties)
        stop = read_text(chars, row, kinds, lower, tokens)
        add_up(tokens, tokens.bounds[row], stop, counts[row])
        tokens.bounds[row + 1] = stop
