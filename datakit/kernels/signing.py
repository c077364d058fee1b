"""MinHash signatures and band keys from shingle hashes.

Permutations and signatures are those of datasketch 2's `MinHash(scheme="affine32")`: shingle
hashes of 32 bits, mixed once by MurmurHash3's finaliser, then `a * h + b` mod 2**32.
"""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.letters import mix_word
from datakit.kernels.simd import Offsets, kernel, part

Hashes = NDArray[np.uint32]

# Fewer shingles than this are signed with the permutations innermost: short loops do not vectorise.
FEW_SHINGLES = 48


@part
def sign_many(mixed: Hashes, count: int, a: Hashes, b: Hashes, signature: Hashes) -> None:
    """Permutations outermost: the inner loop over shingles is one that LLVM vectorises (in this
    form: with `min()` or an iteration over the values it is ten times slower).
    """
    for p in range(a.size):
        factor, addend, least = a[p], b[p], np.uint32(0xFFFFFFFF)
        for k in range(count):
            # Numba widens the product to 64 bits; cut back at once it is a 32-bit product.
            value = np.uint32(mixed[k] * factor + addend)
            if value < least:  # noqa: PLR1730
                least = value
        signature[p] = least


@part
def sign_few(mixed: Hashes, count: int, a: Hashes, b: Hashes, signature: Hashes) -> None:
    """The same with the permutations innermost."""
    for p in range(a.size):
        signature[p] = np.uint32(0xFFFFFFFF)
    for k in range(count):
        own = mixed[k]
        for p in range(a.size):
            value = np.uint32(own * a[p] + b[p])
            signature[p] = value if value < signature[p] else signature[p]


@kernel
def sign_texts(
    hashes: Hashes, bounds: Offsets, a: Hashes, b: Hashes, signatures: NDArray[np.uint32]
) -> None:
    """Row i of `signatures`: for each permutation, the least value over text i's shingles
    `hashes[bounds[i]:bounds[i + 1]]`.

    A text without shingles has the largest value everywhere, as an empty MinHash.
    """
    longest = 0
    for i in range(bounds.size - 1):
        longest = max(longest, bounds[i + 1] - bounds[i])
    mixed = np.empty(longest, dtype=np.uint32)
    for i in range(bounds.size - 1):
        first, count = bounds[i], bounds[i + 1] - bounds[i]
        for k in range(count):
            mixed[k] = mix_word(hashes[first + k])
        if count < FEW_SHINGLES:
            sign_few(mixed, count, a, b, signatures[i])
        else:
            sign_many(mixed, count, a, b, signatures[i])


@kernel
def band_keys(
    signatures: NDArray[np.uint32], bands: int, rows: int, keys: NDArray[np.uint64]
) -> None:
    """`keys[i, band]`: a 64-bit hash of the band's values and its number.

    Equal keys mean the same band with the same values, but for one chance in 2**64.
    """
    step, mix = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD)
    for i in range(signatures.shape[0]):
        for band in range(bands):
            key = np.uint64(band + 1)
            for row in range(band * rows, (band + 1) * rows):
                key = (key ^ np.uint64(signatures[i, row])) * step
                key ^= key >> np.uint64(29)
            key *= mix
            keys[i, band] = key ^ (key >> np.uint64(32))
