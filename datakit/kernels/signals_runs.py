"""How often the runs of n characters, or of n words, of a text occur; the compiled half."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.signals_chars import Chars
from datakit.kernels.signals_kinds import SPACE, Kinds
from datakit.kernels.signals_lines import table_size
from datakit.kernels.signals_lists import MIX
from datakit.kernels.signals_tokens import IS_WORD, Tokens
from datakit.kernels.simd import Words, kernel, part

Places = NDArray[np.int32]
Totals = NDArray[np.int64]

CHAR_COUNTS = ("top_3", "runs_3", "top_10", "runs_10", "repeated_13", "runs_13")
"""Columns of what `measure_chars` counts: occurrences of the most frequent runs, or of those that
occur more than once, and of all."""

WORD_COUNTS = ("repeated_word_runs", "word_runs")
"""Columns of what `measure_words` counts."""

WORD_RUN = 5
_HALF = np.uint64(32)
_BASE = np.uint64(0xD6E8FEB86659FD93)


class Room(NamedTuple):
    """Working memory for one text: units; hashes of runs, from place 1 on (0 stands for none); a
    hash table of places; where each run was first seen, and at such places how often it occurs;
    how many runs have each count.
    """

    units: Words
    keys: Words
    table: Places
    counts: Places
    spread: Places


@part
def hash_runs(units: Words, size: int, n: int, keys: Words) -> int:
    """A hash of each `n` units in a row; how many there are."""
    power, key = np.uint64(1), np.uint64(0)
    if size < n:
        return 0
    for i in range(n):
        power *= _BASE
        key = key * _BASE + peek(units, i)
    poke(keys, 1, key)
    for i in range(size - n):
        key = key * _BASE + peek(units, i + n) - peek(units, i) * power
        poke(keys, i + 2, key)
    return size - n + 1


@part
def tally(room: Room, runs: int) -> int:
    """Count equal keys, at the place of the first; how many different ones there are."""
    _, keys, table, counts, _ = room
    mask = table_size(runs) - 1
    table[: mask + 1] = 0
    keys[0] = 0
    different = 0
    for i in range(1, runs + 1):
        key = peek(keys, i)
        slot = np.int64((key ^ key >> _HALF) * MIX >> _HALF) & mask
        at = peek(table, slot)
        while (peek(keys, at) != key) & (at != 0):
            slot = (slot + 1) & mask
            at = peek(table, slot)
        different += at == 0
        at = at if at else np.int32(i)
        poke(table, slot, at)
        poke(counts, i, 0)
        poke(counts, at, peek(counts, at) + 1)
    return different


@part
def sum_repeated(counts: Places, runs: int) -> int:
    """The sum of the counts above one."""
    total = 0
    for i in range(1, runs + 1):
        count = peek(counts, i)
        total += count * (count > 1)
    return total


@part
def sum_most(room: Room, runs: int, different: int) -> Any:
    """The sum of the k largest counts above one; k is at most the root of how many counts there
    are.
    """
    counts, spread = room.counts, room.spread
    left, most = np.int64(np.sqrt(different)), np.int32(1)
    for i in range(1, runs + 1):
        most = max(most, peek(counts, i))
    spread[: most + 1] = 0
    for i in range(1, runs + 1):
        spread[peek(counts, i)] += 1
    total = np.int64(0)
    for count in range(most, 1, -1):
        taken = min(left, np.int64(spread[count]))
        total += taken * count
        left -= taken
        if left == 0:
            break
    return total


@part
def measure_text(
    chars: Chars, row: int, kinds: Kinds, lower: NDArray[np.uint16], room: Room, counts: Totals
) -> None:
    """Count the runs of one text."""
    start, size, solid = chars.bounds[row], chars.bounds[row + 1] - chars.bounds[row], 0
    for i in range(size):
        poke(room.units, i, peek(chars.codes, start + i))
    for column, n in ((0, 3), (2, 10)):
        runs = hash_runs(room.units, size, n, room.keys)
        counts[column] = sum_most(room, runs, tally(room, runs))
        counts[column + 1] = runs
    for i in range(start, start + size):
        code = peek(chars.codes, i)
        poke(room.units, solid, lower[code] if code < lower.size else code)
        solid += not peek(kinds.properties, peek(chars.kinds, i)) & SPACE
    runs = hash_runs(room.units, solid, 13, room.keys)
    tally(room, runs)
    counts[4], counts[5] = sum_repeated(room.counts, runs), runs


@kernel
def measure_chars(
    chars: Chars, kinds: Kinds, lower: NDArray[np.uint16], room: Room, counts: Totals
) -> None:
    """Count what `CHAR_COUNTS` names, a row a text."""
    for row in range(chars.bounds.size - 1):
        measure_text(chars, row, kinds, lower, room, counts[row])


@part
def measure_words_of(tokens: Tokens, row: int, room: Room, counts: Totals) -> None:
    """Count the runs of five words of one text."""
    units, lower, flags, words = room.units, tokens.lower, tokens.flags, 0
    for i in range(tokens.bounds[row], tokens.bounds[row + 1]):
        poke(units, words, peek(lower, i))
        words += peek(flags, i) & IS_WORD
    runs = hash_runs(units, words, WORD_RUN, room.keys)
    tally(room, runs)
    counts[0], counts[1] = sum_repeated(room.counts, runs), runs


@kernel
def measure_words(tokens: Tokens, room: Room, counts: Totals) -> None:
    """Of each text, the runs of five words that occur more than once, and those there are."""
    for row in range(tokens.bounds.size - 1):
        measure_words_of(tokens, row, room, counts[row])
