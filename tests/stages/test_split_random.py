"""split.random: exact sizes, whole groups, and what the result must not depend on."""

import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import DatakitError, SettingsError
from datakit.executors import in_memory
from datakit.records import MARKS
from datakit.stages.split import random as split_random
from datakit.stages.split.quotas import count_wanted, set_quotas
from datakit.stages.split.random import RandomSplit
from datakit.testing import run_stage

SIZES = st.sampled_from([0, 1, 3, 0.05, 0.25, 0.45])


def sides(outcome):
    """Split by id."""
    return {row["id"]: row["split"] for row in outcome.rows}


@settings(max_examples=25, deadline=None)
@given(
    strata=st.lists(st.sampled_from("abcde"), min_size=8, max_size=80),
    val=SIZES,
    test=SIZES,
    batch_rows=st.integers(1, 90),
)
def test_sizes_are_exact_in_all_and_near_in_each_stratum(strata, val, test, batch_rows):
    rows = [{"topic": topic} for topic in strata]

    outcome = run_stage(
        RandomSplit(val=val, test=test, stratify=("topic",)), rows, batch_rows=batch_rows
    )

    found = Counter((row["split"], row["topic"]) for row in outcome.rows)
    for split, size in (("val", val), ("test", test)):
        wanted = count_wanted(size, len(rows))
        assert sum(found[split, topic] for topic in "abcde") == wanted
        for topic, records in Counter(strata).items():
            # Largest remainder; a stratum that is used up passes on what it cannot give.
            assert found[split, topic] <= wanted * records / len(rows) + 2
    assert not outcome.rejects
    shown = {(row["split"], row["stratum"]): row["achieved"] for row in outcome.verdict}
    assert {key: count for key, count in shown.items() if count} == {
        (split, f'{{"topic":"{topic}"}}'): count for (split, topic), count in found.items()
    }
    assert all(row["target"] == row["achieved"] for row in outcome.verdict)


@settings(max_examples=25, deadline=None)
@given(
    groups=st.lists(st.none() | st.integers(0, 12), min_size=8, max_size=80),
    val=SIZES,
    test=SIZES,
    batch_rows=st.integers(1, 90),
)
def test_groups_stay_together_and_sizes_are_near(groups, val, test, batch_rows):
    rows = [{"patient": group} for group in groups]

    outcome = run_stage(
        RandomSplit(val=val, test=test, group_by="patient"), rows, batch_rows=batch_rows
    )

    of_group = defaultdict(set)
    for row in outcome.rows:
        if row["patient"] is not None:
            of_group[row["patient"]].add(row["split"])
    assert all(len(found) == 1 for found in of_group.values())
    largest = max(Counter(g for g in groups if g is not None).values(), default=1)
    found = Counter(row["split"] for row in outcome.rows)
    for split, size in (("val", val), ("test", test)):
        assert found[split] <= count_wanted(size, len(rows)) + largest / 2


def test_a_split_takes_the_groups_that_come_nearest():
    rows = [{"patient": f"p{n // 10}"} for n in range(1000)]

    found = Counter(
        sides(run_stage(RandomSplit(val=0.1, test=94, group_by="patient"), rows)).values()
    )

    assert found == {"train": 810, "val": 100, "test": 90}


@pytest.mark.parametrize("partitions", [1, 3, 64])
def test_neither_partitions_nor_batches_change_anything(partitions, monkeypatch):
    rows = [
        {
            "source": f"s{n % 3}",
            "patient": n // 4 if n % 5 else None,
            "lang": "zh" if n % 2 else "en",
        }
        for n in range(200)
    ]
    stage = RandomSplit(val=0.1, test=15, stratify=("source", "lang"), group_by="patient", seed=3)
    expected = run_stage(stage, rows)

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)

    assert run_stage(stage, rows, batch_rows=7) == expected


def test_sides_do_not_depend_on_the_order_of_the_input():
    rows = [{"id": f"r{n}", "text": "x"} for n in range(100)]

    assert sides(run_stage(RandomSplit(), rows)) == sides(run_stage(RandomSplit(), rows[::-1]))


def test_another_seed_gives_other_sides():
    rows = [{"id": f"r{n}"} for n in range(100)]
    found = [sides(run_stage(RandomSplit(seed=seed), rows)) for seed in (1, 2)]

    assert found[0] != found[1]
    assert Counter(found[0].values()) == Counter(found[1].values())


