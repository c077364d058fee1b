"""Texts as sequences of units (words or characters), and the n-grams they share with others.

A unit is a word (a run of letters, marks and digits) or a character; in scripts that put no space
between words each character is a word. Case, width, accents and punctuation do not count (see
`folding`). Numba is loaded on the first call.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.folding import fold_table

if TYPE_CHECKING:
    from datakit.kernels.ngram_scan import GramTable
    from datakit.kernels.simd import Bytes, Offsets, Words

_BITS_A_SLOT = 8


def list_units(data: "Bytes", offsets: "Offsets", *, by_chars: bool) -> tuple["Words", "Offsets"]:
    """A 64-bit hash of every unit of every text, and where each text's units begin and end.

    Text i is the valid UTF-8 `data[offsets[i]:offsets[i + 1]]`; so are its units in the result.
    """
    from datakit.kernels import ngram_scan

    units = np.empty(int(offsets[-1] - offsets[0]), dtype=np.uint64)
    ends = np.zeros(offsets.size, dtype=np.int64)
    ngram_scan.list_all(*_frozen(data, offsets), fold_table(), by_chars, units, ends)
    return units[: ends[-1]], ends


def hash_grams(units: "Words", starts: "Offsets", sizes: "Offsets") -> "Words":
    """The hash of each run of units that begins at `starts[i]` and has `sizes[i]` of them."""
    from datakit.kernels import ngram_scan

    hashes = np.empty(starts.size, dtype=np.uint64)
    ngram_scan.hash_runs(units, starts, sizes, hashes)
    return hashes


def make_gram_table(hashes: "Words", sizes: "Offsets") -> "GramTable":
    """A table that finds grams by their hash: distinct `hashes`, and all lengths that occur.

    It takes 26 to 52 bytes a gram.
    """
    from datakit.kernels.ngram_scan import BASE, GramTable, fill_table

    slots = 1 << max(6, int(2 * hashes.size - 1).bit_length())
    sizes = np.unique(sizes)
    bits = slots * _BITS_A_SLOT
    table = GramTable(
        sizes=sizes,
        powers=np.array([pow(int(BASE), int(size), 1 << 64) for size in sizes], dtype=np.uint64),
        bits=np.zeros(bits // 64, dtype=np.uint64),
        shift=np.uint64(64 - (bits - 1).bit_length()),
        keys=np.zeros(slots, dtype=np.uint64),
        numbers=np.full(slots, -1, dtype=np.int32),
    )
    fill_table(hashes, table)
    return table


def find_grams(
    data: "Bytes", offsets: "Offsets", grams: "GramTable", *, by_chars: bool
) -> NDArray[np.int64]:
    """Every place where a gram of the table stands in a text: rows of (text, number of the gram,
    its first byte in `data`, the byte behind it), in the order of the texts.

    Grams are compared by 64 bits of hash: among m grams and n places, m * n / 2**64 false hits
    are to be expected (a million grams in a terabyte of text: 0.02).
    """
    from datakit.kernels import ngram_scan

    hits = np.empty((1024, 4), dtype=np.int64)
    while True:
        texts = _frozen(data, offsets)
        count = int(ngram_scan.find_all(*texts, fold_table(), by_chars, grams, hits))
        if count <= hits.shape[0]:
            return hits[:count]
        hits = np.empty((count, 4), dtype=np.int64)


def _frozen(data: "Bytes", offsets: "Offsets") -> tuple["Bytes", "Offsets"]:
    """Views that cannot be written, so that a kernel is compiled once for both kinds of array."""
    views = data.view(), offsets.view()
    for view in views:
        view.flags.writeable = False
    return views
