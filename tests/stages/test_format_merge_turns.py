"""format.merge_turns: what was split is whole again, no message is lost, limits hold."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datakit
from datakit.errors import DatakitError, SettingsError
from datakit.executors import in_memory
from datakit.stages.format import merging_groups
from datakit.stages.format.merge_turns import MergeTurnsFormat
from datakit.stages.format.split_turns import SplitTurnsFormat
from datakit.testing import run_stage

NAMES = {"u": "user", "a": "assistant", "t": "tool", "s": "system"}
Row = dict[str, Any]

said = st.sampled_from("xy")
marks = st.sampled_from([None, True, False])
turns = st.lists(st.sampled_from(["ua", "uuaa", "uata"]), min_size=1, max_size=4)


@st.composite
def conversations(draw: st.DrawFn) -> list[Row]:
    """Conversations that end with an answer; many messages are the same."""
    head = draw(st.sampled_from(["", "s", "a"]))
    letters = head + "".join(draw(turns))
    made = [{"role": NAMES[letter], "content": draw(said)} for letter in letters]
    for message in made:
        if message["role"] == "assistant" and (mark := draw(marks)) is not None:
            message["train"] = mark
    return made


def talk(*texts: str, system: str = "") -> list[Row]:
    roles = ("user", "assistant")
    made = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return [{"role": "system", "content": system}, *made] if system else made


def contents(row: Row) -> list[str]:
    return [message["content"] for message in row["messages"]]


@settings(deadline=None, max_examples=20)
@given(
    st.lists(conversations(), min_size=1, max_size=5),
    st.sampled_from(["keep", "none"]),
    st.integers(1, 9),
)
def test_what_was_split_is_whole_again(
    talks: list[list[Row]], history: Any, batch_rows: int
) -> None:
    rows = [{"id": f"r{n}", "messages": messages} for n, messages in enumerate(talks)]
    parts = run_stage(SplitTurnsFormat(history=history), rows).rows

    outcome = run_stage(MergeTurnsFormat(by="id"), parts, batch_rows=batch_rows)

    assert [(row["id"], row["messages"]) for row in outcome.rows] == [
        (row["id"], row["messages"]) for row in rows
    ]
    assert len(outcome.rejects) == len(parts) - len(rows)


singles = st.lists(
    st.builds(
        lambda n, system, group: {"messages": talk(f"q{n}", "a" * n, system=system), "g": group},
        st.integers(1, 30),
        st.sampled_from(["", "s"]),
        st.sampled_from(["m", "n", None]),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=20)
@given(
    singles,
    st.none() | st.integers(2, 5),
    st.none() | st.integers(2, 60),
    st.sampled_from(["", "g"]),
    st.booleans(),
)
def test_no_message_is_lost_and_limits_hold(
    rows: list[Row], most: int | None, chars: int | None, by: str, shuffle: bool
) -> None:
    most = 3 if most is None and chars is None else most
    stage = MergeTurnsFormat(by=by, turns=most, max_chars=chars, shuffle=shuffle, seed=1)

    outcome = run_stage(stage, rows)

    def asked(found: list[Row]) -> Counter[str]:
        return Counter(text for row in found for text in contents(row) if text != "s")

    assert asked(outcome.rows) == asked(rows)
    for row in outcome.rows:
        texts, names = contents(row), [message["role"] for message in row["messages"]]
        assert "system" not in names[1:]
        assert (row["merged_ids"] is None) == (len(texts) - (names[0] == "system") == 2)
        if row["merged_ids"] is not None:
            assert len(texts) // 2 <= (most or 30)
            assert sum(map(len, texts)) <= (chars or 2000)
            assert row["g"] is not None or not by
    ids = [name for row in outcome.rows for name in row["merged_ids"] or [row["id"]]]
    assert sorted(ids) == sorted(f"test/{n}" for n in range(1, len(rows) + 1))
    assert sum(line["records"] for line in outcome.verdict) == len(rows)


@pytest.mark.parametrize("settings_given", [{"turns": 3}, {"by": "g"}, {"by": "g", "turns": 4}])
@pytest.mark.parametrize("partitions", [1, 3, 64])
def test_neither_partitions_nor_batches_change_anything(
    settings_given: Any, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"g": "ab"[n % 3 == 0], "messages": talk(f"q{n}", "a")} for n in range(50)]
    stage = MergeTurnsFormat(seed=7, **settings_given)
    # Content in several groups, and classes that are cut.
    monkeypatch.setattr(merging_groups, "GROUP_BYTES", 1000)
    expected = run_stage(stage, rows)
    assert expected.rejects

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)

    assert run_stage(stage, rows, batch_rows=7) == expected


def test_the_seed_decides_who_meets() -> None:
    rows = [{"messages": talk(f"q{n}", "a")} for n in range(20)]
    met = [
        {
            tuple(row["merged_ids"])
            for row in run_stage(MergeTurnsFormat(turns=2, seed=s), rows).rows
        }
        for s in (1, 1, 2)
    ]

    assert met[0] == met[1] != met[2]


@pytest.mark.parametrize(
    "values",
    [
        [10, 9, 2],
        [10.5, 9.0, 2.25],
        [10**17 + 1, 10**17, 10**17 - 1],
        ["10", "9", "2"],
        ["2024-10-01", "2024-09-30", "7"],
    ],
)
def test_a_column_orders_the_records(values: list[Any]) -> None:
    rows = [{"g": 1, "at": at, "messages": talk(str(at), "a")} for at in [*values, None]]

    (row,) = run_stage(MergeTurnsFormat(by="g", order_by="at"), rows).rows

    assert contents(row)[::2] == [str(at) for at in [*reversed(values), None]]
    assert row["merged_ids"] == ["test/3", "test/2", "test/1", "test/4"]


def test_a_log_of_growing_requests_is_one_conversation() -> None:
    grown = talk("a", "b", "c", "d", "e", "f")
    rows = [{"g": 1, "messages": grown[:n]} for n in (2, 4, 6)]
    rows.append({"g": 1, "messages": talk("g", "h")})

    (row,) = run_stage(MergeTurnsFormat(by="g"), rows).rows

    assert contents(row) == list("abcdefgh")


def test_what_only_looks_like_a_repetition_is_added_whole() -> None:
    rows = [{"g": 1, "messages": talk("a", "b")}, {"g": 1, "messages": talk("a", "c", "d", "e")}]

    (row,) = run_stage(MergeTurnsFormat(by="g"), rows).rows

    assert contents(row) == list("abacde")


@pytest.mark.parametrize(
    "other",
    [
        {"messages": talk("c", "d", system="s")},
        {"messages": talk("c", "d"), "tools": "[]"},
        {"messages": talk("c", "d"), "weight": 2.0},
        {"messages": talk("c", "d"), "split": "val"},
        {"messages": talk("c", "d"), "source": "other"},
        {"messages": talk("c", "d"), "label": True},
        {"messages": talk("c", "d"), "rejected": talk("d")},
        {"messages": talk("c", "d"), "g": None},
        {"messages": talk("c")},
        {"messages": [{"role": "assistant", "content": "c", "tool_calls": "[{}]"}]},
        {"messages": [{"role": "assistant", "content": "c"}]},
        {"messages": None, "text": "c"},
    ],
)
def test_what_is_never_joined(other: Row) -> None:
    rows = [{"g": 1, "messages": talk("a", "b")}, {"g": 1, **other}]

    outcome = run_stage(MergeTurnsFormat(by="g"), rows, batch_rows=1)

    assert [row["messages"] for row in outcome.rows] == [row["messages"] for row in rows]
    assert not outcome.rejects


def test_copies_of_a_record_are_no_parts_of_it() -> None:
    rows = [{"id": key, "messages": talk("a", "b")} for key in ("x", "x#2", "x#3")]

    assert run_stage(MergeTurnsFormat(by="id"), rows).reasons == []


def test_parts_of_two_records_with_one_id_stay_apart() -> None:
    rows = [{"id": f"x#{n}", "messages": talk(f"q{n}", "a")} for n in (1, 2, 1, 2, 3)]

    found = run_stage(MergeTurnsFormat(by="id"), rows).rows

    assert [contents(row)[::2] for row in found] == [["q1", "q2"], ["q1", "q2", "q3"]]
    assert [row["id"] for row in found] == ["x#1", "x#1"]


def test_a_nested_column_is_a_mistake() -> None:
    with pytest.raises(DatakitError, match="text, number or flag"):
        run_stage(MergeTurnsFormat(by="g"), [{"g": [1], "messages": talk("a", "b")}])


@pytest.mark.parametrize(
    ("given_settings", "key"),
    [
        ({}, "by"),
        ({"by": "_line"}, "by"),
        ({"turns": 1}, "turns"),
        ({"max_chars": 0}, "max_chars"),
        ({"by": "g", "shuffle": True}, "shuffle"),
        ({"turns": 2, "order_by": "at"}, "order_by"),
        ({"by": "id", "order_by": "at"}, "order_by"),
    ],
)
def test_settings_that_contradict(given_settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        MergeTurnsFormat(**given_settings)

    assert caught.value.key == key


def test_a_run_writes_the_same_however_it_is_cut(tmp_path: Path) -> None:
    rows = [{"n": n, "s": n % 300, "q": f"问{n}" * 40, "a": "答"} for n in range(900)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "p.toml").write_text(
        f'[[source]]\nname = "s"\npath = "{tmp_path}/a.jsonl"\nid = "n"\n'
        'fields = { session = "s", at = "n", instruction = "q", output = "a" }\n'
        '[[stage]]\nuse = "format.instruct"\n'
        '[[stage]]\nuse = "format.merge_turns"\nby = "session"\norder_by = "at"\n'
        f'[output]\npath = "{tmp_path}/out"\nformat = "messages"\n'
    )
    written = []
    for size in ("64 KiB", "64 MiB"):
        report = datakit.run(
            tmp_path / "p.toml",
            output=tmp_path / size,
            executor="local",
            overrides=[f"pipeline.shard_bytes={size}"],
        )
        assert (report.rows_in, report.rows_out, report.rows_rejected) == (900, 300, 600)
        written += [path.read_bytes() for path in (tmp_path / size / "train").iterdir()]

    assert written[0] == written[1]
    lineage = pl.read_parquet(tmp_path / size / "_datakit" / "lineage" / "*.parquet")
    notes = [json.loads(note)["merged_ids"] for note in lineage["annotations"]]
    assert notes == [[str(n), str(n + 300), str(n + 600)] for n in range(300)]


def test_a_run_in_which_nothing_is_joined(tmp_path: Path) -> None:
    rows = [{"s": n, "q": "问", "a": "答"} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "p.toml").write_text(
        f'[[source]]\nname = "s"\npath = "{tmp_path}/a.jsonl"\n'
        'fields = { session = "s", instruction = "q", output = "a" }\n'
        '[[stage]]\nuse = "format.instruct"\n'
        '[[stage]]\nuse = "format.merge_turns"\nby = "session"\n'
        f'[output]\npath = "{tmp_path}/out"\nformat = "messages"\n'
    )

    report = datakit.run(tmp_path / "p.toml", executor="local", workdir=tmp_path / "work")

    assert (report.rows_in, report.rows_out) == (3, 3)
    assert report.verdicts[0].rows == [
        {"source": "s", "outcome": "alone", "records": 3, "conversations": None}
    ]


def test_ids_after_splitting_and_merging_are_told_from_those_of_later_copies(
    tmp_path: Path,
) -> None:
    rows = [{"id": f"issues#{n}", "messages": TALK} for n in range(1, 40)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "p.toml").write_text(
        f'[[source]]\nname = "s"\npath = "{tmp_path}/a.jsonl"\nid = "id"\n'
        'fields = { conversation = "messages" }\n'
        '[[stage]]\nuse = "format.chat"\n'
        '[[stage]]\nuse = "format.split_turns"\nhistory = "none"\n'
        '[[stage]]\nuse = "format.merge_turns"\nby = "id"\n'
        '[[stage]]\nuse = "mix.weighted"\nweights = { s = 1 }\nmax_epochs = 2\nbudget = 78\n'
        'unit = "records"\n'
        '[[stage]]\nuse = "split.random"\nval = 0.25\ntest = 0\n'
        f'[output]\npath = "{tmp_path}/out"\nformat = "records"\n'
    )

    report = datakit.run(tmp_path / "p.toml", executor="local")

    files = (tmp_path / "out").glob("*/*.jsonl")
    written = {path.parent.name: pl.read_ndjson(path)["id"].to_list() for path in files}
    assert sorted(written["train"] + written["val"]) == sorted(
        [row["id"] for row in rows] + [f"{row['id']}#3" for row in rows]
    )
    assert len(written["val"]) == 20
    assert report.rows_out == 78


TALK = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"说{n}"} for n in range(4)]