def test_copies_of_a_record_land_on_its_side():
    copies = [("", 0), ("#2", 1), ("#3", 1), ("#2#2", 2)]
    rows = [{"id": f"r#{n}{copy}", MARKS: marks} for n in range(60) for copy, marks in copies]

    found = sides(run_stage(RandomSplit(val=0.2, test=0.2), rows))

    assert set(found.values()) == {"train", "val", "test"}
    for n in range(60):
        assert len({found[f"r#{n}{copy}"] for copy, _ in copies}) == 1


@pytest.mark.parametrize("marked", [{}, {MARKS: 0}])
def test_a_number_at_the_end_of_an_id_of_the_input_is_part_of_it(marked):
    rows = [{"id": f"datakit/issues#{n}", **marked} for n in range(100)]

    verdict = run_stage(RandomSplit(val=0.05, test=7), rows).verdict

    assert [row["achieved"] for row in verdict] == [88, 5, 7]


def test_groups_by_two_columns_are_by_both_values():
    rows = [{"a": "x", "b": n % 2, "id": f"{n}"} for n in range(10)] + [{"a": "y", "id": "10"}]

    found = sides(run_stage(RandomSplit(val=5, test=0, group_by=("a", "b")), rows))

    assert len({found[str(n)] for n in (0, 2, 4, 6, 8)}) == 1
    assert len({found[str(n)] for n in (1, 3, 5, 7, 9)}) == 1
    assert "val" in found.values()


@pytest.mark.parametrize(
    ("rows", "val", "alarm"),
    [
        ([{"g": n % 2} for n in range(200)], 10, "val: 0 of 10 records; .* holds 100"),
        ([{"g": n} for n in range(5)], 0.05, "val: no records"),
        ([{"g": n} for n in range(5)], 5, "train: no records"),
    ],
)
def test_a_split_that_gets_no_records_rings_an_alarm(rows, val, alarm):
    found = run_stage(RandomSplit(val=val, test=0, group_by="g", stratify=("source",)), rows)

    (rung,) = [row["alarm"] for row in found.verdict if row["alarm"]]
    assert re.match(alarm, rung)


def test_a_split_that_is_not_asked_for_rings_none():
    found = run_stage(RandomSplit(val=1, test=0), [{"text": "a"}, {"text": "b"}])

    assert all("alarm" not in row for row in found.verdict)


def test_more_records_than_there_are_is_an_error():
    with pytest.raises(DatakitError, match="ask for 5 records, but only 4 reached the split"):
        run_stage(RandomSplit(val=3, test=2), [{"text": "x"}] * 4)


def test_too_many_strata_are_an_error(monkeypatch):
    monkeypatch.setattr(split_random, "MOST_STRATA", 3)

    with pytest.raises(DatakitError, match="gives 4 strata"):
        run_stage(RandomSplit(stratify=("id",)), [{"id": f"{n}"} for n in range(4)])


def test_ties_between_strata_are_not_broken_by_name():
    rows = [{"topic": f"{n // 10:02}"} for n in range(1000)]

    found = run_stage(RandomSplit(val=0.05, test=0, stratify=("topic",)), rows).verdict

    having = [row["stratum"] for row in found if row["split"] == "val" and row["achieved"]]
    assert len(having) == 50
    assert having != sorted({row["stratum"] for row in found})[:50]


@given(
    strata=st.dictionaries(st.text(max_size=2), st.integers(1, 9), min_size=1, max_size=8),
    data=st.data(),
)
def test_quotas_add_up_and_no_stratum_gives_more_than_it_has(strata, data):
    records = sum(strata.values())
    val = data.draw(st.integers(0, records))
    test = data.draw(st.integers(0, records - val))
    order = {split: {name: n for n, name in enumerate(strata)} for split in ("val", "test")}

    quotas = set_quotas(strata, {"val": val, "test": test}, order)

    assert [sum(quotas[split].values()) for split in ("val", "test")] == [val, test]
    assert all(quotas["val"][name] + quotas["test"][name] <= strata[name] for name in strata)
    assert all(count >= 0 for quota in quotas.values() for count in quota.values())


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("val", {"val": -1}),
        ("val", {"val": 1.0}),
        ("test", {"test": 1.5}),
        ("test", {"val": 0.5, "test": 0.5}),
    ],
)
def test_settings_that_cannot_be(key, wrong):
    with pytest.raises(SettingsError) as error:
        RandomSplit(**wrong)

    assert error.value.key == key


def test_needs_are_the_columns_named():
    assert RandomSplit(stratify=("a",), group_by=("b", "c")).needs == {"a", "b", "c"}
    assert RandomSplit(group_by="b").needs == {"b"}
    assert RandomSplit().needs == frozenset()
