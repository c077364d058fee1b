"""The compiled half of `hashing`; named as in the specification of XXH64."""

import numpy as np

from datakit.kernels.simd import Bytes, Offsets, Words, kernel, load_word, part

_PRIME_1 = np.uint64(0x9E3779B185EBCA87)
_PRIME_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME_3 = np.uint64(0x165667B19E3779F9)
_PRIME_4 = np.uint64(0x85EBCA77C2B2AE63)
_PRIME_5 = np.uint64(0x27D4EB2F165667C5)


@part
def rotate(x: np.uint64, bits: int) -> np.uint64:
    """Rotate left."""
    return x << np.uint64(bits) | x >> np.uint64(64 - bits)


@part
def mix_in(lane: np.uint64, word: np.uint64) -> np.uint64:
    """One accumulator after one word of input."""
    return rotate(lane + word * _PRIME_2, 31) * _PRIME_1


@part
def merge(total: np.uint64, lane: np.uint64) -> np.uint64:
    """The total after one of the four accumulators."""
    return (total ^ mix_in(np.uint64(0), lane)) * _PRIME_1 + _PRIME_4


@part
def read_stripes(data: Bytes, at: int, stop: int, seed: np.uint64) -> np.uint64:
    """The four accumulators over all whole stripes of 32 bytes, merged."""
    a, b, c, d = seed + _PRIME_1 + _PRIME_2, seed + _PRIME_2, seed, seed - _PRIME_1
    while at + 32 <= stop:
        a = mix_in(a, load_word(data, at))
        b = mix_in(b, load_word(data, at + 8))
        c = mix_in(c, load_word(data, at + 16))
        d = mix_in(d, load_word(data, at + 24))
        at += 32
    total = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
    return merge(merge(merge(merge(total, a), b), c), d)


@part
def hash_one(data: Bytes, at: int, stop: int, seed: np.uint64) -> np.uint64:
    """XXH64 of `data[at:stop]`."""
    size = stop - at
    total = read_stripes(data, at, stop, seed) if size >= 32 else seed + _PRIME_5
    total += np.uint64(size)
    at = stop - size % 32
    while at + 8 <= stop:
        total = rotate(total ^ mix_in(np.uint64(0), load_word(data, at)), 27) * _PRIME_1 + _PRIME_4
        at += 8
    if at + 4 <= stop:
        half = np.uint64(0)
        for i in range(4):
            half |= np.uint64(data[at + i]) << np.uint64(8 * i)
        total = rotate(total ^ half * _PRIME_1, 23) * _PRIME_2 + _PRIME_3
        at += 4
    while at < stop:
        total = rotate(total ^ np.uint64(data[at]) * _PRIME_5, 11) * _PRIME_1
        at += 1
    total = (total ^ total >> np.uint64(33)) * _PRIME_2
    total = (total ^ total >> np.uint64(29)) * _PRIME_3
    return total ^ total >> np.uint64(32)


@kernel
def hash_all(data: Bytes, offsets: Offsets, seed: np.uint64, hashes: Words) -> None:
    """XXH64 of every value."""
    for i in range(hashes.size):
        hashes[i] = hash_one(data, offsets[i], offsets[i + 1], seed)
