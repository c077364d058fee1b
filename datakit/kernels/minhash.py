"""MinHash on plain arrays: shingle hashes, signatures, band keys.

Permutations and signatures are those of datasketch 2's `MinHash(scheme="affine32")`: shingle
hashes of 32 bits, mixed once by MurmurHash3's finaliser, then `a * h + b mod 2**32`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint32]
Longs: TypeAlias = NDArray[np.uint64]
Offsets: TypeAlias = NDArray[np.int64]

# Odd 64-bit constants: the golden ratio (Knuth), and MurmurHash3's finaliser.
STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_A, _MIX_B = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)

# Below this many (shingle, permutation) pairs numpy is done before numba is even imported.
COMPILE_FROM = 50_000_000


def mix_longs(values: Longs) -> Longs:
    """MurmurHash3's 64-bit finaliser: each bit of a value changes about half of the result's."""
    mixed = (values ^ (values >> _SHIFT)) * _MIX_A
    mixed = (mixed ^ (mixed >> _SHIFT)) * _MIX_B
    return mixed ^ (mixed >> _SHIFT)


def mix_words(values: Words) -> Words:
    """MurmurHash3's 32-bit finaliser."""
    mixed = (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return mixed ^ (mixed >> np.uint32(16))


def hash_words(characters: Words) -> Longs:
    """A hash of each word of a text given as code points, words separated by single spaces."""
    is_space = characters == ord(" ")
    starts = np.concatenate([[0], np.flatnonzero(is_space) + 1])
    lengths = np.diff(starts, append=characters.size)
    place = np.arange(characters.size) - np.repeat(starts, lengths)
    weights = np.cumprod(np.full(int(lengths.max()), STEP, dtype=np.uint64))
    terms = mix_longs(characters.astype(np.uint64) + STEP) * weights[place]
    terms[is_space] = 0
    return mix_longs(np.add.reduceat(terms, starts))


def hash_shingles(units: Longs, counts: Offsets, size: int) -> tuple[Words, Offsets]:
    """The shingles of records: 32-bit hashes of each `size` units in a row.

    `units` holds the records' units (hashes of words, or characters) one record after the other,
    `counts` how many each has, at least one. A record with fewer than `size` has one shingle, of
    all its units. Returns each record's hashes, sorted and without repetition, and where each
    record's begin (one more offset than records).
    """
    records = counts.size
    # Each record is followed by size - 1 zeros, so that no window reaches into the next.
    starts = np.concatenate([[0], np.cumsum(counts + size - 1)])[:-1]
    owner = np.repeat(np.arange(records), counts)
    place = np.arange(units.size) - np.repeat(np.cumsum(counts) - counts, counts)
    padded = np.zeros(units.size + records * (size - 1), dtype=np.uint64)
    padded[starts[owner] + place] = units
    windows = np.full(padded.size - size + 1, size, dtype=np.uint64)
    for step in range(size):
        windows *= STEP
        windows += padded[step : step + windows.size]
    is_window = place <= np.maximum(counts - size, 0)[owner]
    owner = owner[is_window]
    hashes = mix_longs(windows[starts[owner] + place[is_window]]) >> np.uint64(32)
    # Sorting and comparing neighbours is ten times faster than np.unique on 64-bit numbers.
    keys = np.sort((owner.astype(np.uint64) << np.uint64(32)) | hashes)
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    bounds = np.arange(records + 1, dtype=np.uint64) << np.uint64(32)
    return keys.astype(np.uint32), np.searchsorted(keys, bounds).astype(np.int64)


def sign_records(
    shingles: Words, offsets: Offsets, permutations: tuple[Words, Words]
) -> NDArray[np.uint32]:
    """One signature a record: for each permutation, its least value over the record's shingles.

    Every record has at least one shingle.
    """
    a, b = permutations
    sign = sign_compiled() if shingles.size * a.size >= COMPILE_FROM else sign_plainly
    signatures: NDArray[np.uint32] = sign(mix_words(shingles), offsets, a, b)
    return signatures


def sign_plainly(mixed: Words, offsets: Offsets, a: Words, b: Words) -> NDArray[np.uint32]:
    """Signatures by numpy, a permutation at a time."""
    signatures = np.empty((offsets.size - 1, a.size), dtype=np.uint32)
    if signatures.size:
        for p in range(a.size):
            signatures[:, p] = np.minimum.reduceat(mixed * a[p] + b[p], offsets[:-1])
    return signatures


@cache
def sign_compiled() -> Callable[..., Any]:
    """The same as `sign_plainly`, by numba; compiled once and kept on disk."""
    from numba import njit

    return njit(cache=True, nogil=True)(_sign)


def _sign(mixed: Words, offsets: Offsets, a: Words, b: Words) -> NDArray[np.uint32]:
    signatures = np.empty((offsets.size - 1, a.size), dtype=np.uint32)
    for record in range(offsets.size - 1):
        own = mixed[offsets[record] : offsets[record + 1]]
        # Permutations outermost: the inner loop is one that LLVM vectorises (in this form: with
        # `min()` or an iteration over the values it is ten times slower).
        for p in range(a.size):
            factor, addend, least = a[p], b[p], np.uint32(0xFFFFFFFF)
            for i in range(own.size):
                # Numba widens the product to 64 bits; cut back at once it is a 32-bit product.
                value = np.uint32(own[i] * factor + addend)
                if value < least:  # noqa: PLR1730
                    least = value
            signatures[record, p] = least
    return signatures


def make_band_keys(signatures: NDArray[np.uint32], bands: int, rows: int) -> Longs:
    """A 64-bit hash of each band of each signature, shape (records, bands).

    Equal keys mean the same band with the same rows (but for one chance in 2**64).
    """
    used = signatures[:, : bands * rows].reshape(-1, bands, rows).astype(np.uint64)
    keys = np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64), used.shape[:2]).copy()
    for row in range(rows):
        keys = mix_longs(keys * STEP + used[:, :, row])
    return keys
