"""Records as short vectors of whole numbers, whose cosines say how alike they are.

A vector has a length near `LENGTH`: then the dot product of two, and every part of it, is below
2**24, where 32-bit floating-point numbers are exact. So a matrix product gives the same bits on
every machine, however it is cut.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.errors import DatakitError
from datakit.kernels.ngrams import hash_grams, list_units
from datakit.records import nest, utf8_buffers

Vectors = NDArray[np.int16]
Floats = NDArray[np.float64]

LENGTH = 4000
MOST_DIMENSIONS = 8192
"""Rounding adds at most half of the root of it to the length: 4000 + 45 is below 4096."""

VECTOR = "vector"
_HASH_BITS = 40
_NORM_ROWS = 4096


def hash_texts(texts: pl.Series, *, ngram_size: int, dimensions: int) -> Vectors:
    """Hashed n-gram vectors of texts, shape (texts, dimensions): every n-gram of 1 to `ngram_size`
    units (a word, or a character of a script without spaces) adds the root of its count to one of
    the dimensions, or takes it off, as its hash says (Weinberger et al., Feature Hashing for
    Large Scale Multitask Learning, arXiv 0902.2206). A text without letters and digits is zero.
    """
    units, ends = list_units(*utf8_buffers(texts), by_chars=False)
    counts = np.diff(ends)
    keys = []
    for n in range(1, ngram_size + 1):
        lengths = np.maximum(counts - n + 1, 0)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        starts = np.repeat(ends[:-1], lengths) + within
        rows = np.repeat(np.arange(counts.size, dtype=np.uint64), lengths)
        hashes = hash_grams(units, starts, np.full(starts.size, n))
        keys.append(rows << np.uint64(_HASH_BITS) | hashes >> np.uint64(64 - _HASH_BITS))
    grams, times = np.unique(np.concatenate(keys), return_counts=True)
    rows, hashes = grams >> np.uint64(_HASH_BITS), grams & np.uint64((1 << _HASH_BITS) - 1)
    signs = 1.0 - 2.0 * (hashes & np.uint64(1))
    places = rows * np.uint64(dimensions) + (hashes >> np.uint64(1)) % np.uint64(dimensions)
    size = counts.size * dimensions
    sums = np.bincount(places.astype(np.int64), signs * np.sqrt(times), minlength=size)
    return to_length(sums.reshape(counts.size, dimensions).astype(np.float64, copy=False))


def read_embeddings(values: pl.Series) -> tuple[Vectors, NDArray[np.bool_]]:
    """A column of lists of numbers (or their JSON text, as readers give it) as vectors, and which
    rows have one; the others, and vectors of zeros, are zero.

    Raises:
        DatakitError: something else is in the column, or vectors of different length.
    """
    name = values.name
    if values.dtype == pl.String:
        texts = pl.when(values.str.strip_chars() != "").then(values)
        try:
            values = pl.select(texts.str.json_decode(pl.List(pl.Float64))).to_series()
        except pl.exceptions.PolarsError as error:
            raise DatakitError(f"the column {name!r} holds no list of numbers: {error}") from error
    if isinstance(values.dtype, pl.Array):
        values = values.arr.to_list()
    if values.dtype != pl.Null and (
        not isinstance(values.dtype, pl.List) or not values.dtype.inner.is_numeric()
    ):
        raise DatakitError(f"the column {name!r} holds {values.dtype}, not lists of numbers")
    sizes = values.drop_nulls().list.len().unique().to_list() if values.dtype != pl.Null else []
    sizes = [size for size in sizes if size]
    if len(sizes) > 1 or any(size > MOST_DIMENSIONS for size in sizes):
        raise _unequal(name, sizes)
    if not sizes:
        return np.zeros((len(values), 0), dtype=np.int16), np.zeros(len(values), dtype=np.bool_)
    has_vector = (values.list.len() == sizes[0]).fill_null(False).to_numpy()
    numbers = np.zeros((len(values), sizes[0]))
    flat = values.filter(pl.Series(has_vector)).explode(empty_as_null=False, keep_nulls=False)
    numbers[has_vector] = (
        flat.cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(-1, sizes[0])
    )
    if not np.isfinite(numbers).all():
        raise DatakitError(f"the column {name!r} has vectors with values that are no numbers")
    vectors = to_length(numbers)
    return vectors, has_vector & vectors.any(axis=1)


def to_length(numbers: Floats) -> Vectors:
    """Each row brought to `LENGTH` and rounded; zero stays zero."""
    norms = np.sqrt((numbers * numbers).sum(axis=1, keepdims=True))
    scale = np.divide(LENGTH, norms, out=np.zeros_like(norms), where=norms > 0)
    rounded: Vectors = np.rint(numbers * scale).astype(np.int16)
    return rounded


def subtract_mean(vectors: Vectors, mean: Floats) -> Vectors:
    """Vectors without what all have in common, brought to length again. One that has nothing
    else is set to the first direction, so that two of that kind are alike.
    """
    centred = to_length(vectors - mean)
    centred[~centred.any(axis=1), 0] = LENGTH
    return centred


def norms_of(vectors: Vectors) -> Floats:
    """The lengths of the rows, shape (rows,)."""
    norms = np.zeros(vectors.shape[0])
    for start in range(0, norms.size, _NORM_ROWS):
        wide = vectors[start : start + _NORM_ROWS].astype(np.int64)
        norms[start : start + _NORM_ROWS] = np.sqrt((wide * wide).sum(axis=1).astype(np.float64))
    return norms


def to_column(vectors: Vectors) -> pl.Series:
    """Vectors as a column `vector` of lists."""
    rows, dimensions = vectors.shape
    lengths = pl.Series([dimensions], dtype=pl.UInt32).new_from_index(0, rows)
    return nest(pl.Series(vectors.ravel()), lengths, name=VECTOR)


def from_column(column: pl.Series) -> Vectors:
    """The opposite of `to_column`.

    Raises:
        DatakitError: the vectors are not of one length.
    """
    sizes = column.list.len().unique().sort().to_list()
    if len(sizes) > 1:
        raise _unequal("embedding", sizes)
    flat = column.explode(empty_as_null=False, keep_nulls=False).to_numpy()
    vectors: Vectors = flat.reshape(len(column), -1)
    return vectors


def _unequal(name: str, sizes: list[int]) -> DatakitError:
    shown = " and ".join(str(size) for size in sorted(sizes))
    message = f"the column {name!r} has vectors of {shown} numbers"
    return DatakitError(f"{message}; all must have as many, at most {MOST_DIMENSIONS:,}")
