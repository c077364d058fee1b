"""Repeated n-grams of tokens; the compiled half.

An n-gram can occur twice only if its first and its last (n - 1)-gram do. So each length is looked
for among the few places that the length before left over, and an n-gram is known by two numbers:
where its two (n - 1)-grams were first seen. That is exact, and cheap in common text.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.signals_lines import table_size
from datakit.kernels.signals_lists import MIX
from datakit.kernels.signals_tokens import SPACED, Tokens
from datakit.kernels.simd import Bytes, Words, kernel, part

Places = NDArray[np.int32]
Totals = NDArray[np.int64]

TOP, LAST_TOP, LONGEST = 2, 4, 10
"""Lengths of n-grams: from `TOP` to `LAST_TOP` the most frequent one is looked for, from there
to `LONGEST` all that are repeated."""

COUNTS = tuple(f"covered_{n}" for n in range(TOP, LONGEST + 1))
"""Columns of what `measure_ngrams` counts: characters covered by n-grams."""

_HALF, _ONE, _NOTHING = np.uint64(32), np.uint64(1), np.uint64(0)


class Room(NamedTuple):
    """Working memory for one text. Places are those of tokens, from 1 on: 0 stands for none.

    `keys[i]` says what the n-gram at i is, `first[i]` where it was first seen, `counts` how often
    it occurs, at its first place. `places` are those that are looked at, `rest` some of them;
    `table` is a hash table of places, `met` of how often a hash was met. `solid` and `spaced` are
    the characters before each token, without the spaces and with one for each gap that has any.
    """

    keys: Words
    first: Places
    counts: Places
    places: Places
    rest: Places
    table: Places
    met: Bytes
    solid: Places
    spaced: Places


@part
def find_first(room: Room, places: Places, size: int) -> None:
    """`first` and `counts` of the n-grams at the first `size` of some places, by their `keys`.

    Nothing here waits for a guess whether an n-gram is new, which is what takes time.
    """
    keys, first, counts, table = room.keys, room.first, room.counts, room.table
    mask = table_size(size) - 1
    table[: mask + 1] = 0
    for k in range(size):
        i = peek(places, k)
        key = peek(keys, i)
        slot = np.int64((key ^ key >> _HALF) * MIX >> _HALF) & mask
        at = peek(table, slot)
        while (peek(keys, at) != key) & (at != 0):
            slot = (slot + 1) & mask
            at = peek(table, slot)
        at = at if at else i
        poke(table, slot, at)
        poke(first, i, at)
        poke(counts, i, 0)
        poke(counts, at, peek(counts, at) + 1)


@part
def find_next(room: Room, size: int) -> None:
    """`find_first` for n-grams of three tokens and more: most go on where their first (n - 1)-gram
    was first seen as it goes on there, and need no table.
    """
    keys, first, counts, places, rest = room.keys, room.first, room.counts, room.places, room.rest
    left = 0
    for k in range(size):
        i = peek(places, k)
        at = peek(first, i)
        same = int(peek(keys, at) == peek(keys, i))
        poke(counts, i, 0)
        poke(counts, at, peek(counts, at) + same)
        poke(rest, left, i)
        left += 1 - same
    find_first(room, rest, left)


@part
def keep_repeated(room: Room, size: int) -> int:
    """Move to the front the places whose n-gram occurs twice or more; how many that are."""
    first, counts, places, kept = room.first, room.counts, room.places, 0
    for k in range(size):
        i = peek(places, k)
        poke(places, kept, i)
        kept += peek(counts, peek(first, i)) > 1
    return kept


@part
def pair(room: Room, size: int) -> int:
    """Keep the places whose right neighbour is there too; the pair is the key of the longer
    n-gram, and 0 where there is none. How many places are kept.
    """
    keys, first, places, kept = room.keys, room.first, room.places, 0
    for k in range(size - 1):
        i = peek(places, k)
        is_kept = np.uint64(peek(places, k + 1) == i + 1)
        key = np.uint64(peek(first, i)) << _HALF | np.uint64(peek(first, i + 1))
        poke(places, kept, i)
        poke(keys, i, key * is_kept)
        kept += int(is_kept)
    poke(keys, peek(places, size - 1), _NOTHING)
    return kept


@part
def cover_most(room: Room, size: int, n: int, flags: NDArray[np.uint8]) -> int:
    """Characters of the most frequent n-gram, the first of several; a gap counts one where a space
    stands in it.
    """
    first, counts, places, sums = room.first, room.counts, room.places, room.spaced
    most = covered = 0
    for k in range(size):
        i = peek(places, k)
        length = peek(sums, i + n) - peek(sums, i) - (peek(flags, i - 1) & SPACED > 0)
        count = (peek(first, i) == i) * peek(counts, i)
        covered = length * count if count > most else covered
        most = max(most, count)
    return covered


@part
def cover_again(room: Room, size: int, n: int) -> int:
    """Characters in n-grams that were entered before; `counts` at `places` are spent on it."""
    first, counts, places, sums = room.first, room.counts, room.places, room.solid
    covered = free = 0
    for k in range(size):
        i = peek(places, k)
        at = peek(first, i)
        looked_at, count = i >= free, peek(counts, at)
        again = looked_at & (count < 0)
        covered += again * (peek(sums, i + n) - peek(sums, i))
        free = i + n if again else free
        poke(counts, at, -1 if looked_at else count)
    return covered


@part
def enter_text(tokens: Tokens, row: int, room: Room) -> int:
    """Note the n-grams of two tokens; how many there are. Their keys are hashes, unlike those of
    longer ones.
    """
    keys, solid, spaced = room.keys, room.solid, room.spaced
    start, size = tokens.bounds[row], tokens.bounds[row + 1] - tokens.bounds[row]
    without = gaps = 0
    key = keys[0] = np.uint64(0)
    for i in range(1, size + 1):
        token = start + i - 1
        last, key = key, peek(tokens.keys, token)
        poke(keys, i - 1, last * MIX + key)
        poke(solid, i, without)
        poke(spaced, i, without + gaps)
        without += peek(tokens.sizes, token)
        gaps += peek(tokens.flags, token) & SPACED > 0
    keys[0] = 0
    solid[size + 1], spaced[size + 1] = without, without + gaps
    return int(max(size - 1, 0))


@part
def keep_likely(room: Room, size: int) -> int:
    """Make the n-grams of two tokens that may occur twice the first to be looked at, as far as a
    table of counts tells, which mistakes some for another; how many these are.
    """
    keys, places, met = room.keys, room.places, room.met
    shift, places_of = np.uint64(60), 16
    while places_of < 4 * size:
        places_of *= 2
        shift -= _ONE
    met[:places_of] = 0
    for i in range(1, size + 1):
        slot = np.int64(peek(keys, i) >> shift)
        count = peek(met, slot)
        poke(met, slot, np.uint8(count + (count < 2)))
    kept = 0
    for i in range(1, size + 1):
        poke(places, kept, i)
        kept += peek(met, np.int64(peek(keys, i) >> shift)) > 1
    return kept


@kernel
def measure_ngrams(tokens: Tokens, room: Room, covered: Totals) -> None:
    """Characters covered by the n-grams of every text, a row a text, a column for each n."""
    for row in range(tokens.bounds.size - 1):
        kept = keep_likely(room, enter_text(tokens, row, room))
        flags = tokens.flags[tokens.bounds[row] :]
        for n in range(TOP, LONGEST + 1):
            if n == TOP:
                find_first(room, room.places, kept)
            else:
                find_next(room, kept)
            kept = keep_repeated(room, kept)
            if kept == 0:
                break
            if n <= LAST_TOP:
                covered[row, n - TOP] = cover_most(room, kept, n, flags)
            else:
                covered[row, n - TOP] = cover_again(room, kept, n)
            kept = pair(room, kept)
