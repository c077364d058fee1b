"""dedup.exact against an obvious dictionary, and what it must not depend on."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.conversations.compared import CASED, NARROW, WIDE, normalise
from datakit.errors import SettingsError
from datakit.executors import in_memory
from datakit.stages.dedup.exact import ExactDedup
from datakit.testing import run_stage
from datakit.text.characters import NOT_NFC

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["web", "book", "forum"]),
            "text": st.none()
            | st.sampled_from(["", " ", "a", " a", "A  ", "甲", "甲 ", "乙", "5mg"]),
        }
    ),
    min_size=1,
    max_size=30,
)


def keeper_by_hand(rows, stage):
    """id -> id of its keeper, for the records that go."""
    clusters = {}
    for n, row in enumerate(rows, 1):
        text = " ".join((row["text"] or "").lower().split())
        if text:
            place = [*stage.source_priority, row["source"]].index(row["source"])
            length = len(row["text"]) if stage.keep == "longest" else 0
            clusters.setdefault(text, []).append((place, -length, n))
    keepers = {}
    for members in clusters.values():
        first = min(members)[2]
        keepers |= {f"test/{n}": f"test/{first}" for _, _, n in members if n != first}
    return keepers


@settings(max_examples=30, deadline=None)
@given(
    rows=ROWS,
    keep=st.sampled_from(["first", "longest"]),
    source_priority=st.sampled_from([(), ("book",), ("book", "web", "forum")]),
    batch_rows=st.integers(1, 31),
)
def test_each_duplicate_names_the_keeper_found_by_hand(rows, keep, source_priority, batch_rows):
    stage = ExactDedup(keep=keep, source_priority=source_priority)
    if len(source_priority) == 1:
        # Sources that are not named are of equal rank.
        rows = [{**row, "source": row["source"].replace("forum", "web")} for row in rows]

    outcome = run_stage(stage, rows, batch_rows=batch_rows)

    found = {reject["id"]: reject["values"]["kept_id"] for reject in outcome.rejects}
    assert found == keeper_by_hand(rows, stage)
    assert set(found.values()) <= {row["id"] for row in outcome.rows}


@pytest.mark.parametrize("partitions", [1, 3, 64])
def test_the_number_of_partitions_changes_nothing(partitions, monkeypatch):
    rows = [{"text": f"文{n % 17}", "source": f"s{n % 3}"} for n in range(100)]
    expected = run_stage(ExactDedup(), rows)

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)

    assert run_stage(ExactDedup(), rows, batch_rows=7) == expected


def test_the_report_counts_duplicates_and_clusters_by_source():
    rows = [{"source": "a", "text": "x"}] * 2 + [{"source": "b", "text": "x"}]
    rows += [{"source": "b", "text": "y"}] * 12 + [{"source": "c", "text": "z"}]

    verdict = run_stage(ExactDedup(), rows).verdict

    sources = [row for row in verdict if row["table"] == "sources"]
    keys = ("source", "records", "duplicates", "of_other_sources", "alarm")
    assert [[row[key] for key in keys] for row in sources] == [
        ["a", 2, 1, 0, None],
        ["b", 13, 12, 1, "lost more than 50%"],
        ["c", 1, 0, 0, None],
    ]
    clusters = [row for row in verdict if row["table"] == "clusters"]
    assert [(row["size"], row["clusters"], row["records"]) for row in clusters] == [
        ("3 to 4", 1, 3),
        ("10 to 99", 1, 12),
    ]
    largest = [row for row in verdict if row["table"] == "largest"]
    assert [(row["records"], row["excerpt"]) for row in largest] == [(12, "y"), (3, "x")]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("keep", {"keep": "source"}),
        ("source_priority", {"source_priority": ("a", "b", "a")}),
        ("on", {"on": " "}),
        ("on", {"on": "_file"}),
    ],
)
def test_settings_that_cannot_be(key, wrong):
    with pytest.raises(SettingsError) as error:
        ExactDedup(**wrong)

    assert error.value.key == key


def test_needs_follow_what_is_compared():
    compared = {on: set(ExactDedup(on=on).needs) for on in ("content", "prompt", "response", "k")}

    assert compared == {
        "content": {"text|messages"},
        "prompt": {"messages"},
        "response": {"messages"},
        "k": {"k"},
    }


def test_the_short_cuts_of_normalising_miss_no_character():
    """Texts are looked at before they are rewritten; the looks must catch all that would change."""
    code_points = [*range(0xD800), *range(0xE000, 0x110000)]
    each = pl.Series([chr(code) for code in code_points])
    would_change = {
        CASED: each.str.to_lowercase(),
        NOT_NFC: each.str.normalize("NFC"),
        f"[{WIDE[0]}-{WIDE[-1]}]": each.str.replace_many(WIDE, NARROW),
    }

    missed = [
        each.filter((each != changed) & ~each.str.contains(look)).to_list()
        for look, changed in would_change.items()
    ]

    assert missed == [[], [], []]
    spaces = "".join(each.filter(each.str.contains(r"^\s$")).to_list())
    assert normalise(pl.Series([f"a{spaces}b {spaces}c d"])).to_list() == ["a b c d"]
