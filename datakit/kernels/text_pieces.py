"""Pieces of texts between the places at which a span may be cut: sentences, or runs of words."""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.layout_marks import mark_line, read_line
from datakit.kernels.line_units import Units
from datakit.kernels.simd import Bytes, Offsets, Words, kernel, part
from datakit.kernels.utf8 import char_size, code_at, is_white, is_wide, skip_white, strip_white
from datakit.kernels.xxh64 import hash_one

SENTENCES, WORDS = 0, 1

_FULL_STOP = 0x2E
_LONGEST_ABBREVIATION = 2
_SEEN = np.uint64((1 << 10) - 1)
"""Bits of a hash of what stands before a place; as many characters decide on them."""
_NO_HASH = np.uint64(1 << 63)
_REACH = 40
"""Letters within which a run of words ends; a wide character counts for two."""

_SIZES = np.zeros(256, dtype=np.int64)
"""Size of the character that a byte begins, if no such character ends a sentence and all are wide
or none is; else 0."""
_SIZES[:0x80], _SIZES[0xC2:0xE0], _SIZES[[0xE1, *range(0xE4, 0xED), 0xEE]] = 1, 2, 3
_SIZES[[*b".!?", 0xD8, 0xDB]] = 0
_ARE_WIDE = np.zeros(256, dtype=np.bool_)
_ARE_WIDE[0xE4:0xED] = True


@part
def is_mark(code: int) -> bool:
    """Whether a character always ends a sentence: 。 ！ ？ ； … and ! ? ‼ ⁉ । ؟ ۔."""
    if code < 0x80:
        return code in (0x21, 0x3F)
    return code in (
        0x3002,
        0xFF01,
        0xFF1F,
        0xFF1B,
        0x2026,
        0x203C,
        0x2049,
        0x0964,
        0x061F,
        0x06D4,
        0xFF61,
    )


@part
def is_closing(code: int) -> bool:
    """Whether a character behind the end of a sentence still belongs to it: ” ’ 」 』 ） ..."""
    if code < 0x80:
        return code in (0x22, 0x27, 0x29, 0x5D)
    return code in (0x201D, 0x2019, 0x300D, 0x300F, 0xFF09, 0x3011, 0x300B, 0x00BB)


@part
def is_letter(byte: int) -> bool:
    """Whether a byte is an ASCII letter."""
    return 0x61 <= byte | 0x20 <= 0x7A


@part
def is_abbreviation(data: Bytes, start: int, at: int) -> bool:
    """Whether the word before the full stop at `at` looks like p. or Dr.: one letter, or two of
    which the first is a capital.
    """
    first = at
    while first > start and at - first <= _LONGEST_ABBREVIATION and is_letter(int(data[first - 1])):
        first -= 1
    size = at - first
    return size == 1 or (1 < size <= _LONGEST_ABBREVIATION and data[first] < 0x60)


@part
def may_follow(data: Bytes, at: int, stop: int) -> bool:
    """Whether a sentence may begin at `at`, behind white space: not with a small letter or digit,
    which hint at an abbreviation or a number before.
    """
    if at >= stop:
        return True
    byte = int(data[at])
    return not (0x61 <= byte <= 0x7A or 0x30 <= byte <= 0x39)


@part
def close_sentence(data: Bytes, at: int, stop: int) -> int:
    """Where a sentence ends whose first end mark lies before `at`: behind further marks and
    closing quotation marks and brackets.
    """
    while at < stop:
        code = code_at(data, at)
        if not (is_mark(code) or is_closing(code) or code == _FULL_STOP):
            return at
        at += char_size(data, at)
    return at


@part
def ascii_end(data: Bytes, start: int, at: int, stop: int) -> int:
    """As `sentence_end` for one of `. ! ?`, which must be followed by white space, a wide
    character or nothing: an address or a number has them too.
    """
    behind = close_sentence(data, at + 1, stop)
    following = skip_white(data, behind, stop)
    if following == behind and behind < stop and not is_wide(code_at(data, behind)):
        return 0
    if data[at] != _FULL_STOP:
        return behind
    is_inside = is_abbreviation(data, start, at) or not may_follow(data, following, stop)
    return 0 if is_inside else behind


@part
def sentence_end(data: Bytes, start: int, at: int, stop: int) -> int:
    """Where the sentence ends if the character at `at` ends it, else 0. `start`: of the line."""
    if data[at] < 0x80:
        return ascii_end(data, start, at, stop) if _SIZES[data[at]] == 0 else 0
    if not is_mark(code_at(data, at)):
        return 0
    return close_sentence(data, at + char_size(data, at), stop)


