"""jieba's cutting of Han characters, compiled; see `segmentation.mark_words`.

Characters go through a few short loops, a block of runs at a time, instead of one loop with many
branches: which words begin where is then looked up for many places at once.
"""

import numpy as np

from datakit.kernels.choices import at_least, more, unless_zero
from datakit.kernels.jieba_guesses import Room, guess_pair, guess_run
from datakit.kernels.jieba_tables import (
    add_char,
    find_longer,
    find_pair,
    may_be_longer,
    may_be_pair,
)
from datakit.kernels.segmentation import FIRST, GOES_ON, LAST, Dictionary
from datakit.kernels.signals_access import peek, poke
from datakit.kernels.simd import Bytes, Offsets, kernel, part
from datakit.kernels.spelled_cuts import mark_spelled, skip_ascii

_BLOCK = 1024
_FIRST_LEAD, _LAST_LEAD = 0xE4, 0xE9  # the first bytes of U+4E00 and U+9FD5
_CHARS = np.uint32(LAST - FIRST + 1)
_BEFORE_FIRST = np.uint32(FIRST - 1)
_WORD = np.uint16(GOES_ON - 1)
_PAIR_SHIFT = np.uint64(15)


@kernel
def mark_all(
    data: Bytes, offsets: Offsets, words: Dictionary, marks: Bytes, *, spelled: bool
) -> None:
    """Set the marks of all characters that go on with a word to 0, of ASCII ones only if `spelled`.
    There is one mark more than bytes.
    """
    longest = 0
    for text in range(offsets.size - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    most = longest // 3 + 2 * _BLOCK
    room = Room(
        np.empty(most, np.uint16),
        np.empty(most, np.int64),
        np.empty(most, np.uint16),
        np.empty(most, np.int64),
        np.empty(most, np.float64),
        np.empty(most, np.uint8),
        np.empty(most + 2, np.int64),
        np.empty(most, np.uint8),
    )
    size = 0
    for text in range(offsets.size - 1):
        at, stop = offsets[text], offsets[text + 1]
        while at < stop:
            at, size = read(data, (at, stop, size), room, marks, spelled)
            room.places[size] = at
            if size >= _BLOCK:
                cut_block(size, words, room, marks)
                size = 0
    if size:
        cut_block(size, words, room, marks)


@part
def read(
    data: Bytes, span: tuple[int, int, int], room: Room, marks: Bytes, spelled: bool
) -> tuple[int, int]:
    """Read characters to the room, up to the end of the text or of a run that fills a block; where
    that is, and how many there are then. `span` is (at, the end, how many there are).
    """
    at, stop, size = span
    chars, places = room.chars, room.places
    in_run = 1  # so that a run of the text before is ended
    while at < stop:
        lead = peek(data, at)
        if (lead >= _FIRST_LEAD) & (lead <= _LAST_LEAD):
            char = han_at(data, at)
            poke(places, size, at)
            poke(chars, size, np.uint16(char))
            is_han = int(char > 0)
            size += in_run | is_han
            in_run = is_han
            at += 3
            continue
        poke(places, size, at)
        poke(chars, size, np.uint16(0))
        size += in_run
        in_run = 0
        if lead >= 0x80:
            at += 2 + (lead >= 0xE0) + (lead >= 0xF0)
        elif spelled:
            at = mark_spelled(data, at, stop, marks)
        else:
            at = skip_ascii(data, at, stop)
        if size >= _BLOCK:
            return at, size
    poke(places, size, stop)
    poke(chars, size, np.uint16(0))
    return at, size + in_run


@part
def han_at(data: Bytes, at: int) -> np.uint32:
    """The number of a character of jieba's range, or 0 for another one."""
    code = np.uint32(peek(data, at) & 0xF) << 12
    code |= np.uint32(peek(data, at + 1) & 0x3F) << 6 | np.uint32(peek(data, at + 2) & 0x3F)
    number = np.uint32(code - _BEFORE_FIRST)
    return number if number <= _CHARS else np.uint32(0)


@part
def cut_block(size: int, words: Dictionary, room: Room, marks: Bytes) -> None:
    """Mark the words of a block."""
    count = keep_longer(find_pairs(size, words, room), words, room)
    plan(size, count, words, room)
    for run in range(walk(size, room, marks)):
        start, stop = peek(room.runs, 2 * run), peek(room.runs, 2 * run + 1)
        if stop - start > 2:
            guess_run(words, room, (start, stop), marks)
        elif not peek(room.pairs, start) & _WORD:
            guess_pair(words, room, start, marks)


@part
def find_pairs(size: int, words: Dictionary, room: Room) -> int:
    """Look up every two characters; how many places there are where a longer word may begin."""
    chars, pairs, longer = room.chars, room.pairs, room.longer
    count = kept = 0
    for i in range(size - 1):
        pair = np.uint64(peek(chars, i)) << _PAIR_SHIFT | np.uint64(peek(chars, i + 1))
        poke(pairs, i, np.uint16(0))
        poke(longer, count, i)
        count += may_be_pair(words, pair)
    poke(pairs, size - 1, np.uint16(0))
    for k in range(count):
        i = peek(longer, k)
        pair = np.uint64(peek(chars, i)) << _PAIR_SHIFT | np.uint64(peek(chars, i + 1))
        held = find_pair(words, pair)
        poke(pairs, i, np.uint16(held))
        poke(longer, kept, i)
        kept += int(held >= np.uint64(GOES_ON))
    return kept


@part
def keep_longer(count: int, words: Dictionary, room: Room) -> int:
    """Keep the places whose third character may go on with a word; how many these are."""
    chars, longer, kept = room.chars, room.longer, 0
    for k in range(count):
        i = peek(longer, k)
        key = add_char(add_char(np.uint64(0), peek(chars, i)), peek(chars, i + 1))
        poke(longer, kept, i)
        kept += may_be_longer(words, add_char(key, peek(chars, i + 2)))
    return kept


@part
def plan(size: int, count: int, words: Dictionary, room: Room) -> None:
    """The likeliest word at each place, from the end back; of two that are as likely the longer."""
    chars, pairs, longer = room.chars, room.pairs, room.longer
    after = behind = 0.0  # the best ways on from the next place, and from the one behind it
    place = int(peek(longer, count - 1)) if count else -1
    for i in range(size - 1, -1, -1):
        char = int(np.int64(peek(chars, i)))
        one = peek(words.single, char) + after
        two = peek(words.weights, np.int64(peek(pairs, i) & _WORD)) + behind
        length, best = 1 + at_least(two, one), more(two, one)
        if i == place:
            length, best = plan_longer(i, (length, best), words, room)
            count -= 1
            place = int(peek(longer, count - 1)) if count else -1
        if best == -np.inf:  # it only begins words, and none of these is here
            length, best = 1, words.unknown + after
        behind = after
        after = unless_zero(char, best)
        poke(room.best, i, after)
        poke(room.sizes, i, np.uint8(length))


@part
def plan_longer(
    i: int, known: tuple[int, float], words: Dictionary, room: Room
) -> tuple[int, float]:
    """Length and weight of the likeliest word at a place, if one of three characters and more is as
    likely as the one that is `known`.
    """
    chars, (length, best) = room.chars, known
    key = add_char(add_char(np.uint64(0), peek(chars, i)), peek(chars, i + 1))
    last = i + 2
    while peek(chars, last):
        key = add_char(key, peek(chars, last))
        number = find_longer(words, key)
        if number == 0:
            break
        last += 1
        weight = peek(words.weights, number) + peek(room.best, last)
        if weight >= best and number > 1:
            length, best = last - i, weight
    return length, best


@part
def walk(size: int, room: Room, marks: Bytes) -> int:
    """Mark the words on the way; how many runs of single characters there are between them."""
    chars, places, sizes, runs = room.chars, room.places, room.sizes, room.runs
    at = single = count = 0
    while at < size:
        length = int(np.int64(peek(sizes, at)))
        ends = int((length > 1) | (peek(chars, at) == 0))
        poke(runs, 2 * count, single)
        poke(runs, 2 * count + 1, at)
        count += ends & (at - single > 1)
        single += ends * (at + length - single)
        poke(marks, peek(places, at + 1), np.uint8(length < 2))
        for inner in range(at + 2, at + length):
            poke(marks, peek(places, inner), np.uint8(0))
        at += length
    return count
