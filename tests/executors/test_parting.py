"""Parting rows: what stays, what goes, and what is told of it."""

import json

import polars as pl
import pytest

from datakit.barriers import Decisions
from datakit.executors.numbering import start_numbers
from datakit.executors.parting import (
    part_by_decisions,
    part_by_expansion,
    part_by_verdicts,
    repeat_rows,
)
from datakit.executors.reject_values import encode_values
from datakit.records import PARENT, original_ids
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


def test_no_two_copies_of_a_record_get_the_same_id_however_often_it_is_copied() -> None:
    batch = start_numbers(make_batch([{"id": "x"}, {"id": "y"}, {"id": "z#2"}]))
    for copies in (2, 3, 1, 2):
        counts = pl.Series([copies] * batch.height, dtype=pl.UInt32)
        batch = repeat_rows(batch, counts)

    assert batch["id"].n_unique() == batch.height == 36
    assert original_ids(batch).value_counts(sort=True).rows() == [("x", 12), ("y", 12), ("z#2", 12)]


@pytest.mark.parametrize("keep_first_id", [True, False])
def test_parts_of_copies_and_copies_of_parts_have_ids_of_their_own(keep_first_id: bool) -> None:
    batch = start_numbers(make_batch([{"id": "x"}, {"id": "y"}]))
    batch = repeat_rows(batch, pl.Series([2, 1]))
    parents = pl.Series(PARENT, [0, 0, 0, 1, 1, 2], dtype=pl.UInt32)
    expanded = batch[parents].with_columns(parents)

    parts = part_by_expansion(batch, expanded, keep_first_id=keep_first_id).kept
    rows = repeat_rows(parts, pl.Series([3] * 6))

    firsts = ["x", "x#3", "x#4", "x#2", "x#2#2", "y"]
    assert parts["id"].to_list() == (
        firsts if keep_first_id else ["x#3", "x#4", "x#5", "x#2#1", "x#2#2", "y"]
    )
    assert rows["id"].n_unique() == rows.height
    assert original_ids(rows).to_list() == ["x"] * 15 + ["y"] * 3


@pytest.mark.parametrize(("excerpt", "expected"), [(2, "数据"), (None, "数据集合")])
def test_rejects_keep_an_excerpt_or_all(excerpt: int | None, expected: str) -> None:
    batch = make_batch([{"text": "数据集合"}])
    verdicts = pl.DataFrame({"reason": ["why"], "n": [1]})

    parted = part_by_verdicts(batch, verdicts, excerpt=excerpt)

    assert parted.rejects["text"].to_list() == [expected]
