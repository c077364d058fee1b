"""Lists of words as hash tables for the kernels that measure signals."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MIX = np.uint64(0x9E3779B97F4A7C15)
_WORD_BITS = (1 << 64) - 1

# Blocks whose capitals are made small one by one: Basic Latin, Latin-1, Greek, Cyrillic.
_CASED = (*range(0x100), *range(0x370, 0x400), *range(0x400, 0x530))


AS_IS, IN_LOWER_CASE = 1, 2


class Listed(NamedTuple):
    """Words of lists, open addressing by bits 40 and up of their hash: the hash, the list's
    number, and the way its words are met (0: nothing here).
    """

    keys: NDArray[np.uint64]
    lists: NDArray[np.uint8]
    ways: NDArray[np.uint8]


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
    entries = {
        (hash_word(lower(word) if way == IN_LOWER_CASE else word), number, way)
        for number, (words, way) in enumerate(lists)
        for word in words
    }
    size = 1 << max(6, (4 * len(entries)).bit_length())
    keys = np.zeros(size, dtype=np.uint64)
    found = Listed(keys, np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8))
    for key, number, way in sorted(entries):
        slot = (key >> 40) & (size - 1)
        while found.ways[slot]:
            slot = (slot + 1) & (size - 1)
        found.keys[slot], found.lists[slot], found.ways[slot] = key, number, way
    return found
