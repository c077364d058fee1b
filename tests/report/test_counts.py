"""Counts add, and the books notice any row that went missing."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datakit.errors import BrokenBooksError
from datakit.report.counts import Counts, StageCount, check_books


def counts(*stages: tuple[int, str, StageCount], written: int) -> Counts:
    found = {(index, name, "a"): count for index, name, count in stages}
    return Counts(found, Counter({("train", "a"): written}))


READ = (0, "read a", StageCount(10, 9, 0, Counter(malformed_json=1)))
LENGTH = (1, "filter.length", StageCount(9, 7, 0, Counter(too_short=2)))
MIX = (2, "mix.weighted", StageCount(7, 8, 3, Counter(over=2)))


def test_edits_add_and_survive_a_round_trip() -> None:
    edited = StageCount(9, 9, edits=Counter(lines=2)) + StageCount(1, 1, edits=Counter(lines=3))
    total = counts(READ, (1, "dedup.lines", edited), written=9)

    again = Counts.from_json(total.to_json())

    assert again.stages[1, "dedup.lines", "a"].edits == Counter(lines=5)
    assert "edits" not in counts(READ, written=9).to_json()["stages"][0]


def test_balanced_books_pass() -> None:
    total = counts(READ, LENGTH, MIX, written=8)
    check_books(total)

    assert (total.records_read, total.records_written) == (10, 8)
    assert (total.records_rejected, total.copies) == (5, 3)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (counts(READ, (1, "f", StageCount(9, 6, 0, Counter(x=2))), written=6), r"f \(a\): 9 in"),
        (counts(READ, (1, "f", StageCount(8, 8)), written=8), r"9 left read a, 8 met f"),
        (counts(READ, LENGTH, written=6), r"7 left filter.length, 6 written"),
        (counts(READ, LENGTH, written=8), r"7 left filter.length, 8 written"),
    ],
    ids=["inside a stage", "between stages", "lost at the end", "appeared at the end"],
)
def test_unbalanced_books_fail_loudly(broken: Counts, message: str) -> None:
    with pytest.raises(BrokenBooksError, match=message):
        check_books(broken)


stage_counts = st.builds(
    StageCount,
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from("xyz"), st.integers(1, 9)).map(Counter),
)
many = st.lists(
    st.builds(
        Counts,
        st.dictionaries(st.tuples(st.integers(0, 3), st.just("s"), st.just("a")), stage_counts),
        st.dictionaries(st.just(("train", "a")), st.integers(1, 9)).map(Counter),
        st.dictionaries(
            st.tuples(
                st.just(1), st.just("s"), st.just("lang"), st.sampled_from("xy"), st.just("a")
            ),
            st.integers(1, 9),
        ).map(Counter),
    ),
    max_size=4,
)


@given(many, st.randoms())
def test_the_order_of_tasks_does_not_matter(parts: list[Counts], chance: object) -> None:
    shuffled = list(parts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert Counts.total(parts).to_json() == Counts.total(shuffled).to_json()


@given(many)
def test_counts_survive_json(parts: list[Counts]) -> None:
    total = Counts.total(parts)

    assert Counts.from_json(total.to_json()).to_json() == total.to_json()


def test_values_are_shown_by_source_the_most_frequent_first() -> None:
    key = (3, "annotate.language", "lang")
    tallies = Counter({(*key, "en", "b"): 2, (*key, "zh", "a"): 1, (*key, "zh", "b"): 4})

    assert Counts(tallies=tallies).tally_tables() == {
        "03 annotate.language: lang": (["lang", "a", "b"], [["zh", 1, 4], ["en", 0, 2]])
    }
