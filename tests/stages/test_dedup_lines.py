"""dedup.lines against an obvious dictionary, and what it must not depend on."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.executors import in_memory
from datakit.stages.dedup.lines import LinesDedup
from datakit.testing import run_stage

LINE = st.sampled_from(["aaaa", "bbbb", "cccc", "dddd", "eeee", "x", ""])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["web", "book"]),
            "text": st.none() | st.lists(LINE, max_size=6).map("\n".join),
        }
    ),
    min_size=1,
    max_size=14,
)


def by_hand(rows, stage):
    """What is left of each record, as its lines that are not blank; None where it goes."""
    places = defaultdict(list)
    for n, row in enumerate(rows):
        for m, line in enumerate((row["text"] or "").split("\n")):
            if len(line) >= stage.min_chars:
                key = (line, row["source"] if stage.within == "source" else "")
                places[key].append((n, m))
    repeated = [found for found in places.values() if len(found) > stage.keep_first]
    goes = {place for found in repeated for place in found[stage.keep_first :]}
    holders = {n for found in repeated for n, _ in found[: stage.keep_first]}
    left = []
    for n, row in enumerate(rows):
        lines = (row["text"] or "").split("\n")
        kept = [line for m, line in enumerate(lines) if line and (n, m) not in goes]
        lost, total = len("".join(lines)) - len("".join(kept)), len("".join(lines))
        if lost and (lost == total or lost / total > stage.max_removed_share):
            kept = [line for line in lines if line] if n in holders else None
        left.append(kept)
    return left


@settings(max_examples=60)
@given(
    rows=ROWS,
    keep_first=st.integers(1, 3),
    within=st.sampled_from(["corpus", "source"]),
    max_removed_share=st.sampled_from([0.3, 0.5, 0.8, 1.0]),
    batch_rows=st.integers(1, 14),
)
def test_what_is_left_is_what_is_found_by_hand(
    rows, keep_first, within, max_removed_share, batch_rows
):
    stage = LinesDedup(
        keep_first=keep_first, within=within, max_removed_share=max_removed_share, min_chars=4
    )

    outcome = run_stage(stage, rows, batch_rows=batch_rows)

    kept = {r["id"]: [li for li in (r["text"] or "").split("\n") if li] for r in outcome.rows}
    expected = by_hand(rows, stage)
    assert kept == {f"test/{n}": lines for n, lines in enumerate(expected, 1) if lines is not None}
    # Nothing is lost: what stood more often than is kept stands that often still.
    if within == "corpus":
        before = Counter(line for r in rows for line in (r["text"] or "").split("\n"))
        after = Counter(line for lines in kept.values() for line in lines)
        rejected_too = expected.count(None)
        for line, count in before.items():
            if len(line) >= 4 and count > keep_first:
                assert after[line] >= keep_first
            elif len(line) >= 4 and not rejected_too:
                assert after[line] == count


@pytest.mark.parametrize("partitions", [1, 3, 64])
def test_the_number_of_partitions_changes_nothing(partitions, monkeypatch):
    rows = [{"text": f"行行行{n % 7}\n段段段{n % 5}\n自己的一行{n}"} for n in range(60)]
    stage = LinesDedup(keep_first=2, min_chars=4)
    expected = run_stage(stage, rows)

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)

    assert run_stage(stage, rows, batch_rows=7) == expected
    assert expected.verdict[0]["surplus"] > 0


def test_the_report_lists_the_most_frequent_lines():
    rows = [
        {"source": f"s{n % 3}", "text": f"每页都有的这一行文字。\n第{n}篇\n{n}"} for n in range(9)
    ]
    rows += [{"source": "s0", "text": "Only   a few times, " + "and long " * 20 + "\n1"}] * 3

    verdict = run_stage(LinesDedup(keep_first=2), rows, batch_rows=2).verdict

    assert all(len(row["text"]) <= 80 for row in verdict)
    assert [row.pop("text")[:19] for row in verdict] == [
        "每页都有的这一行文字。",
        "Only a few times, a",
    ]
    assert verdict == [
        {"count": 9, "records": 9, "sources": 3, "surplus": 7},
        {"count": 3, "records": 3, "sources": 1, "surplus": 1},
    ]


def test_the_report_does_not_say_that_lines_went_which_stayed():
    """A message of nothing else is never emptied, so nothing is removed at all."""
    rows = [{"messages": [{"role": "assistant", "content": "以上内容仅供参考，请遵医嘱。"}]}] * 5

    outcome = run_stage(LinesDedup(keep_first=2), rows)

    assert [row["messages"] for row in outcome.rows] == [row["messages"] for row in rows]
    assert [row["surplus"] for row in outcome.verdict] == [3]
    assert "removed" not in outcome.verdict[0]


def test_a_reject_tells_what_was_measured_and_shows_the_record_as_it_came():
    rows = [{"text": "重复的这一行，足够长了。"}] * 2

    (reject,) = run_stage(LinesDedup(keep_first=1), rows).rejects

    assert reject["values"]["removed_lines"] == 1
    assert reject["text"] == "重复的这一行，足够长了。"


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("keep_first", {"keep_first": 0}),
        ("min_chars", {"min_chars": 0}),
        ("max_removed_share", {"max_removed_share": 0.0}),
        ("max_removed_share", {"max_removed_share": 1.1}),
        ("roles", {"roles": ("doctor",)}),
    ],
)
def test_settings_that_cannot_be(key, wrong):
    with pytest.raises(SettingsError) as error:
        LinesDedup(**wrong)

    assert error.value.key == key
