"""The histogram of lengths, against a sorted list."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datakit.tokens.histogram import EXACT, LengthHistogram

lengths = st.lists(st.integers(0, EXACT - 1) | st.integers(0, 50), min_size=1, max_size=40)


def histogram_of(values: list[int]) -> LengthHistogram:
    histogram = LengthHistogram()
    histogram.add(np.array(values, dtype=np.int64))
    return histogram


@given(lengths, st.sampled_from([1, 5, 50, 99, 100]), st.integers(0, EXACT - 1))
def test_percentiles_and_shares_are_those_of_the_list(
    values: list[int], share: int, window: int
) -> None:
    found = histogram_of(values)

    assert found.percentile(share) == sorted(values)[ceil(share / 100 * len(values)) - 1]
    assert found.fitting(window) == sum(v <= window for v in values) / len(values)
    assert (found.count, found.total, found.longest) == (len(values), sum(values), max(values))


@given(lengths, lengths)
def test_histograms_add(first: list[int], second: list[int]) -> None:
    merged = histogram_of(first)
    merged.merge(histogram_of(second))
    both = histogram_of([*first, *second])

    assert (merged.exact == both.exact).all()
    assert (merged.total, merged.longest) == (both.total, both.longest)


@pytest.mark.parametrize("length", [EXACT, 100_000, 10_000_000])
def test_very_long_records_are_told_to_one_per_cent(length: int) -> None:
    found = histogram_of([length, length * 3])

    assert length <= found.percentile(50) <= length * 1.0101
    assert found.percentile(100) == length * 3