@part
def next_sentence(data: Bytes, at: int, stop: int, wide: int) -> tuple[int, int]:
    """Where the sentence from `at` on ends, and its weight."""
    start, weight = at, 0
    while at < stop:
        byte = data[at]
        if _SIZES[byte]:
            at += _SIZES[byte]
            weight += wide if _ARE_WIDE[byte] else 1
            continue
        end = sentence_end(data, start, at, stop)
        until = end if end else at + char_size(data, at)
        while at < until:
            weight += wide if is_wide(code_at(data, at)) else 1
            at += char_size(data, at)
        if end:
            break
    return at, weight


@part
def next_words(
    data: Bytes, at: int, stop: int, wide: int, begins: tuple[np.uint64, np.uint64]
) -> tuple[int, int, np.uint64, np.uint64]:
    """Where the run of words from `at` on ends, its weight, and what the next one begins with: the
    hash of the characters before it, and the part of that by which the place was chosen.

    A run ends before a word or a wide character: at the first place that has a lower hash than
    the run `begins` with, else at the lowest within `_REACH` (winnowing, Schleimer et al. 2003).
    So no run is longer, unless a single word is, and equal texts are cut at the same places once
    they have been equal for so long.
    """
    state, least = begins
    best = (stop, 0, state, _NO_HASH)
    start, weight, letters, was_white, was_wide = at, 0, 0, False, False
    while at < stop:
        code = code_at(data, at)
        broad, white = is_wide(code), is_white(code)
        if at > start and not white and (broad or was_wide or was_white):
            found = state & _SEEN
            if letters > _REACH and best[0] < stop:
                return best
            if found <= best[3]:
                best = (at, weight, state, found)
            if found < least:
                return best
        weight += wide if broad else 1
        if not white:
            letters += 2 if broad else 1
            mixed = np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)
            state = (state << np.uint64(1)) + (mixed ^ mixed >> np.uint64(29))
        was_white, was_wide = white, broad
        at += char_size(data, at)
    if letters > _REACH and best[0] < stop:
        return best
    return stop, weight, state, _NO_HASH


@kernel
def scan_pieces(
    texts: tuple[Bytes, Offsets], rules: tuple[int, int, int], found: tuple[Offsets, Words]
) -> int:
    """Write the pieces' owners, starts, stops and weights, and their two hashes; how many there
    are, -1 if there is no room for them.
    """
    data, offsets = texts
    edges, wide, kinds = rules
    places, hashes = found
    count, most = 0, places.shape[1]
    for text in range(offsets.size - 1):
        at, stop, fence = offsets[text], offsets[text + 1], 0
        while at < stop:
            end, tabs = read_line(data, at, stop)
            first = skip_white(data, at, end)
            at = end + 1
            if first >= end:
                continue
            last = strip_white(data, first, end)
            kind, fence = mark_line(data, first, last, (tabs, fence))
            is_looked_at, state, least = kinds >> kind & 1, np.uint64(0), np.uint64(0)
            while first < last:
                if count == most:
                    return -1
                if not is_looked_at:
                    behind, weight = last, -1
                elif edges == SENTENCES:
                    behind, weight = next_sentence(data, first, last, wide)
                else:
                    begins = state, least
                    behind, weight, state, least = next_words(data, first, last, wide, begins)
                until = strip_white(data, first, behind)
                places[0, count], places[1, count], places[2, count] = text, first, until
                places[3, count] = weight
                hashes[0, count] = hash_one(data, first, until, np.uint64(0))
                hashes[1, count] = hash_one(data, first, until, np.uint64(1))
                count += 1
                first = skip_white(data, behind, last)
    return count


def find_pieces(
    texts: tuple[Bytes, Offsets], *, edges: int, wide: int, kinds: int
) -> tuple[Units, NDArray[np.int64]]:
    """The pieces of the texts `data[offsets[i]:offsets[i + 1]]`, and the weight of each: its
    characters, wide ones counting `wide`; -1 for a line whose kind (see `layout_marks`) is not
    among `kinds`.

    `edges`: pieces are `SENTENCES` or `WORDS` (runs of them); the end of a line ends either.
    """
    offsets = texts[1]
    most = int(offsets[-1] - offsets[0]) // 8 + offsets.size
    while True:
        places = np.empty((4, most), dtype=np.int64)
        hashes = np.empty((2, most), dtype=np.uint64)
        count = scan_pieces(texts, (edges, wide, kinds), (places, hashes))
        if count >= 0:
            return Units(*places[:3, :count], *hashes[:, :count]), places[3, :count]
        most *= 4
