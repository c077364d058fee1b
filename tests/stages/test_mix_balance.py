"""mix.balance: exact counts, and what the result must not depend on."""

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import DatakitError, SettingsError
from datakit.executors import in_memory
from datakit.stages.mix.balance import BalancedMix
from datakit.stages.mix.shares import set_counts
from datakit.testing import run_stage


def make_rows(labels: str) -> list[dict[str, Any]]:
    return [{"id": f"r{n}", "label": None if x == "-" else x} for n, x in enumerate(labels)]


@settings(max_examples=40, deadline=None)
@given(
    labels=st.text("aaaaaabbc-", min_size=1, max_size=60),
    max_copies=st.integers(1, 4),
    budget=st.none() | st.integers(1, 100),
    scarce=st.sampled_from(["shrink", "accept"]),
    batch_rows=st.integers(1, 60),
)
def test_counts_are_exact_and_no_record_occurs_too_often(
    labels: str, max_copies: int, budget: int | None, scarce: Any, batch_rows: int
) -> None:
    stage = BalancedMix(column="label", max_copies=max_copies, budget=budget, scarce=scarce)
    there = Counter(labels.replace("-", ""))

    outcome = run_stage(stage, make_rows(labels), batch_rows=batch_rows)

    written = Counter(row["label"] for row in outcome.rows)
    assert written == {r["class"]: r["achieved"] for r in outcome.verdict if r["achieved"]}
    for row in outcome.verdict:
        assert row["achieved"] == row["target"] <= there[row["class"]] * max_copies
        assert row["records"] == there[row["class"]]
    copies = Counter(row["id"].split("#")[0] for row in outcome.rows)
    assert max(copies.values(), default=0) <= max_copies
    assert outcome.reasons.count("no_class") == labels.count("-")
    if scarce == "shrink" and there:
        counts = [row["achieved"] for row in outcome.verdict]
        assert max(counts) - min(counts) <= 1
    if budget is not None:
        assert len(outcome.rows) <= budget
    else:
        assert not there or max(written.values(), default=0) <= max(there.values())


@pytest.mark.parametrize("partitions", [1, 3, 64])
def test_neither_partitions_nor_batches_change_anything(
    partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_rows("aaabab-aacaabb" * 9)
    stage = BalancedMix(column="label", max_copies=3, seed=9)
    expected = run_stage(stage, rows)
    assert expected.rejects

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)
    outcome = run_stage(stage, rows, batch_rows=7)

    assert (outcome.rows, outcome.rejects) == (expected.rows, expected.rejects)
    shown = [
        [{k: v for k, v in r.items() if k[0] != "_"} for r in o.verdict]
        for o in (outcome, expected)
    ]
    assert shown[0] == shown[1]


def test_another_seed_takes_other_records() -> None:
    rows = make_rows("a" * 40 + "b" * 10)
    taken = [
        {row["id"] for row in run_stage(BalancedMix(column="label", seed=seed), rows).rows}
        for seed in (1, 2)
    ]

    assert taken[0] != taken[1]
    assert len(taken[0]) == len(taken[1]) == 20


def test_copies_are_spread_evenly() -> None:
    rows = make_rows("a" * 4 + "b" * 10)

    outcome = run_stage(BalancedMix(column="label", max_copies=5), rows)

    copies = Counter(row["id"].split("#")[0] for row in outcome.rows if row["label"] == "a")
    assert sorted(copies.values()) == [2, 2, 3, 3]
    assert [(r["class"], r["epochs"]) for r in outcome.verdict] == [("a", 2.5), ("b", 1.0)]


@given(
    counts=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 50), min_size=1),
    weight=st.sampled_from([0.1, 1, 2.5]),
    budget=st.none() | st.integers(1, 300),
)
def test_targets_follow_their_shares(
    counts: dict[str, int], weight: float, budget: int | None
) -> None:
    weights = {name: weight if name == "a" else 1 for name in counts}

    targets = set_counts(weights, counts, max_copies=100, budget=budget, shrinks=False)

    assert sum(target.share for target in targets.values()) == 1
    whole = sum(Fraction(str(w)) for w in weights.values())
    total = budget or max(int(counts[n] * whole / Fraction(str(w))) for n, w in weights.items())
    for name, target in targets.items():
        assert target.is_scarcest == (target.units < int(target.share * total))
        assert target.units <= counts[name] * 100
        if not target.is_scarcest:
            assert abs(target.units - target.share * total) < 1


def test_a_scarce_class_is_named() -> None:
    rows = make_rows("abbbbb")

    verdicts = [
        run_stage(BalancedMix(column="label", scarce=scarce, max_copies=2), rows).verdict
        for scarce in ("shrink", "accept")
    ]

    assert [[(r["achieved"], r["is_scarcest"]) for r in verdict] for verdict in verdicts] == [
        [(2, True), (2, False)],
        [(2, True), (5, False)],
    ]


@pytest.mark.parametrize(
    ("rows", "weights", "message"),
    [
        (make_rows("ab"), {"c": 1}, "no record has label = 'c'"),
        ([{"label": ["a"]}], {}, "one class"),
        ([{"label": n} for n in range(1001)], {}, "has 1,001 different values"),
    ],
)
def test_classes_that_cannot_be_balanced_are_errors(
    rows: list[dict[str, Any]], weights: dict[str, float], message: str
) -> None:
    with pytest.raises(DatakitError, match=message):
        run_stage(BalancedMix(column="label", weights=weights), rows)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("column", {"column": " "}),
        ("weights", {"column": "a", "weights": {"x": 0}}),
        ("max_copies", {"column": "a", "max_copies": 0}),
        ("budget", {"column": "a", "budget": 0}),
        ("scarce", {"column": "a", "scarce": "fail"}),
    ],
)
def test_settings_that_cannot_be(key: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as error:
        BalancedMix(**wrong)

    assert error.value.key == key
