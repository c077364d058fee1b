"""Lines, paragraphs and sentences of texts, and which lines stood before; the compiled half."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_access import peek
from datakit.kernels.signals_chars import Chars
from datakit.kernels.signals_kinds import (
    ALNUM,
    APOSTROPHE,
    BULLET,
    CLOSER,
    COMBINING,
    DOT,
    ELLIPSIS,
    END_MARK,
    HAN,
    KANA,
    LATIN,
    LETTER,
    NEWLINE,
    QUOTE_END,
    SOFT_END,
    SPACE,
    STOP,
    Kinds,
)
from datakit.kernels.signals_lists import MIX
from datakit.kernels.simd import Words, kernel, part

COUNTS = (
    "lines", "sentences", "max_line_chars", "end_mark_lines", "closed_lines", "short_lines",
    "bullet_lines", "ellipsis_lines", "dup_lines", "dup_line_chars", "paragraphs",
    "dup_paragraphs", "dup_paragraph_chars",
)  # fmt: skip
"""Columns of what `measure_lines` counts."""

(
    LINES, SENTENCES, LONGEST, END_MARKED, CLOSED, SHORT,
    BULLETS, ELLIPSES, DUP_LINES, DUP_LINE_CHARS, PARAGRAPHS,
    DUP_PARAGRAPHS, DUP_PARAGRAPH_CHARS,
) = range(len(COUNTS))  # fmt: skip

SHORT_LINE = 30
_HALF = np.uint64(32)


class Seen(NamedTuple):
    """A hash set of 64-bit keys; `stamps` says in which round a key was entered, so that a new
    round begins with an empty set.
    """

    keys: Words
    stamps: NDArray[np.int32]


@part
def table_size(entries: int) -> int:
    """The least power of two that leaves a table of `entries` half empty."""
    size = 16
    while size < 2 * entries:
        size *= 2
    return size


@part
def enter(seen: Seen, key: np.uint64, size: int, stamp: int) -> bool:
    """Enter a key among the first `size` (a power of two) places; whether it was there before."""
    slot = np.int64((key ^ key >> _HALF) * MIX >> _HALF) & (size - 1)
    while seen.stamps[slot] == stamp:
        if seen.keys[slot] == key:
            return True
        slot = (slot + 1) & (size - 1)
    seen.stamps[slot] = stamp
    seen.keys[slot] = key
    return False


@part
def is_initial(chars: Chars, at: int, start: int, properties: NDArray[np.int64]) -> bool:
    """Whether the character at `at` is a word that is one Latin letter."""
    kinds = chars.kinds
    if at < start or not properties[kinds[at]] & LATIN:
        return False
    before = at - 1
    while before >= start and properties[kinds[before]] & COMBINING:
        before -= 1
    flags = properties[kinds[before]] if before >= start else 0
    if before == at - 1 and before > start and flags & APOSTROPHE:
        # Between two letters it belongs to the word.
        earlier = properties[kinds[before - 1]]
        return not (earlier & LETTER and not earlier & (HAN | KANA))
    if flags & ALNUM:
        return bool(flags & (HAN | KANA))
    return before == at - 1


@part
def end_sentence(chars: Chars, span: tuple[int, int, int], properties: NDArray[np.int64]) -> int:
    """The place behind the end of a sentence at `at`, closers and all, as -place if nothing ends.

    `span` is (start of the text, at, its end); at `at` stands a mark that may end a sentence.
    """
    start, at, stop = span
    kinds, dots, after = chars.kinds, True, at
    while after < stop and peek(properties, peek(kinds, after)) & STOP:
        dots &= peek(properties, peek(kinds, after)) & DOT > 0
        after += 1
    if dots:
        if after < stop and not peek(properties, peek(kinds, after)) & (SPACE | CLOSER):
            return -after
        if is_initial(chars, at - 1, start, properties):
            return -after
    while after < stop and peek(properties, peek(kinds, after)) & CLOSER:
        after += 1
    return after


@part
def judge_ends(
    chars: Chars,
    span: tuple[int, int, int],
    properties: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Count a line, which holds something, by its first and last characters; `span` is (its start,
    its first character that is no space, its end).
    """
    start, first, stop = span
    kinds, last = chars.kinds, properties[chars.kinds[stop - 1]]
    counts[LINES] += 1
    counts[LONGEST] = max(counts[LONGEST], stop - start)
    counts[SHORT] += stop - start <= SHORT_LINE
    counts[BULLETS] += properties[kinds[first]] & BULLET > 0
    counts[END_MARKED] += last & END_MARK > 0
    dots = 0
    while dots < 3 and stop - dots > first and properties[kinds[stop - 1 - dots]] & DOT:
        dots += 1
    counts[ELLIPSES] += dots == 3 or last & ELLIPSIS > 0
    inner = stop - 1
    while inner > first and properties[kinds[inner]] & CLOSER:
        inner -= 1
    flags = properties[kinds[inner]]
    ends = flags & (END_MARK | SOFT_END) and not flags & CLOSER
    counts[CLOSED] += bool(ends) or last & QUOTE_END > 0


