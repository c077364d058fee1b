"""Lists of words as hash tables for the kernels that measure signals."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MIX = np.uint64(0x9E3779B97F4A7C15)
_WORD_BITS = (1 << 64) - 1

# Blocks whose capitals are made small one by one: Basic Latin, Latin-1, Greek, Cyrillic.
_CASED = (*range(0x100), *range(0x370, 0x400), *range(0x400, 0x530))


AS_IS, IN_LOWER_CASE, BOTH = range(3)
"""Ways in which a list's words are met; a word without capitals is met in both."""

_SLOT_BITS = 16


class Listed(NamedTuple):
    """Words of lists, each with a slot of its own, so that looking a word up takes no guess.

    A word with hash h has `slots[h * factor >> shift]` for its number, 0 for one on no list;
    `keys[number]` is the hash of the word that is meant. Bit l of `lists[way, number]` says that
    it is on list l, whose words are met that way.
    """

    factor: np.uint64
    shift: np.uint64
    slots: NDArray[np.uint16]
    keys: NDArray[np.uint64]
    lists: NDArray[np.int64]


def hash_word(word: str) -> int:
    """The hash of a token, as the kernel has it."""
    key = 0
    for character in word:
        key = (key ^ ord(character)) * int(MIX) & _WORD_BITS
    return key


@cache
def lower_table() -> NDArray[np.uint16]:
    """Lower case of the code points below 0x530, where it is one character."""
    table = np.arange(0x530, dtype=np.uint16)
    for code in _CASED:
        small = chr(code).lower()
        table[code] = ord(small) if len(small) == 1 and ord(small) < table.size else code
    return table


def lower(text: str) -> str:
    """The lower case that signals are measured in."""
    table = lower_table()
    return "".join(chr(table[ord(c)]) if ord(c) < table.size else c for c in text)


@cache
def make_listed(lists: tuple[tuple[tuple[str, ...], int], ...]) -> Listed:
    """The table of some lists, each with the way its words are met."""
    words: dict[int, list[int]] = {}
    for number, (own, way) in enumerate(lists):
        for word in own:
            key = hash_word(lower(word) if way == IN_LOWER_CASE else word)
            words.setdefault(key, [0, 0])[way] |= 1 << number
    keys = np.array([0, *words], dtype=np.uint64)
    factor, shift = _part(keys[1:])
    slots = np.zeros(1 << (64 - int(shift)), dtype=np.uint16)
    slots[keys[1:] * factor >> shift] = np.arange(1, keys.size)
    bits = np.array([[0, 0], *words.values()], dtype=np.int64)
    return Listed(factor, shift, slots, keys, np.ascontiguousarray(bits.T))


def _part(keys: NDArray[np.uint64]) -> tuple[np.uint64, np.uint64]:
    """A factor and a shift that give each key a slot of its own."""
    bits, factor = _SLOT_BITS, int(MIX)
    while True:
        shift = np.uint64(64 - bits)
        for _ in range(100):
            if np.unique(keys * np.uint64(factor) >> shift).size == keys.size:
                return np.uint64(factor), shift
            factor = factor * int(MIX) & _WORD_BITS
        bits += 1
