"""Words and marks of texts, and the words that are on lists; the compiled half."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.signals_chars import Chars
from datakit.kernels.signals_kinds import (
    APART,
    APOSTROPHE,
    ASCII_DIGIT,
    COMBINING,
    COMMA,
    DOT,
    HAN,
    KANA,
    LETTER,
    PLAIN,
    SPACE,
    UPPER,
    Kinds,
)
from datakit.kernels.signals_lists import AS_IS, BOTH, IN_LOWER_CASE, MIX, Listed
from datakit.kernels.simd import Offsets, Words, kernel, part

COUNTS = ("words", "tokens", "word_chars", "alpha_tokens", "dot_triples")
"""Columns of what `read_tokens` counts; triples of dots are those of runs of `.` alone."""

WORDS, TOKENS, WORD_CHARS, ALPHA_TOKENS, DOT_TRIPLES = range(len(COUNTS))

IS_WORD, SPACED = 1, 2
_GLUE = DOT | COMMA
_SOLO = HAN | KANA


Totals: TypeAlias = NDArray[np.int64]
Places: TypeAlias = NDArray[np.int32]


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
def word_end(chars: Chars, at: int, stop: int, properties: NDArray[np.int64]) -> int:
    """The place behind the word that goes on at `at`, behind a Han or kana character."""
    kinds, begins = chars.kinds, chars.begins
    is_han = peek(properties, peek(kinds, at - 1)) & HAN
    while at < stop:
        flags = peek(properties, peek(kinds, at))
        goes_on = flags & COMBINING
        if is_han & flags and begins.size > 0:
            goes_on |= begins[at] == 0
        if not goes_on:
            break
        at += 1
    return at


@part
def plain_end(
    chars: Chars, at: int, stop: int, properties: NDArray[np.int64]
) -> tuple[int, int, np.uint64]:
    """The place behind the word of letters and digits that begins at `at`, the properties that
    any character of it has, and its hash.
    """
    codes, kinds = chars.codes, chars.kinds
    key, met = np.uint64(peek(codes, at)) * MIX, peek(properties, peek(kinds, at))
    at += 1
    while at < stop:
        flags = peek(properties, peek(kinds, at))
        if not flags & PLAIN and not (flags & _GLUE and is_in_number(kinds, at, stop, properties)):
            break
        key = (key ^ np.uint64(peek(codes, at))) * MIX
        met |= flags
        at += 1
    return at, met, key


@part
def is_in_number(
    kinds: NDArray[np.uint8], at: int, stop: int, properties: NDArray[np.int64]
) -> bool:
    """Whether the dot or comma at `at`, behind a word, stands between two digits."""
    if at + 1 >= stop or not properties[kinds[at + 1]] & ASCII_DIGIT:
        return False
    return bool(properties[kinds[at - 1]] & ASCII_DIGIT)


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
    chars: Chars, row: int, kinds: Kinds, lower: NDArray[np.uint16], tokens: Tokens, counts: Totals
) -> None:
    """Part one text into tokens."""
    codes, properties = chars.codes, kinds.properties
    at, stop, n, spaced = chars.bounds[row], chars.bounds[row + 1], tokens.bounds[row], 0
    span, words, word_chars, alpha, triples = (at, stop), 0, np.int64(0), 0, np.int64(0)
    while at < stop:
        start, code = at, peek(codes, at)
        flags = peek(properties, peek(chars.kinds, at))
        # Nothing that counts of a mark; replaced where a word begins.
        met, key = flags & (LETTER | UPPER), np.uint64(code) * MIX
        if flags & (SPACE | APART):
            spaced |= SPACED * (flags & SPACE > 0)
            at += 1
            continue
        is_word = flags & (PLAIN | _SOLO) > 0
        if flags & PLAIN or (flags & APOSTROPHE and is_elision(chars, at, span, properties)):
            at, met, key = plain_end(chars, at, stop, properties)
            is_word = True
        elif flags & _SOLO:
            at = word_end(chars, at + 1, stop, properties)
            if at > start + 1:
                key = hash_token(codes, start, at)
        else:
            at += 1
            while at < stop and peek(codes, at) == code:
                key = (key ^ np.uint64(code)) * MIX
                at += 1
            triples += (at - start) // 3 if flags & DOT else 0
        words += is_word
        word_chars += (at - start) * is_word
        alpha += met & LETTER > 0
        poke(tokens.keys, n, key)
        poke(tokens.lower, n, hash_lower(codes, start, at, lower) if met & UPPER else key)
        poke(tokens.sizes, n, at - start)
        poke(tokens.flags, n, is_word | spaced)
        spaced = 0
        n += 1
    counts[WORDS], counts[WORD_CHARS], counts[ALPHA_TOKENS] = words, word_chars, alpha
    counts[DOT_TRIPLES], counts[TOKENS] = triples, n - tokens.bounds[row]
    tokens.bounds[row + 1] = n


@kernel
def read_tokens(
    chars: Chars, kinds: Kinds, lower: NDArray[np.uint16], tokens: Tokens, counts: Totals
) -> None:
    """Part every text into tokens, and count what `COUNTS` names, a row a text."""
    for row in range(chars.bounds.size - 1):
        read_text(chars, row, kinds, lower, tokens, counts[row])


@part
def count_word(listed: Listed, key: Any, counts: Places) -> Any:
    """Count a word at its number, or at 0; its number if it is there the first time, else 0."""
    at = np.int64(peek(listed.slots, key * listed.factor >> listed.shift))
    at *= peek(listed.keys, at) == key
    count = peek(counts, at)
    poke(counts, at, count + 1)
    return at * (count == 0)


@part
def add_up(listed: Listed, places: Places, words: Places, hits: Totals) -> None:
    """Add the counts of the words at `places` to the lists that have them, and clear them."""
    lists = listed.lists
    for at in places:
        as_is, small = (
            words[AS_IS, at] + words[BOTH, at],
            words[IN_LOWER_CASE, at] + words[BOTH, at],
        )
        words[AS_IS, at] = words[IN_LOWER_CASE, at] = words[BOTH, at] = 0
        for number in range(hits.size // 2):
            count = as_is * (lists[AS_IS, at] >> number & 1)
            count += small * (lists[IN_LOWER_CASE, at] >> number & 1)
            hits[2 * number] += count
            hits[2 * number + 1] += count > 0


@part
def count_text(tokens: Tokens, row: int, listed: Listed, words: Places, places: Places) -> int:
    """Count the words of one text; how many `places` have a count then."""
    keys, lower, new = tokens.keys, tokens.lower, 0
    as_is, small, both = words[AS_IS], words[IN_LOWER_CASE], words[BOTH]
    for i in range(tokens.bounds[row], tokens.bounds[row + 1]):
        key, low = peek(keys, i), peek(lower, i)
        if key == low:
            at = count_word(listed, key, both)
        else:
            at = count_word(listed, key, as_is)
            poke(places, new, at)
            new += at > 0
            at = count_word(listed, low, small)
        poke(places, new, at)
        new += at > 0
    return new


@kernel
def count_listed(tokens: Tokens, listed: Listed, counts: Totals) -> None:
    """Hits of each list, and different words of it that were hit, a row a text: columns 2 l and
    2 l + 1 for list l.
    """
    size = listed.keys.size
    words, places = np.zeros((3, size), dtype=np.int32), np.zeros(3 * size, dtype=np.int32)
    for row in range(tokens.bounds.size - 1):
        new = count_text(tokens, row, listed, words, places)
        add_up(listed, places[:new], words, counts[row])