@part
def read_line(
    chars: Chars, span: tuple[int, int, int], properties: NDArray[np.int64]
) -> tuple[int, int, int, np.uint64, np.int64]:
    """The line at `at`: its first character that is no space and the place behind its last, the
    place of its line feed (or `stop`), a hash of it up to the second, its sentences.

    `span` is (start of the text, at, stop).
    """
    codes, kinds = chars.codes, chars.kinds
    start, at, stop = span
    running = key = np.uint64(0)
    while at < stop and peek(properties, peek(kinds, at)) & (SPACE | NEWLINE) == SPACE:
        running = (running ^ np.uint64(peek(codes, at))) * MIX
        at += 1
    first = end = free = at
    sentences, met = np.int64(0), np.int64(0)
    while at < stop:
        flags = peek(properties, peek(kinds, at))
        if flags & (NEWLINE | STOP):
            if flags & NEWLINE:
                break
            if at >= free:
                after = end_sentence(chars, (start, at, stop), properties)
                sentences += after > 0 and met & ALNUM > 0
                met = np.int64(0) if after > 0 else met
                free = abs(after)
        running = (running ^ np.uint64(peek(codes, at))) * MIX
        met |= flags
        at += 1
        if not flags & SPACE:
            end, key = at, running
    return first, end, at, key, sentences + (met & ALNUM > 0)


@part
def close_paragraph(
    seen: Seen, key: np.uint64, size: int, stamp: int, counts: NDArray[np.int64], length: int
) -> None:
    """Count a paragraph of `length` characters."""
    counts[PARAGRAPHS] += 1
    if enter(seen, key, size, stamp):
        counts[DUP_PARAGRAPHS] += 1
        counts[DUP_PARAGRAPH_CHARS] += length


@part
def measure_text(
    chars: Chars,
    row: int,
    kinds: Kinds,
    seen: tuple[Seen, Seen],
    size: int,
    stamp: int,
    counts: NDArray[np.int64],
) -> None:
    """Count one text; `size` is that of the hash sets."""
    start, stop = chars.bounds[row], chars.bounds[row + 1]
    properties, at, length, paragraph = kinds.properties, start, 0, np.uint64(0)
    while at < stop:
        begin = at
        first, end, at, key, sentences = read_line(chars, (start, at, stop), properties)
        at += 1
        if first < end:
            judge_ends(chars, (begin, first, end), properties, counts)
            counts[SENTENCES] += sentences
            if enter(seen[0], key, size, stamp):
                counts[DUP_LINES] += 1
                counts[DUP_LINE_CHARS] += end - begin
            paragraph = (paragraph ^ key) * MIX + np.uint64(1)
            length += end - begin
        if length and (first == end or at >= stop):
            close_paragraph(seen[1], paragraph, size, stamp, counts, length)
            length, paragraph = 0, np.uint64(0)


@kernel
def measure_lines(
    chars: Chars,
    kinds: Kinds,
    seen: tuple[Seen, Seen],
    newlines: NDArray[np.int64],
    stamp: int,
    counts: NDArray[np.int64],
) -> None:
    """Count what `COUNTS` names, a row a text; stamps from `stamp` on are new to the sets."""
    for row in range(chars.bounds.size - 1):
        size = table_size(newlines[row] + 1)
        measure_text(chars, row, kinds, seen, size, stamp + row, counts[row])
