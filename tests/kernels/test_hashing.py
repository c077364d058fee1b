import numpy as np
import polars as pl
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from datakit import records
from datakit.kernels.hashing import hash_values
from datakit.records import hash_strings


def hash_all(values: list[bytes], seed: int) -> list[int]:
    ends = np.cumsum([0, *map(len, values)], dtype=np.int64)
    text = np.frombuffer(b"".join(values), dtype=np.uint8)
    return [int(found) for found in hash_values(text, ends, seed)]


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(0, 2**64 - 1))
def test_hashes_are_those_of_the_library(values: list[bytes], seed: int) -> None:
    assert hash_all(values, seed) == [xxhash.xxh64_intdigest(value, seed) for value in values]


def test_every_length_up_to_a_few_stripes() -> None:
    values = [bytes(range(length)) for length in range(140)]
    assert hash_all(values, 7) == [xxhash.xxh64_intdigest(value, 7) for value in values]


@pytest.mark.parametrize("values", [["甲", None, "", "乙" * 50, "a"], [None, None], [], [""] * 9])
def test_both_ways_of_hashing_a_column_agree(
    values: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    column = pl.Series("text", values, dtype=pl.String)
    one_by_one = hash_strings(column, seed=3)

    monkeypatch.setattr(records, "COMPILED_HASH_BYTES", 0)

    assert hash_strings(column, seed=3).equals(one_by_one, check_dtypes=True, check_names=True)
    part = hash_strings(column[1:], seed=3)
    assert part.to_list() == one_by_one.to_list()[1:]
