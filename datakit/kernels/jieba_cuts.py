"""jieba's cutting of Han characters, compiled; see `segmentation.mark_words`."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.segmentation import FIRST, HINT_BITS, LAST, MULTIPLIER, Dictionary
from datakit.kernels.simd import Bytes, Offsets, Words, kernel, part

Codes: TypeAlias = NDArray[np.uint32]
Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]

_B, _M, _E, _S = range(4)
_LOWEST = -np.inf
_FIRST_LEAD = 0xE4  # the first byte of U+4E00
_NUMBER = np.uint64(0xFFFF)
_KEY = ~_NUMBER
_HINT_SHIFT = np.uint64(64 - HINT_BITS)


class Room(NamedTuple):
    """Room for a run of characters: their code points, the ends and weights of the best ways on
    from each, and for Viterbi the states that each state comes from.
    """

    codes: Codes
    goals: Places
    best: Floats
    path: Bytes


@kernel
def fill_table(keys: Words, numbers: Words, table: Words, hints: Words) -> None:
    """Put keys and their numbers (above 0, of 16 bits) into an empty table, and set their bits."""
    mask = np.uint64(table.size - 1)
    for i in range(keys.size):
        slot = _first_slot(keys[i], mask)
        while table[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = (keys[i] & _KEY) | numbers[i]
        bit = keys[i] >> _HINT_SHIFT
        hints[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))


@kernel
def mark_all(data: Bytes, offsets: Offsets, words: Dictionary, marks: Bytes) -> None:
    """Set the marks of all characters that go on with a word to 0."""
    most = 0
    for text in range(offsets.size - 1):
        most = max(most, offsets[text + 1] - offsets[text])
    most //= 3
    room = Room(
        np.empty(most, np.uint32),
        np.empty(most, np.int64),
        np.empty(most + 1, np.float64),
        np.empty((most, 4), np.uint8),
    )
    for text in range(offsets.size - 1):
        start, stop = offsets[text], offsets[text + 1]
        _mark_text(data[start:stop], words, room, marks[start:stop])


@part
def _mark_text(data: Bytes, words: Dictionary, room: Room, marks: Bytes) -> None:
    """Cut each run of Han characters by itself."""
    at = 0
    while at < data.size:
        if data[at] < _FIRST_LEAD:
            at += 1
            continue
        first = at
        size = 0
        code = _han_at(data, at)
        while code:
            room.codes[size] = code
            size += 1
            at += 3
            code = _han_at(data, at) if at < data.size else np.uint32(0)
        if size > 1:
            codes = room.codes[:size]
            _plan(codes, words, room.best, room.goals)
            _walk(codes, words, (room.goals, room.path), marks[first:at])
        at += 1


@part
def _han_at(data: Bytes, at: int) -> np.uint32:
    """The Han character of jieba's range that begins at a byte, or 0."""
    lead = data[at]
    if lead < 0xE4 or lead > 0xE9:
        return np.uint32(0)
    code = np.uint32(lead & 0xF) << 12
    code |= np.uint32(data[at + 1] & 0x3F) << 6 | np.uint32(data[at + 2] & 0x3F)
    return np.uint32(code) if FIRST <= code <= LAST else np.uint32(0)


@part
def _first_slot(key: np.uint64, mask: np.uint64) -> np.uint64:
    return np.uint64((key >> np.uint64(20)) & mask)


@part
def _find(table: Words, key: np.uint64, mask: np.uint64) -> int:
    """The number of a beginning; 0 if no word begins so."""
    slot = _first_slot(key, mask)
    while True:
        held = table[slot]
        if (held ^ key) & _KEY == 0 or held == 0:
            return int(held & _NUMBER)
        slot = (slot + np.uint64(1)) & mask


@part
def _plan(codes: Codes, words: Dictionary, best: Floats, goals: Places) -> None:
    """For each place the last character of the word on the most likely way to the end."""
    mask = np.uint64(words.table.size - 1)
    best[codes.size] = 0.0
    for place in range(codes.size - 1, -1, -1):
        highest, goal = _LOWEST, place
        key = np.uint64(codes[place]) * MULTIPLIER
        number = int(words.first[codes[place] - FIRST])
        last = place
        while number:
            if number > 1 and words.weights[number] + best[last + 1] >= highest:
                highest, goal = words.weights[number] + best[last + 1], last
            last += 1
            if last == codes.size:
                break
            key = (key ^ np.uint64(codes[last])) * MULTIPLIER
            bit = key >> _HINT_SHIFT
            if not words.hints[bit >> np.uint64(6)] >> (bit & np.uint64(63)) & np.uint64(1):
                break
            number = _find(words.table, key, mask)
        if highest == _LOWEST:
            highest = words.weights[0] + best[place + 1]
        best[place] = highest
        goals[place] = goal


@part
def _walk(codes: Codes, words: Dictionary, room: tuple[Places, Bytes], marks: Bytes) -> None:
    """Mark the words on the way; several single characters in a row go to the Markov model."""
    goals, path = room
    place = single = 0
    while place < codes.size:
        after = goals[place] + 1
        if after - place > 1:
            if place - single > 1:
                _guess(codes[single:place], words, path, marks[3 * single :])
            for inner in range(place + 1, after):
                marks[3 * inner] = 0
            single = after
        place = after
    if place - single > 1:
        _guess(codes[single:place], words, path, marks[3 * single :])


@part
def _guess(codes: Codes, words: Dictionary, path: Bytes, marks: Bytes) -> None:
    """The likeliest states of characters that the dictionary leaves single (Viterbi)."""
    if _is_word(codes, words.table):
        return
    moves, shown = words.transitions, words.emissions[codes[0] - FIRST]
    b, m = words.start[_B] + shown[_B], words.start[_M] + shown[_M]
    e, s = words.start[_E] + shown[_E], words.start[_S] + shown[_S]
    for i in range(1, codes.size):
        shown = words.emissions[codes[i] - FIRST]
        # Of two that are as likely jieba takes the state whose letter is later.
        b_by_e, b_by_s = e + moves[_E, _B] + shown[_B], s + moves[_S, _B] + shown[_B]
        m_by_b, m_by_m = b + moves[_B, _M] + shown[_M], m + moves[_M, _M] + shown[_M]
        e_by_b, e_by_m = b + moves[_B, _E] + shown[_E], m + moves[_M, _E] + shown[_E]
        s_by_e, s_by_s = e + moves[_E, _S] + shown[_S], s + moves[_S, _S] + shown[_S]
        path[i, _B] = _S if b_by_s >= b_by_e else _E
        path[i, _M] = _M if m_by_m >= m_by_b else _B
        path[i, _E] = _M if e_by_m >= e_by_b else _B
        path[i, _S] = _S if s_by_s >= s_by_e else _E
        b, m = max(b_by_e, b_by_s), max(m_by_b, m_by_m)
        e, s = max(e_by_b, e_by_m), max(s_by_e, s_by_s)
    state = _S if s >= e else _E
    for i in range(codes.size - 1, 0, -1):
        if state in (_M, _E):
            marks[3 * i] = 0
        state = path[i, state]


@part
def _is_word(codes: Codes, table: Words) -> bool:
    """Whether two characters or more are a word of the dictionary."""
    mask = np.uint64(table.size - 1)
    key = np.uint64(0)
    for code in codes:
        key = (key ^ np.uint64(code)) * MULTIPLIER
    return _find(table, key, mask) > 1
