"""Looking up words and n-grams in a fastText model, and adding up their rows.

The vector step is in LLVM's own code, as those in `simd`: many rows are added up without writing
the sum down in between.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from datakit.kernels.simd import Bytes, Offsets, count_bits, kernel, load_word, part

if TYPE_CHECKING:
    from datakit.kernels.fasttext import Tables

FNV_START, FNV_PRIME = np.uint32(2166136261), np.uint32(16777619)
LANES = 16

Rows = NDArray[np.int64]
Sums = NDArray[np.float32]
_intrinsic: Any = intrinsic


def _add_lanes(_context: Any, total: Any, at: Any, rows: Any, places: Any, count: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def pointer(number: int, index: Any) -> Any:
            array = context.make_array(signature.args[number])(context, builder, args[number])
            return builder.gep(array.data, [index])

        lanes = ir.VectorType(ir.FloatType(), LANES)
        target = builder.bitcast(pointer(0, args[1]), lanes.as_pointer())
        total = cgutils.alloca_once_value(builder, builder.load(target, align=1))
        with cgutils.for_range(builder, args[4]) as loop:
            place = builder.load(pointer(3, loop.index))
            row = builder.bitcast(pointer(2, place), lanes.as_pointer())
            summed = builder.fadd(builder.load(total), builder.load(row, align=1))
            builder.store(summed, total)
        builder.store(builder.load(total), target, align=1)
        return context.get_dummy_value()

    return types.void(total, at, rows, places, count), generate


def _load_float(_context: Any, data: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = builder.gep(array.data, [args[1]])
        return builder.load(builder.bitcast(pointer, ir.FloatType().as_pointer()), align=1)

    return types.float32(data, at), generate


add_lanes: Callable[[Sums, int, Bytes, Rows, int], None] = _intrinsic(_add_lanes)
"""`add_lanes(total, at, rows, places, count)`: add to `total[at:at + LANES]` the float32 values at
each of the first `count` byte places."""

load_float: Callable[[Bytes, int], np.float32] = _intrinsic(_load_float)
"""`load_float(data, at)`: four bytes as a float32."""


@part
def add_rows(total: Sums, start: int, tables: "Tables", places: Rows, count: int) -> None:
    """Add the rows at `places` (numbers; left as byte places) to `total[start:start + dim]`."""
    size = 4 * tables.dim
    for i in range(count):
        places[i] *= size
    at = 0
    while at + LANES <= tables.dim:
        add_lanes(total, start + at, tables.rows, places, count)
        for i in range(count):
            places[i] += 4 * LANES
        at += LANES
    if at < tables.dim:
        for i in range(count):
            for k in range(tables.dim - at):
                total[start + at + k] += load_float(tables.rows, places[i] + 4 * k)


@part
def step(hashed: np.uint32, byte: np.uint8) -> np.uint32:
    """FNV-1a with bytes taken as signed, as fastText's models were trained."""
    return np.uint32((hashed ^ np.uint32(np.int32(np.int8(byte)))) * FNV_PRIME)


@part
def find_word(tables: "Tables", data: Bytes, at: int, stop: int, hashed: np.uint32) -> int:
    """Number of the word or label `data[at:stop]`, -1 if it is none."""
    mask = tables.slots.size - 1
    slot = np.int64(hashed) & mask
    while tables.slots[slot] >= 0:
        number = tables.slots[slot]
        first = tables.word_ends[number]
        if tables.word_ends[number + 1] - first == stop - at and is_same(
            tables.words, first, data, at, stop - at
        ):
            return number
        slot = (slot + 1) & mask
    return -1


@part
def is_same(one: Bytes, at: int, other: Bytes, place: int, size: int) -> bool:
    """Whether `size` bytes are the same at two places."""
    done = 0
    while done + 8 <= size:
        if load_word(one, at + done) != load_word(other, place + done):
            return False
        done += 8
    for k in range(done, size):
        if one[at + k] != other[place + k]:
            return False
    return True


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
def put_bucket(tables: "Tables", bucket: int, places: Rows, count: int) -> int:
    """Put a bucket's row behind the others, if it has one; how many rows there are now."""
    if tables.left.size == 0:
        places[count] = tables.n_words + bucket
        return count + 1
    group = tables.left[bucket >> 5]
    bit = np.uint64(bucket & 31)
    below = np.uint32(group & ((np.uint64(1) << bit) - np.uint64(1)))
    places[count] = tables.n_words + np.int64(group >> np.uint64(32)) + count_bits(below)
    # No branch: whether a bucket was left is as good as a coin's toss.
    return count + np.int64((group >> bit) & np.uint64(1))
