"""Hash tables of jieba's words and of their beginnings, compiled; see `segmentation.Dictionary`."""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.segmentation import (
    HINT_BITS,
    MULTIPLIER,
    NUMBER_BITS,
    PAIR_BITS,
    PAIR_HINT_BITS,
    PAIR_SLOT_BITS,
    Dictionary,
)
from datakit.kernels.signals_access import peek
from datakit.kernels.simd import Words, kernel, part

_NUMBER = np.uint64(0xFFFF)
_KEY = ~_NUMBER
_HINT_SHIFT = np.uint64(64 - HINT_BITS)
_LOW = np.uint64(63)
_SIX = np.uint64(6)

_ONE_WAY, _OTHER_WAY = np.uint64(0x9E3779B1), np.uint64(0x85EBCA6B)
_PAIR = np.uint64((1 << PAIR_BITS) - 1)
_REST_BITS = np.uint64(PAIR_BITS - PAIR_SLOT_BITS)
_REST = np.uint64((1 << (PAIR_BITS - PAIR_SLOT_BITS)) - 1)
_HELD_SHIFT = np.uint64(NUMBER_BITS)
_HELD = np.uint64((1 << NUMBER_BITS) - 1)
_PAIR_HINT_SHIFT = np.uint64(PAIR_BITS - PAIR_HINT_BITS)
_ONE = np.uint64(1)


@kernel
def fill_table(keys: Words, numbers: Words, table: Words, hints: Words) -> None:
    """Put keys and their numbers (above 0, of 16 bits) into an empty table, and set their bits."""
    mask = table.size - 1
    for i in range(keys.size):
        slot = first_slot(keys[i], mask)
        while table[slot] != 0:
            slot = (slot + 1) & mask
        table[slot] = (keys[i] & _KEY) | numbers[i]
        set_bit(hints, keys[i] >> _HINT_SHIFT)


@kernel
def fill_pairs(
    keys: Words, numbers: Words, held: NDArray[np.int64], cells: NDArray[np.uint32], hints: Words
) -> None:
    """Put pairs and their numbers into empty cells, each into one of its two (a cuckoo table: who
    finds both taken drives the holder into its other cell). `held` is room, all -1.
    """
    for i in range(keys.size):
        set_bit(hints, mix(keys[i], _ONE_WAY) >> _PAIR_HINT_SHIFT)
        one, way = i, 0
        while one >= 0:
            slot = np.int64(mix(keys[one], _OTHER_WAY if way else _ONE_WAY) >> _REST_BITS)
            before = held[slot]
            held[slot] = 2 * one + way
            one, way = int(before >> 1), int(1 - (before & 1))
    for cell in range(held.size):
        if held[cell] >= 0:
            one, way = int(held[cell] >> 1), int(held[cell] & 1)
            rest = mix(keys[one], _OTHER_WAY if way else _ONE_WAY) & _REST
            cells[cell] = np.uint32((rest << _ONE | np.uint64(way)) << _HELD_SHIFT | numbers[one])


@part
def set_bit(bits: Words, at: np.uint64) -> None:
    """Set a bit of a bitmap."""
    bits[at >> _SIX] |= _ONE << (at & _LOW)


@part
def has_bit(bits: Words, at: np.uint64) -> int:
    """A bit of a bitmap."""
    return int(peek(bits, np.int64(at >> _SIX)) >> (at & _LOW) & _ONE)


@part
def mix(pair: np.uint64, way: np.uint64) -> np.uint64:
    """A pair's number in another order, one to one: the upper bits say where to look, and the rest
    what must be held there.
    """
    return np.uint64(pair * way & _PAIR)


@part
def may_be_pair(words: Dictionary, pair: np.uint64) -> int:
    """0 if no word begins with two characters, 1 if one may."""
    return has_bit(words.pair_hints, mix(pair, _ONE_WAY) >> _PAIR_HINT_SHIFT)


@part
def find_pair(words: Dictionary, pair: np.uint64) -> np.uint64:
    """What is held of two characters: a word's number, and the bit `GOES_ON`; 0 if nothing is."""
    here, there = mix(pair, _ONE_WAY), mix(pair, _OTHER_WAY)
    one = np.uint64(peek(words.pairs, np.int64(here >> _REST_BITS)))
    other = np.uint64(peek(words.pairs, np.int64(there >> _REST_BITS)))
    is_one = np.uint64(one >> _HELD_SHIFT == (here & _REST) << _ONE)
    is_other = np.uint64(other >> _HELD_SHIFT == ((there & _REST) << _ONE | _ONE))
    return np.uint64((one & _HELD) * is_one | (other & _HELD) * is_other)


@part
def add_char(key: np.uint64, char: int) -> np.uint64:
    """The hash of a beginning that is one character longer; that of nothing is 0."""
    return np.uint64((key ^ np.uint64(char)) * MULTIPLIER)


@part
def may_be_longer(words: Dictionary, key: np.uint64) -> int:
    """0 if no word begins with the characters of a hash, 1 if one may."""
    return has_bit(words.hints, key >> _HINT_SHIFT)


@part
def find_longer(words: Dictionary, key: np.uint64) -> int:
    """A number by the hash of three characters or more: 0 if no word begins so, 1 if they are none
    themselves.
    """
    table = words.table
    mask = table.size - 1
    slot = first_slot(key, mask)
    while True:
        held = peek(table, slot)
        if (held ^ key) & _KEY == 0 or held == 0:
            return int(held & _NUMBER)
        slot = (slot + 1) & mask


@part
def first_slot(key: np.uint64, mask: int) -> int:
    """Where in the table to look first."""
    return int(np.int64(key >> np.uint64(20)) & mask)
