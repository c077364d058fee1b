"""jieba's guess at words that its dictionary does not have, compiled; see `segmentation`.

A hidden Markov model: each character begins a word (B), goes on in it (M), ends it (E) or stands
alone (S), and the likeliest states are found by Viterbi's algorithm. Sums are taken in jieba's
order, so that they are rounded alike, and of two states that are as likely the one whose letter is
later is taken.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.choices import at_least, more
from datakit.kernels.jieba_tables import add_char, find_longer
from datakit.kernels.segmentation import GOES_ON, Dictionary
from datakit.kernels.signals_access import peek, poke
from datakit.kernels.simd import Bytes, part

Places: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.uint16]

_B, _M, _E, _S = range(4)


class Room(NamedTuple):
    """Room for a block. `chars` are Han characters, numbered from 1 as they follow each other in
    Unicode, with one 0 between runs and at the end; `places` are those of their first bytes.
    `pairs` is what the dictionary has of each character and the next; `longer` are places where a
    longer word may begin; `best` is the weight of the best way on from each place, `sizes` the
    characters of the first word on it. `runs` are bounds of runs that are left single, and `path`
    is where their states come from.
    """

    chars: Numbers
    places: Places
    pairs: Numbers
    longer: Places
    best: NDArray[np.float64]
    sizes: Bytes
    runs: Places
    path: Bytes


@part
def guess_pair(words: Dictionary, room: Room, start: int, marks: Bytes) -> None:
    """Set the mark of the second of two characters that are no word."""
    chars, moves = room.chars, words.transitions
    b, m, e, s = start_states(words, peek(chars, start))
    at = 4 * np.int64(peek(chars, start + 1))
    ends, alone = peek(words.emissions, at + _E), peek(words.emissions, at + _S)
    is_end = more(b + moves[_B, _E] + ends, m + moves[_M, _E] + ends)
    is_alone = more(e + moves[_E, _S] + alone, s + moves[_S, _S] + alone)
    poke(marks, peek(room.places, start + 1), np.uint8(at_least(is_alone, is_end)))


@part
def start_states(words: Dictionary, char: int) -> tuple[float, float, float, float]:
    """The weights of the states of a first character."""
    start, at = words.start, 4 * np.int64(char)
    return (
        start[_B] + peek(words.emissions, at + _B),
        start[_M] + peek(words.emissions, at + _M),
        start[_E] + peek(words.emissions, at + _E),
        start[_S] + peek(words.emissions, at + _S),
    )


@part
def guess_run(words: Dictionary, room: Room, run: tuple[int, int], marks: Bytes) -> None:
    """Set the marks of three characters or more, from `start` to `stop`, that are left single."""
    start, stop = run
    if peek(room.pairs, start) >= GOES_ON and is_word(words, room.chars, start, stop):
        return
    state = find_states(words, room, start, stop)
    for i in range(stop - 1, start, -1):
        begins = (state ^ state >> 1 ^ 1) & 1  # of B, M, E and S the first and the last
        poke(marks, peek(room.places, i), np.uint8(begins))
        came = int(np.int64(peek(room.path, i)) >> state & 1)
        state = came + 2 * begins


@part
def is_word(words: Dictionary, chars: Numbers, start: int, stop: int) -> bool:
    """Whether three characters or more are a word of the dictionary."""
    key = np.uint64(0)
    for i in range(start, stop):
        key = add_char(key, peek(chars, i))
    return bool(find_longer(words, key) > 1)


@part
def find_states(words: Dictionary, room: Room, start: int, stop: int) -> int:
    """The last state of the likeliest way through the states of a run. Of each character but the
    first, bit k of `path` says from which of two states the way to state k comes: M and E from B
    or M, B and S from E or S.
    """
    chars, path, shown, moves = room.chars, room.path, words.emissions, words.transitions
    e_b, s_b, b_m, m_m = moves[_E, _B], moves[_S, _B], moves[_B, _M], moves[_M, _M]
    b_e, m_e, e_s, s_s = moves[_B, _E], moves[_M, _E], moves[_E, _S], moves[_S, _S]
    b, m, e, s = start_states(words, peek(chars, start))
    for i in range(start + 1, stop):
        at = 4 * np.int64(peek(chars, i))
        as_b, as_m = peek(shown, at + _B), peek(shown, at + _M)
        as_e, as_s = peek(shown, at + _E), peek(shown, at + _S)
        b_by_e, b_by_s = e + e_b + as_b, s + s_b + as_b
        m_by_b, m_by_m = b + b_m + as_m, m + m_m + as_m
        e_by_b, e_by_m = b + b_e + as_e, m + m_e + as_e
        s_by_e, s_by_s = e + e_s + as_s, s + s_s + as_s
        came = at_least(b_by_s, b_by_e) | at_least(m_by_m, m_by_b) << _M
        came |= at_least(e_by_m, e_by_b) << _E | at_least(s_by_s, s_by_e) << _S
        poke(path, i, np.uint8(came))
        b, m = more(b_by_e, b_by_s), more(m_by_b, m_by_m)
        e, s = more(e_by_b, e_by_m), more(s_by_e, s_by_s)
    return _S if s >= e else _E
