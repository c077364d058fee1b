"""Words and marks of texts, and the words that are on lists; the compiled half."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_chars import Chars
from datakit.kernels.signals_kinds import (
    ALNUM,
    APART,
    APOSTROPHE,
    ASCII_DIGIT,
    COMBINING,
    COMMA,
    DOT,
    HAN,
    KANA,
    LETTER,
    SPACE,
    UPPER,
    Kinds,
)
from datakit.kernels.signals_lists import AS_IS, IN_LOWER_CASE, MIX, Listed
from datakit.kernels.simd import Offsets, Words, kernel, part

COUNTS = ("words", "tokens", "word_chars", "alpha_tokens", "dot_triples")
"""Columns of what `read_tokens` counts; triples of dots are those of runs of `.` alone."""

WORDS, TOKENS, WORD_CHARS, ALPHA_TOKENS, DOT_TRIPLES = range(len(COUNTS))

IS_WORD, SPACED = 1, 2
_GLUE = DOT | COMMA
_SOLO = HAN | KANA
_WORD = ALNUM | COMBINING


class Tokens(NamedTuple):
    """The tokens of some texts, one after the other, from `bounds[i]` to `bounds[i + 1]` those of
    text i: a hash of each as it is and in lower case, its characters, and `IS_WORD`, and `SPACED`
    where a space stands before it.
    """

    keys: Words
    lower: Words
    sizes: NDArray[np.int32]
    flags: NDArray[np.uint8]
    bounds: Offsets


@part
def word_end(chars: Chars, at: int, stop: int, properties: NDArray[np.int64]) -> tuple[int, int]:
    """The place behind the word that begins at `at`, and the properties that any character of it
    has.
    """
    kinds, begins = chars.kinds, chars.begins
    met = properties[kinds[at]]
    solo = met & _SOLO
    at += 1
    while at < stop:
        flags = properties[kinds[at]]
        if flags & _WORD:
            if flags & ALNUM and (solo or flags & _SOLO):
                # A Han character goes on with a Han word if a segmenter says so; nothing else.
                goes_on = solo & flags & HAN and begins.size > 0 and begins[at] == 0
                if not goes_on:
                    break
        elif not flags & _GLUE or not is_in_number(kinds, at, stop, properties):
            break
        met |= flags
        at += 1
    return at, met


@part
def is_in_number(
    kinds: NDArray[np.uint8], at: int, stop: int, properties: NDArray[np.int64]
) -> bool:
    """Whether the dot or comma at `at`, behind a word, stands between two digits."""
    if at + 1 >= stop or not properties[kinds[at + 1]] & ASCII_DIGIT:
        return False
    return properties[kinds[at - 1]] & ASCII_DIGIT > 0


@part
def is_elision(chars: Chars, at: int, span: tuple[int, int], properties: NDArray[np.int64]) -> bool:
    """Whether the apostrophe at `at` stands between two letters that are no word each."""
    if at == span[0] or at + 1 == span[1]:
        return False
    before, after = properties[chars.kinds[at - 1]], properties[chars.kinds[at + 1]]
    return before & after & LETTER > 0 and not (before | after) & _SOLO


@part
def hash_token(codes: NDArray[np.uint32], at: int, stop: int) -> np.uint64:
    """A hash of some characters."""
    key = np.uint64(0)
    for i in range(at, stop):
        key = (key ^ np.uint64(codes[i])) * MIX
    return key


@part
def hash_lower(
    codes: NDArray[np.uint32], at: int, stop: int, lower: NDArray[np.uint16]
) -> np.uint64:
    """The hash of some characters' lower case."""
    key = np.uint64(0)
    for i in range(at, stop):
        code = codes[i]
        key = (key ^ np.uint64(lower[code] if code < lower.size else code)) * MIX
    return key


@part
def read_text(
    chars: Chars,
    row: int,
    kinds: Kinds,
    lower: NDArray[np.uint16],
    tokens: Tokens,
    counts: NDArray[np.int64],
) -> None:
    """Part one text into tokens."""
    at, stop, properties = chars.bounds[row], chars.bounds[row + 1], kinds.properties
    span, n, spaced = (at, stop), tokens.bounds[row], 0
    while at < stop:
        flags, start = properties[chars.kinds[at]], at
        if flags & (SPACE | APART):
            spaced |= SPACED * (flags & SPACE > 0)
            at += 1
            continue
        is_word = flags & _WORD > 0 or (
            flags & APOSTROPHE > 0 and is_elision(chars, at, span, properties)
        )
        if is_word:
            at, met = word_end(chars, at, stop, properties)
            counts[WORDS] += 1
            counts[WORD_CHARS] += at - start
            counts[ALPHA_TOKENS] += met & LETTER > 0
        else:
            met, code = 0, chars.codes[start]
            while at < stop and chars.codes[at] == code:
                at += 1
            counts[DOT_TRIPLES] += (at - start) // 3 * (flags & DOT > 0)
        key = hash_token(chars.codes, start, at)
        tokens.keys[n] = key
        tokens.lower[n] = hash_lower(chars.codes, start, at, lower) if met & UPPER else key
        tokens.sizes[n] = at - start
        tokens.flags[n] = is_word | spaced
        spaced = 0
        n += 1
    tokens.bounds[row + 1] = n
    counts[TOKENS] = n - tokens.bounds[row]


@kernel
def read_tokens(
    chars: Chars, kinds: Kinds, lower: NDArray[np.uint16], tokens: Tokens, counts: NDArray[np.int64]
) -> None:
    """Part every text into tokens, and count what `COUNTS` names, a row a text."""
    for row in range(chars.bounds.size - 1):
        read_text(chars, row, kinds, lower, tokens, counts[row])


@part
def look_up(
    listed: Listed,
    key: np.uint64,
    way: int,
    row: int,
    met: NDArray[np.int32],
    hits: NDArray[np.int64],
) -> None:
    """Count the lists that have a word, of those that are met in this way."""
    mask = listed.keys.size - 1
    slot = np.int64(key >> np.uint64(40)) & mask
    while listed.ways[slot]:
        if listed.keys[slot] == key and listed.ways[slot] & way:
            place = 2 * np.int64(listed.lists[slot])
            hits[place] += 1
            hits[place + 1] += met[slot] != row
            met[slot] = row
        slot = (slot + 1) & mask


@kernel
def count_listed(tokens: Tokens, listed: Listed, counts: NDArray[np.int64]) -> None:
    """Hits of each list, and different words of it that were hit, a row a text: columns 2 l and
    2 l + 1 for list l.
    """
    met = np.full(listed.keys.size, -1, dtype=np.int32)
    for row in range(tokens.bounds.size - 1):
        for i in range(tokens.bounds[row], tokens.bounds[row + 1]):
            key, small = tokens.keys[i], tokens.lower[i]
            if key == small:
                look_up(listed, key, AS_IS | IN_LOWER_CASE, row, met, counts[row])
            else:
                look_up(listed, key, AS_IS, row, met, counts[row])
                look_up(listed, small, IN_LOWER_CASE, row, met, counts[row])
