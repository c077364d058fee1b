"""The compiled half of `ngrams`: texts to units, and units to n-grams that are looked up."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.folding import ALONE, BREAK, SKIPPED
from datakit.kernels.simd import Bytes, Offsets, Words, kernel, part

_SEED = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ONE = np.uint64(1)

BASE = np.uint64(0x9E6C63D0876A9A47)
"""Odd multiplier of the polynomial over a gram's units."""


class GramTable(NamedTuple):
    """Grams to look up: an open hash table behind a bitmap.

    `sizes` are the lengths of grams in units, ascending, `powers` the multiplier to each of them.
    `bits` has a bit for each hash without its lowest `shift` bits; `keys` and `numbers` are the
    slots (number -1: empty).
    """

    sizes: NDArray[np.int64]
    powers: Words
    bits: Words
    shift: np.uint64
    keys: Words
    numbers: NDArray[np.int32]


@part
def mix(x: np.uint64) -> np.uint64:
    """Spread a word over all bits: the finish of SplitMix64."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@part
def read_code(data: Bytes, at: int) -> tuple[np.uint32, int]:
    """The code point at a place of valid UTF-8, and how many bytes it has."""
    byte = np.uint32(data[at])
    if byte < 0x80:
        return byte, 1
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | (np.uint32(data[at + 1]) & 0x3F), 2
    code = (np.uint32(data[at + 1]) & 0x3F) << 6 | (np.uint32(data[at + 2]) & 0x3F)
    if byte < 0xF0:
        return (byte & 0xF) << 12 | code, 3
    return (byte & 7) << 18 | code << 6 | (np.uint32(data[at + 3]) & 0x3F), 4


@part
def next_unit(
    data: Bytes, at: int, stop: int, table: NDArray[np.uint32], by_chars: bool
) -> tuple[np.uint64, int, int]:
    """The next unit from `at`: its hash, its first byte (-1: there is none) and its end."""
    word, begin, end = _SEED, -1, at
    while at < stop:
        code, size = read_code(data, at)
        folded = table[code] if code < table.size else BREAK
        at += size
        if folded == SKIPPED:
            continue
        is_whole = by_chars or (folded & ALONE) != 0
        if folded == BREAK or (is_whole and begin >= 0):
            if begin >= 0:
                break
            continue
        if begin < 0:
            begin = at - size
        word = (word ^ np.uint64(folded)) * _PRIME
        end = at
        if is_whole:
            break
    return mix(word), begin, end


@kernel
def list_all(
    data: Bytes,
    offsets: Offsets,
    table: NDArray[np.uint32],
    by_chars: bool,
    units: Words,
    ends: Offsets,
) -> None:
    """Write the units of each text, one text after the other, and where each text's end."""
    count = 0
    for row in range(offsets.size - 1):
        at, stop = offsets[row], offsets[row + 1]
        while True:
            unit, begin, at = next_unit(data, at, stop, table, by_chars)
            if begin < 0:
                break
            units[count] = unit
            count += 1
        ends[row + 1] = count


@part
def finish(gram: np.uint64, size: int) -> np.uint64:
    """The hash of a gram from the polynomial over its units."""
    return mix(gram + np.uint64(size))


@kernel
def hash_runs(units: Words, starts: Offsets, sizes: Offsets, hashes: Words) -> None:
    """The hash of each run `units[starts[i]:starts[i] + sizes[i]]`."""
    for i in range(starts.size):
        gram = np.uint64(0)
        for unit in units[starts[i] : starts[i] + sizes[i]]:
            gram = gram * BASE + unit
        hashes[i] = finish(gram, sizes[i])


@kernel
def fill_table(hashes: Words, grams: GramTable) -> None:
    """Enter distinct hashes into an empty table, the i-th under number i."""
    mask = np.uint64(grams.keys.size - 1)
    for i in range(hashes.size):
        place = hashes[i] >> grams.shift
        grams.bits[place >> np.uint64(6)] |= _ONE << (place & np.uint64(63))
        slot = hashes[i] & mask
        while grams.numbers[slot] >= 0:
            slot = (slot + _ONE) & mask
        grams.keys[slot] = hashes[i]
        grams.numbers[slot] = i


@part
def look_up(grams: GramTable, key: np.uint64) -> int:
    """Number of a gram that is likely there, or -1."""
    mask = np.uint64(grams.keys.size - 1)
    slot = key & mask
    while grams.numbers[slot] >= 0:
        if grams.keys[slot] == key:
            return int(grams.numbers[slot])
        slot = (slot + _ONE) & mask
    return -1


@kernel
def find_all(
    data: Bytes,
    offsets: Offsets,
    table: NDArray[np.uint32],
    by_chars: bool,
    grams: GramTable,
    hits: NDArray[np.int64],
) -> int:
    """Every place of every text where a gram stands: rows (text, gram, first byte, end).

    Gives the number of hits; those beyond the size of `hits` are counted, not written.
    """
    # The last units only: memory does not grow with the text.
    room = 1
    while room <= grams.sizes[-1]:
        room *= 2
    sums, begins = np.zeros(room, dtype=np.uint64), np.zeros(room, dtype=np.int64)
    found = 0
    for row in range(offsets.size - 1):
        at, stop, count = offsets[row], offsets[row + 1], 0
        total = np.uint64(0)
        while True:
            unit, begin, at = next_unit(data, at, stop, table, by_chars)
            if begin < 0:
                break
            sums[count & (room - 1)] = total
            begins[count & (room - 1)] = begin
            total = total * BASE + unit
            count += 1
            for s in range(grams.sizes.size):
                first = count - grams.sizes[s]
                if first < 0:
                    break
                before = sums[first & (room - 1)] * grams.powers[s]
                key = finish(total - before, grams.sizes[s])
                place = key >> grams.shift
                if grams.bits[place >> np.uint64(6)] >> (place & np.uint64(63)) & _ONE == 0:
                    continue
                number = look_up(grams, key)
                if number >= 0:
                    if found < hits.shape[0]:
                        hits[found, 0], hits[found, 1] = row, number
                        hits[found, 2], hits[found, 3] = begins[first & (room - 1)], at
                    found += 1
    return found
