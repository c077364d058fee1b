"""How often the runs of n characters, or of n words, of a text occur; the compiled half."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    """Working memory for one text: units and hashes of runs; a hash table of places, `places` of
    the different runs, their `counts`, and how many have each count.
    """

    units: Words
    keys: Words
    table: Places
    places: Places
    counts: Places
    spread: Places


@part
def hash_runs(units: Words, n: int, keys: Words) -> int:
    """A hash of each `n` units in a row; how many there are."""
    runs = units.size - n + 1
    if runs <= 0:
        return 0
    power, key = np.uint64(1), np.uint64(0)
    for i in range(n):
        power *= _BASE
        key = key * _BASE + units[i]
    keys[0] = key
    for i in range(1, runs):
        key = key * _BASE + units[i + n - 1] - units[i - 1] * power
        keys[i] = key
    return runs


@part
def tally(keys: Words, room: Room) -> int:
    """Count equal keys; how many different ones there are."""
    mask = table_size(keys.size) - 1
    room.table[: mask + 1] = -1
    different = 0
    for i in range(keys.size):
        key = keys[i]
        slot = np.int64((key ^ key >> _HALF) * MIX >> _HALF) & mask
        at = room.table[slot]
        while at >= 0 and keys[room.places[at]] != key:
            slot = (slot + 1) & mask
            at = room.table[slot]
        if at < 0:
            at = np.int32(different)
            room.table[slot] = at
            room.places[at] = i
            room.counts[at] = 0
            different += 1
        room.counts[at] += 1
    return different


@part
def sum_repeated(counts: Places) -> int:
    """The sum of the counts above one."""
    total = 0
    for count in counts:
        total += count * (count > 1)
    return total


@part
def sum_most(counts: Places, spread: Places) -> int:
    """The sum of the k largest counts above one; k is at most the root of how many counts there
    are.
    """
    left, most = np.int64(np.sqrt(counts.size)), np.int32(1)
    for count in counts:
        most = max(most, count)
    spread[: most + 1] = 0
    for count in counts:
        spread[count] += 1
    total = 0
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
    start, size = chars.bounds[row], chars.bounds[row + 1] - chars.bounds[row]
    for i in range(size):
        room.units[i] = chars.codes[start + i]
    for column, n in ((0, 3), (2, 10)):
        runs = hash_runs(room.units[:size], n, room.keys)
        different = tally(room.keys[:runs], room)
        counts[column] = sum_most(room.counts[:different], room.spread)
        counts[column + 1] = runs
    solid = 0
    for i in range(size):
        code = chars.codes[start + i]
        room.units[solid] = lower[code] if code < lower.size else code
        solid += not kinds.properties[chars.kinds[start + i]] & SPACE
    runs = hash_runs(room.units[:solid], 13, room.keys)
    counts[4] = sum_repeated(room.counts[: tally(room.keys[:runs], room)])
    counts[5] = runs


@kernel
def measure_chars(
    chars: Chars, kinds: Kinds, lower: NDArray[np.uint16], room: Room, counts: Totals
) -> None:
    """Count what `CHAR_COUNTS` names, a row a text."""
    for row in range(chars.bounds.size - 1):
        measure_text(chars, row, kinds, lower, room, counts[row])


@kernel
def measure_words(tokens: Tokens, room: Room, counts: Totals) -> None:
    """Of each text, the runs of five words that occur more than once, and those there are."""
    for row in range(tokens.bounds.size - 1):
        words = 0
        for i in range(tokens.bounds[row], tokens.bounds[row + 1]):
            room.units[words] = tokens.lower[i]
            words += tokens.flags[i] & IS_WORD > 0
        runs = hash_runs(room.units[:words], WORD_RUN, room.keys)
        counts[row, 0] = sum_repeated(room.counts[: tally(room.keys[:runs], room)])
        counts[row, 1] = runs
