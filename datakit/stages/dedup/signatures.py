"""MinHash signatures and bucket keys of texts' shingles."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.stages.dedup.bands import choose_bands
from datakit.stages.dedup.shingles import Bounds, Hashes, make_shingles

if TYPE_CHECKING:
    from datasketch import LeanMinHash


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


def make_lean_minhashes(
    texts: Sequence[str],
    *,
    num_perm: int = 128,
    ngram_words: int = 5,
    ngram_chars: int = 5,
    seed: int = 1,
) -> "list[LeanMinHash]":
    """The texts' signatures as datasketch's `LeanMinHash` (scheme `affine32`), for its indexes
    (`MinHashLSH`, `MinHashLSHForest` ...) or to be stored; shingles as of `dedup.minhash`.

    >>> one, two = make_lean_minhashes(["高血压患者应当少吃盐", "高血压患者应当少吃糖"])
    >>> 0 < one.jaccard(two) < 1
    True
    """
    from datasketch import LeanMinHash

    hashes, bounds = make_shingles(
        pl.Series(texts, dtype=pl.String), ngram_words=ngram_words, ngram_chars=ngram_chars
    )
    signatures = make_signatures(hashes, bounds, load_permutations(num_perm, seed))
    return [LeanMinHash(seed=seed, hashvalues=row, scheme="affine32") for row in signatures]


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
