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
    """Multipliers and addends of `num_perm` permutations, as datasketch makes them (UInt32)."""
    from datasketch import MinHash

    # numpy takes 32 bits of a seed.
    a, b = MinHash(num_perm=num_perm, seed=seed % (1 << 32), scheme="affine32").permutations
    return np.array(a, dtype=np.uint32), np.array(b, dtype=np.uint32)
