"""Parting rows: what stays, what goes, and what is told of it."""

import json

import polars as pl
import pytest

from datakit.barriers import Decisions
from datakit.executors.parting import part_by_decisions, part_by_verdicts, repeat_rows
from datakit.executors.reject_values import encode_values
from datakit.testing import make_batch


def test_values_are_json_objects_without_nulls() -> None:
    columns = {"a": [1, None, 3], "b": ['x}"{', None, None], "c": [{"d": n} for n in (1, 2, 3)]}
    values = pl.DataFrame(columns)

    found = [json.loads(text) for text in encode_values(values)]

    expected = [{"a": 1, "b": 'x}"{', "c": {"d": 1}}, {"c": {"d": 2}}, {"a": 3, "c": {"d": 3}}]
    assert found == expected


def test_no_values_at_all_stay_null() -> None:
    assert encode_values(pl.DataFrame()).to_list() == []


def test_a_copy_count_of_nought_without_reason_is_still_a_reject() -> None:
    batch = make_batch([{"text": "a"}, {"text": "b"}])
    copies = pl.Series([0, 1], dtype=pl.UInt32)

    parted = part_by_decisions(batch, Decisions(copies, pl.Series([None, None], dtype=pl.String)))

    assert parted.kept["text"].to_list() == ["b"]
    assert parted.rejects["reason"].to_list() == ["unnamed"]


def test_a_reason_on_a_row_that_stays_rejects_nothing() -> None:
    batch = make_batch([{"text": "a"}])
    decisions = Decisions(pl.Series([1], dtype=pl.UInt32), pl.Series(["why"]))

    assert part_by_decisions(batch, decisions).kept.height == 1


def test_copies_get_distinct_ids_next_to_their_original() -> None:
    batch = make_batch([{"id": "x", "text": "a"}, {"id": "y", "text": "b"}])

    rows = repeat_rows(batch, pl.Series([3, 1], dtype=pl.UInt32))

    assert rows["id"].to_list() == ["x", "x#2", "x#3", "y"]
    assert rows["text"].to_list() == ["a", "a", "a", "b"]


@pytest.mark.parametrize(("excerpt", "expected"), [(2, "数据"), (None, "数据集合")])
def test_rejects_keep_an_excerpt_or_all(excerpt: int | None, expected: str) -> None:
    batch = make_batch([{"text": "数据集合"}])
    verdicts = pl.DataFrame({"reason": ["why"], "n": [1]})

    parted = part_by_verdicts(batch, verdicts, excerpt=excerpt)

    assert parted.rejects["text"].to_list() == [expected]
