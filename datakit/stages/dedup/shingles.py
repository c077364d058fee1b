"""A text's shingles: overlapping runs of words or characters, as its script asks, hashed."""

from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.records import rewrite_where
from datakit.stages.dedup.letter_table import load_letter_table

Hashes: TypeAlias = NDArray[np.uint32]
Bounds: TypeAlias = NDArray[np.int64]

SCHEME = 1
"""Raised when texts are cut or hashed in another way: indexes of another scheme are not read."""


def make_shingles(texts: pl.Series, *, ngram_words: int, ngram_chars: int) -> tuple[Hashes, Bounds]:
    """Shingle hashes, UInt32, of each text i at `hashes[bounds[i]:bounds[i + 1]]`, repeats and all.

    Compared are letters, digits and marks, in lower case and NFC, full-width forms folded;
    punctuation and white space only part words, invisible characters not even that. A text with
    more characters of unspaced scripts than words of others is cut into characters, any other
    into words, each character of an unspaced script being one. A text with fewer units than a
    shingle has one shingle, of the whole; a text without letters and digits is compared by its
    signs. A null or empty text, or one of white space, has none.
    """
    texts = texts.fill_null("")
    hashes, bounds, flagged = _hash_texts(texts, (ngram_words, ngram_chars))
    if flagged.any():
        composed = rewrite_where(texts, pl.Series(flagged), lambda t: t.str.normalize("NFC"))
        if not composed.equals(texts):
            hashes, bounds, _ = _hash_texts(composed, (ngram_words, ngram_chars))
    return hashes[: bounds[-1]], bounds


def _hash_texts(
    texts: pl.Series, sizes: tuple[int, int]
) -> tuple[Hashes, Bounds, NDArray[np.bool_]]:
    from datakit.kernels.shingling import shingle_texts

    data, offsets = _utf8(texts)
    hashes = np.empty(data.size, dtype=np.uint32)
    bounds = np.zeros(offsets.size, dtype=np.int64)
    flagged = np.zeros(len(texts), dtype=np.bool_)
    shingle_texts(data, offsets, load_letter_table(), sizes, hashes, bounds, flagged)
    return hashes, bounds, flagged


def _utf8(texts: pl.Series) -> tuple[NDArray[np.uint8], Bounds]:
    """The texts one after the other, eight bytes more, and where each begins and ends."""
    sizes = texts.str.len_bytes().to_numpy()
    offsets = np.zeros(sizes.size + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, places, buffer = array.buffers()
    data = np.zeros(offsets[-1] + 8, dtype=np.uint8)
    if len(texts) and buffer is not None:
        first = int(np.frombuffer(places, dtype=np.int64)[array.offset])
        data[:-8] = np.frombuffer(buffer, dtype=np.uint8)[first : first + offsets[-1]]
    return data, offsets
