"""Repeated n-grams of tokens; the compiled half.

An n-gram can occur twice only if its first and its last (n - 1)-gram do. So each length is looked
for among the few places that the length before left over, and an n-gram is known by two numbers:
where its two (n - 1)-grams were first seen. That is exact, and cheap in common text.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_lines import table_size
from datakit.kernels.signals_lists import MIX
from datakit.kernels.signals_tokens import SPACED, Tokens
from datakit.kernels.simd import Words, kernel, part

Places = NDArray[np.int32]
Totals = NDArray[np.int64]

TOP, LAST_TOP, LONGEST = 2, 4, 10
"""Lengths of n-grams: from `TOP` to `LAST_TOP` the one that covers most is looked for, from there
to `LONGEST` all that are repeated."""

COUNTS = tuple(f"covered_{n}" for n in range(TOP, LONGEST + 1))
"""Columns of what `measure_ngrams` counts: characters covered by n-grams."""

_HALF = np.uint64(32)


class Room(NamedTuple):
    """Working memory for one text. `first[n % 2, i]`: the place where the n-gram at i was first
    seen, `counts` of occurrences at such places, `places` that are looked at, a hash table of
    places, and the characters before each token, without spaces and with one for each gap.
    """

    first: NDArray[np.int32]
    counts: Places
    places: Places
    table: Places
    solid: Places
    spaced: Places


@part
def find_units(keys: Words, first: Places, counts: Places, table: Places) -> None:
    """`first` and `counts` of single tokens."""
    mask = table_size(keys.size) - 1
    table[: mask + 1] = -1
    for i in range(keys.size):
        key = keys[i]
        slot = np.int64(key >> _HALF) & mask
        at = table[slot]
        while at >= 0 and keys[at] != key:
            slot = (slot + 1) & mask
            at = table[slot]
        if at < 0:
            at = i
            table[slot] = i
            counts[i] = 0
        first[i] = at
        counts[at] += 1


@part
def find_longer(
    known: Places, places: Places, first: Places, counts: Places, table: Places
) -> None:
    """`first` and `counts` of the n-grams at `places`, by `known`, that of (n - 1)-grams."""
    mask = table_size(places.size) - 1
    table[: mask + 1] = -1
    for i in places:
        a, b = known[i], known[i + 1]
        mixed = (np.uint64(a) << _HALF | np.uint64(b)) * MIX
        slot = np.int64(mixed >> _HALF) & mask
        at = table[slot]
        while at >= 0 and (known[at] != a or known[at + 1] != b):
            slot = (slot + 1) & mask
            at = table[slot]
        if at < 0:
            at = i
            table[slot] = i
            counts[i] = 0
        first[i] = at
        counts[at] += 1


@part
def keep_repeated(places: Places, first: Places, counts: Places) -> int:
    """Move to the front the places whose n-gram occurs twice or more; how many that are."""
    kept = 0
    for i in places:
        places[kept] = i
        kept += counts[first[i]] > 1
    return kept


@part
def keep_pairs(places: Places) -> int:
    """Move to the front the places whose right neighbour is there too; how many that are."""
    kept = 0
    for k in range(places.size - 1):
        places[kept] = places[k]
        kept += places[k + 1] == places[k] + 1
    return kept


@part
def cover_most(places: Places, n: int, room: Room, spaced: NDArray[np.uint8]) -> int:
    """Characters of the n-gram that covers most; a gap counts one where a space stands in it."""
    most = 0
    first, sums = room.first[n % 2], room.spaced
    for i in places:
        if first[i] == i:
            size = sums[i + n] - sums[i] - (spaced[i] & SPACED > 0)
            most = max(most, size * room.counts[i])
    return most


@part
def cover_again(places: Places, n: int, room: Room) -> int:
    """Characters in n-grams that were entered before; `counts` at `places` are spent on it."""
    first, covered, free = room.first[n % 2], 0, 0
    for i in places:
        if i < free:
            continue
        if room.counts[first[i]] < 0:
            covered += room.solid[i + n] - room.solid[i]
            free = i + n
        else:
            room.counts[first[i]] = -1
    return covered


@part
def measure_text(keys: Words, flags: NDArray[np.uint8], room: Room, covered: Totals) -> None:
    """The characters covered by n-grams of one text, for each n."""
    units = np.int32(keys.size)
    find_units(keys, room.first[1], room.counts, room.table)
    for i in range(units):
        room.places[i] = i
    kept = keep_repeated(room.places[:units], room.first[1], room.counts)
    for n in range(TOP, LONGEST + 1):
        places = room.places[: keep_pairs(room.places[:kept])]
        known, first = room.first[(n - 1) % 2], room.first[n % 2]
        find_longer(known, places, first, room.counts, room.table)
        kept = keep_repeated(places, first, room.counts)
        if kept == 0:
            break
        if n <= LAST_TOP:
            covered[n - TOP] = cover_most(places[:kept], n, room, flags)
        else:
            covered[n - TOP] = cover_again(places[:kept], n, room)


@kernel
def measure_ngrams(tokens: Tokens, room: Room, covered: Totals) -> None:
    """Characters covered by the n-grams of every text, a row a text, a column for each n."""
    for row in range(tokens.bounds.size - 1):
        start, stop = tokens.bounds[row], tokens.bounds[row + 1]
        flags, sizes = tokens.flags[start:stop], tokens.sizes[start:stop]
        solid = spaced = np.int32(0)
        for i in range(stop - start):
            room.solid[i], room.spaced[i] = solid, spaced
            solid += sizes[i]
            spaced += sizes[i] + (flags[i] & SPACED > 0)
        room.solid[stop - start], room.spaced[stop - start] = solid, spaced
        measure_text(tokens.keys[start:stop], flags, room, covered[row])
