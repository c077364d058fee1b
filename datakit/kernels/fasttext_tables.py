"""Looking up words and n-grams in a fastText model, and adding up their rows."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.memory import (
    LANES,
    Long,
    add_lanes,
    load_byte,
    load_float,
    load_int,
    load_long,
    load_ulong,
    store_float,
    store_long,
)
from datakit.kernels.simd import Bytes, Offsets, count_bits, kernel, part

if TYPE_CHECKING:
    from datakit.kernels.fasttext_layout import Tables

FNV_START, FNV_PRIME = np.uint32(2166136261), np.uint32(16777619)


@part
def step(hashed: np.uint32, byte: np.uint8) -> np.uint32:
    """FNV-1a with bytes taken as signed, as fastText's models were trained."""
    return np.uint32((hashed ^ np.uint32(np.int32(np.int8(byte)))) * FNV_PRIME)


@kernel
def fill_slots(words: Bytes, word_ends: Offsets, slots: NDArray[np.int32]) -> None:
    """Lay the words out in an open hash table whose size is a power of two."""
    mask = slots.size - 1
    for number in range(word_ends.size - 1):
        hashed = FNV_START
        for k in range(word_ends[number], word_ends[number + 1]):
            hashed = step(hashed, words[k])
        slot = np.int64(hashed) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = number


@part
def is_same(one: Long, other: Long, size: Long) -> Any:
    """Whether `size` bytes are the same at two addresses."""
    done = 0
    while done + 8 <= size:
        if load_ulong(one + done, 0) != load_ulong(other + done, 0):
            return False
        done += 8
    while done < size and load_byte(one, done) == load_byte(other, done):
        done += 1
    return done == size


@part
def find_word(tables: "Tables", word: Long, size: Long, hashed: np.uint32) -> Long:
    """Number of a word or label, -1 if it is none."""
    slot = np.int64(hashed) & tables.slot_mask
    number = np.int64(load_int(tables.slots, slot))
    while number >= 0:
        first = load_long(tables.word_ends, number)
        if load_long(tables.word_ends, number + 1) - first == size and is_same(
            tables.words + first, word, size
        ):
            return number
        slot = (slot + 1) & tables.slot_mask
        number = np.int64(load_int(tables.slots, slot))
    return -1


@part
def put_bucket(tables: "Tables", bucket: Long, places: Long, count: Long) -> Long:
    """Put a bucket's row behind the others, if it has one; how many rows there are now."""
    if tables.left == 0:
        store_long(places, count, (tables.n_words + bucket) * tables.row_bytes)
        return count + 1
    group = load_ulong(tables.left, bucket >> 5)
    bit = np.uint64(bucket & 31)
    below: Any = np.uint32(group & ((np.uint64(1) << bit) - np.uint64(1)))
    row = tables.n_words + np.int64(group >> np.uint64(32)) + count_bits(below)
    store_long(places, count, row * tables.row_bytes)
    # No branch: whether a bucket was left is as good as a coin's toss.
    return count + np.int64((group >> bit) & np.uint64(1))


@part
def add_rows(tables: "Tables", places: Long, count: Long, total: Long) -> None:
    """Add the rows at `places` (bytes from the first row) to the `dim` values at `total`."""
    at = 0
    while at + LANES <= tables.dim:
        add_lanes(total + 4 * at, tables.rows + 4 * at, places, count)
        at += LANES
    if at < tables.dim:
        for i in range(count):
            row = tables.rows + load_long(places, i)
            for k in range(at, tables.dim):
                store_float(total, k, load_float(total, k) + load_float(row, k))


@part
def add_vector(total: Long, vector: Long, dim: Long) -> None:
    """Add `dim` values to those at `total`."""
    for k in range(dim):
        store_float(total, k, load_float(total, k) + load_float(vector, k))
