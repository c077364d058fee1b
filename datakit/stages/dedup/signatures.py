"""MinHash signatures and bucket keys of texts' shingles."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from datakit.stages.dedup.bands import choose_bands
from datakit.stages.dedup.shingles import Bounds, Hashes


def make_signatures(
    hashes: Hashes, bounds: Bounds, permutations: tuple[Hashes, Hashes]
) -> NDArray[np.uint32]:
    """Signatures, shape (texts, permutations): those of datasketch's `MinHash(scheme="affine32")`
    over the same shingle hashes.
    """
    from datakit.kernels.signing import sign_texts

    a, b = permutations
    signatures = np.empty((bounds.size - 1, a.size), dtype=np.uint32)
    sign_texts(hashes, bounds, a, b, signatures)
    return signatures


def make_band_keys(
    hashes: Hashes, bounds: Bounds, threshold: float, num_perm: int, seed: int
) -> NDArray[np.uint64]:
    """The bucket keys of each text, shape (texts, bands); only the permutations that bands use
    are computed.
    """
    from datakit.kernels.signing import band_keys

    chosen = choose_bands(threshold, num_perm)
    assert chosen is not None, "settings are checked"
    bands, rows = chosen
    a, b = load_permutations(num_perm, seed)
    signatures = make_signatures(hashes, bounds, (a[: bands * rows], b[: bands * rows]))
    keys = np.empty((bounds.size - 1, bands), dtype=np.uint64)
    band_keys(signatures, bands, rows, keys)
    return keys


@cache
def load_permutations(num_perm: int, seed: int) -> tuple[Hashes, Hashes]:
    """Multipliers and addends of `num_perm` permutations (UInt32), the ones datasketch 2 makes for
    `MinHash(num_perm, seed, scheme="affine32")`.

    Made here, from the same generator: importing datasketch takes longer than a small run.
    """
    # numpy takes 32 bits of a seed.
    draw = np.random.RandomState(seed % (1 << 32))
    a = draw.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return a, draw.randint(0, 1 << 32, num_perm, dtype=np.uint32)
