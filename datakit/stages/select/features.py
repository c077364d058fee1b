"""Hashed n-gram features of texts, and what they weigh.

Source: Xie et al., Data Selection for Language Models via Importance Resampling, arXiv 2302.03169,
and its code (hashed_ngram_dsir.py): unigrams and bigrams hashed to 10,000 buckets, log-ratios of
the buckets' shares with 1e-8 added. Units here are words, and characters in scripts without spaces,
letters and digits only.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.kernels.ngrams import hash_grams, list_units
from datakit.records import Table, nest, utf8_buffers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMOOTHING = 1e-8
STEPS = 1 << 20
"""Log-ratios are taken to 1 / STEPS."""


class Features(NamedTuple):
    """The buckets of all n-grams of one size in several texts, one text after the other."""

    buckets: NDArray[np.uint64]
    lengths: Ints


def make_features(texts: pl.Series, *, ngram_size: int, buckets: int) -> list[Features]:
    """For n = 1 to `ngram_size`, the bucket of each n-gram of units of each text."""
    units, ends = list_units(*utf8_buffers(texts), by_chars=False)
    counts = np.diff(ends)
    found = []
    for n in range(1, ngram_size + 1):
        lengths = np.maximum(counts - n + 1, 0)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        starts = np.repeat(ends[:-1], lengths) + within
        hashes = hash_grams(units, starts, np.full(starts.size, n))
        found.append(Features(hashes % np.uint64(buckets), lengths))
    return found


def to_table(features: Sequence[Features], buckets: int) -> Table:
    """Features as one row a text: a list column for each size of n-gram."""
    kind = pl.UInt16 if buckets <= 1 << 16 else pl.UInt32
    return pl.DataFrame(
        [
            nest(pl.Series(each.buckets).cast(kind), pl.Series(each.lengths), name=f"n{n}")
            for n, each in enumerate(features, 1)
        ]
    )


def from_table(table: Table) -> Iterator[Features]:
    """The opposite of `to_table`."""
    for column in table.get_columns():
        flat = column.explode(empty_as_null=False, keep_nulls=False)
        lengths = column.list.len().cast(pl.Int64).to_numpy()
        yield Features(flat.cast(pl.UInt64).to_numpy(), lengths)


def count_buckets(features: Sequence[Features], buckets: int) -> Ints:
    """How many n-grams of any size fall into each bucket."""
    total = np.zeros(buckets, dtype=np.int64)
    for each in features:
        total += np.bincount(each.buckets.astype(np.int64), minlength=buckets)
    return total


def log_ratios(target: Ints, raw: Ints) -> Floats:
    """The logarithm of each bucket's share in the target over its share in the raw texts."""
    ratios: Floats = np.log(_shares(target) + SMOOTHING) - np.log(_shares(raw) + SMOOTHING)
    return ratios


def divergence(target: Ints, other: Ints) -> float | None:
    """Kullback-Leibler divergence of the target's buckets from others, in nats; None if these are
    empty.
    """
    shares = _shares(target)
    return float((shares * log_ratios(target, other)).sum()) if other.sum() else None


def weigh(features: Sequence[Features], ratios: Floats, *, chunk_units: int) -> Floats:
    """The log-ratio of each text: the sum over its n-grams, or with `chunk_units` that of a piece
    of the text of so many units.
    """
    # Whole numbers add up to the same in any order, whatever texts stand beside.
    steps = np.rint(ratios * STEPS).astype(np.int64)
    total = np.zeros(features[0].lengths.size, dtype=np.int64)
    for each in features:
        sums = np.zeros(each.buckets.size + 1, dtype=np.int64)
        np.cumsum(steps[each.buckets.astype(np.int64)], out=sums[1:])
        ends = np.cumsum(each.lengths)
        total += sums[ends] - sums[ends - each.lengths]
    weights: Floats = total / STEPS
    if chunk_units:
        weights *= chunk_units / np.maximum(features[0].lengths, 1)
    return weights


def _shares(counts: Ints) -> Floats:
    shares: Floats = counts / max(int(counts.sum()), 1)
    return shares
