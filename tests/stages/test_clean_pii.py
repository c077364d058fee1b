"""clean.pii: precision and recall on the written cases, checksums, counting, settings."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.executors.row_local import run_local
from datakit.stages.clean.call_values import rewrite_arguments, rewrite_values
from datakit.stages.clean.pii import PiiCleaner
from datakit.stages.filter.pii import PiiFilter
from datakit.testing import make_batch, run_stage
from datakit.text.pii import KINDS, find_pii, hint_pattern
from datakit.text.pii_checks import is_credit_code, is_iban, is_resident_id, passes_luhn

MARK = re.compile(r"\{(\w+)\|([^}]*)\}")
LINES = Path(__file__).with_name("pii_cases.txt").read_text(encoding="utf-8").splitlines()
CASES = [line for line in LINES if not line.startswith("#")]
Pieces = set[tuple[int, int, str]]


def read_case(line: str) -> tuple[str, Pieces]:
    """The plain text of a case and the pieces that are marked in it."""
    pieces, text, at = set(), "", 0
    for mark in MARK.finditer(line):
        text += line[at : mark.start()]
        pieces.add((len(text), len(text) + len(mark[2]), mark[1]))
        text, at = text + mark[2], mark.end()
    return text + line[at:], pieces


def test_precision_and_recall_on_the_written_cases() -> None:
    right = wrong = missed = 0
    for text, pieces in map(read_case, CASES):
        found: Pieces = {tuple(piece) for piece in find_pii(text)}  # type: ignore[misc]
        right += len(found & pieces)
        wrong += len(found - pieces)
        missed += len(pieces - found)

    assert len(CASES) >= 300
    assert right / (right + wrong) >= 0.99  # 214 of 215 when written
    assert right / (right + missed) >= 0.99  # 214 of 214


def test_every_kind_has_cases_and_its_hint_meets_each_of_them() -> None:
    import polars as pl

    texts = [text for text, pieces in map(read_case, CASES) if pieces]

    assert {kind for line in CASES for _, _, kind in read_case(line)[1]} == set(KINDS)
    assert pl.Series(texts).str.contains(hint_pattern(KINDS)).all()


def test_nothing_medical_is_taken_for_personal() -> None:
    start = next(n for n, line in enumerate(LINES) if line.startswith("# medicine"))
    medical = LINES[start + 1 :]

    assert len(medical) >= 100
    assert [line for line in medical if find_pii(line)] == []


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (is_resident_id, "11010519491231002X"),
        (is_credit_code, "91110000100007109X"),
        (passes_luhn, "4111111111111111"),
        (is_iban, "GB82WEST12345698765432"),
    ],
)
def test_a_change_of_one_digit_is_noticed(check: object, right: str) -> None:
    assert callable(check)
    wrong = [
        right[:at] + digit + right[at + 1 :]
        for at, old in enumerate(right)
        if old.isdigit()
        for digit in "0123456789"
        if digit != old
    ]

    assert check(right)
    assert not any(check(number) for number in wrong)


@settings(max_examples=80)
@given(st.lists(st.sampled_from(CASES) | st.text(max_size=8), max_size=5))
def test_pieces_are_in_order_and_do_not_overlap(lines: list[str]) -> None:
    pieces = find_pii(" ".join(read_case(line)[0] for line in lines))

    assert all(one.end <= other.start for one, other in pairwise(pieces))


def test_cleaning_twice_finds_nothing_new() -> None:
    texts = [{"text": read_case(line)[0]} for line in CASES]

    once = run_stage(PiiCleaner(), texts, batch_rows=64)
    twice = run_stage(PiiCleaner(), [{"text": row["text"]} for row in once.rows])

    assert sum(row["n_pii"] for row in once.rows) >= 214
    assert sum(row["n_pii"] for row in twice.rows) == 0


@pytest.mark.parametrize(
    ("settings", "key"),
    [({"kinds": ("name",)}, "kinds"), ({"kinds": ()}, "kinds"),
     ({"placeholders": {"phones": "x"}}, "placeholders"),
     ({"placeholder": "<{type}>"}, "placeholder")],
)  # fmt: skip
def test_wrong_settings_are_refused(settings: dict[str, object], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        PiiCleaner(**settings)  # type: ignore[arg-type]

    assert caught.value.key == key


def test_a_negative_bound_is_refused() -> None:
    with pytest.raises(SettingsError, match="max_pieces"):
        PiiFilter(max_pieces=-1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@settings(max_examples=80)
@given(JSON, st.booleans())
def test_values_that_do_not_change_leave_the_arguments_as_they_are(
    value: object, ascii_only: bool
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    calls = json.dumps([{"function": {"name": "f", "arguments": text}}])

    assert rewrite_arguments(calls, lambda key, value: value) == calls
    json.loads(rewrite_values(text, lambda key, value: f'"{value}\\'))


def test_an_escape_that_stands_for_nothing_stays() -> None:
    changed = rewrite_values(r'{"a": "\q1"}', lambda key, value: value.replace("1", "2"))

    assert changed == r'{"a": "\\q2"}'


def test_pieces_are_counted_by_kind_for_the_report() -> None:
    rows = [{"text": "电话13800138000或13900139000"}, {"text": "a@b.cn"}, {"text": "多喝水"}]

    parted = run_local(PiiCleaner(), make_batch(rows))

    assert parted.edits == {"mobile": 2, "email": 1}
