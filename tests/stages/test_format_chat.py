"""Conversations: the fast readers against the slow one, and what a case file cannot say."""

import json
import pickle
import re
from itertools import product
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.executors.row_local import run_local
from datakit.records import MESSAGES_TYPE
from datakit.stages.format import decode as decoding
from datakit.stages.format.chat import ChatFormat
from datakit.stages.format.roles import prefix_pattern, speaker_names
from datakit.testing import make_batch, run_stage

NAMES = speaker_names({})
PIECES = [*'ab 中：:"\\\n\t[]{},1-\U0001f600\u2028', "患者", "医生", "role", '"role":"x"', ", 1"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-1, 1), TEXTS)
KEYS = st.sampled_from(["role", "content", "from", "value", "name", "x", "human", "assistant"])
SPEAKERS = st.sampled_from(["user", "assistant", "system", "human", "GPT", "wolf", "", "医生 "])
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
OPENAI = st.fixed_dictionaries({"role": SPEAKERS, "content": TEXTS})
SHAREGPT = st.fixed_dictionaries({"from": SPEAKERS, "value": TEXTS})
UTTERANCES = st.tuples(st.sampled_from(["患者：", "医生:", " Doctor ：", "", "谁："]), TEXTS)
CONVERSATIONS = st.one_of(
    st.lists(OPENAI, min_size=1, max_size=4),
    st.lists(SHAREGPT, min_size=1, max_size=4),
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3),
    st.lists(UTTERANCES.map("".join), min_size=1, max_size=4),
    st.lists(OPENAI | SHAREGPT | ANY, max_size=3),
    ANY,
)


@settings(max_examples=60)
@given(st.lists(st.tuples(CONVERSATIONS, st.booleans(), st.sampled_from([None, 1])), max_size=20))
@example([([{"role": "user", "content": 1.0}], False, None)])
@example([([["a"], "b"], False, None)])
@example([([["a", "b"], None], False, None), ([["a", "b"]], True, None)])
def test_the_fast_readers_give_what_the_slow_one_gives(
    conversations: list[tuple[Any, bool, int | None]],
) -> None:
    texts = [
        json.dumps(value, ensure_ascii=escaped, indent=indent)
        for value, escaped, indent in conversations
        if isinstance(value, list) and value
    ]
    values = pl.Series("raw", texts, dtype=pl.String)

    found = decoding.decode(values, NAMES)

    rows = pl.DataFrame({"raw": values}).with_row_index("row")
    flat, faults = decoding._read_one_by_one(rows, NAMES, "auto")
    assert found.flat.to_dicts() == flat.to_dicts()
    assert found.faults.sort("row").to_dicts() == faults.to_dicts()


@pytest.mark.parametrize(
    "text",
    [
        '[{"role":"user","role":"assistant","content":"a"}]',
        '[{"role":"user","content":"a","content":"b"}]',
        r'[{"r\u006fle":"user","content":5}]',
        '[{"role":"user","content":"a"},{"content":"b"}]',
        '[{"role":"user","content":"a","x":{"role":"b"}}]',
        '[{"role":"user","content":"\\ud83d"}]',
        '["患者：a", 1.0]',
        '[["a", 1e2]]',
        '[{"role":"user","content":"a"}] ]',
    ],
)
def test_what_polars_would_guess_is_read_by_the_slow_reader(text: str) -> None:
    found = decoding.decode(pl.Series("raw", [text]), NAMES)

    rows = pl.DataFrame({"row": [0], "raw": [text]}, schema_overrides={"row": pl.UInt32})
    flat, faults = decoding._read_one_by_one(rows, NAMES, "auto")
    assert (found.flat.to_dicts(), found.faults.to_dicts()) == (flat.to_dicts(), faults.to_dicts())


def test_good_records_are_not_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def refuse(rows: pl.DataFrame, *_: object) -> None:
        read.append(rows.height)
        raise AssertionError

    monkeypatch.setattr(decoding, "_read_one_by_one", refuse)
    values = [
        '[{"role": "user", "content": "\\"role\\": 1, 甲"}, {"role": "assistant", "content": "b"}]',
        '[{"from": "human", "value": "a"}, {"value": "b", "from": "gpt"}]',
        '[["a, 1", "b"]]',
        '["患者：a", "医生：b"]',
        "患者：a\n医生：b",
    ]

    assert decoding.decode(pl.Series("raw", values), NAMES).flat.height == 10
    assert read == []


def test_few_records_are_read_again_for_one_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    slow = decoding._read_one_by_one

    def count(rows: pl.DataFrame, *rest: Any) -> Any:
        read.append(rows.height)
        return slow(rows, *rest)

    monkeypatch.setattr(decoding, "_read_one_by_one", count)
    good = '[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]'
    values = [good] * 5000
    values[1234] = '[{"role": "user", "content": ['

    found = decoding.decode(pl.Series("raw", values), NAMES)

    assert found.faults["row"].to_list() == [1234]
    assert sum(read) <= decoding.SMALL
    assert found.flat["row"].is_sorted()


MESSAGES = st.lists(st.tuples(st.sampled_from("ua"), st.sampled_from(["x", "y 中"])), min_size=1)


@settings(max_examples=25)
@given(st.lists(MESSAGES, max_size=20))
def test_merging_loses_nothing(conversations: list[list[tuple[str, str]]]) -> None:
    roles = {"u": "user", "a": "assistant"}
    texts = [
        json.dumps([{"role": roles[role], "content": content} for role, content in messages])
        for messages in conversations
    ]
    outcome = run_stage(ChatFormat(merge_with="|"), [{"conversation": text} for text in texts])

    expected = [merged for messages in conversations if (merged := merge(messages)) is not None]
    found = [[(m["role"][0], m["content"]) for m in row["messages"]] for row in outcome.rows]
    assert found == expected


def merge(messages: list[tuple[str, str]]) -> list[tuple[str, str]] | None:
    """The obvious way; None for a conversation that is not valid."""
    merged: list[tuple[str, str]] = []
    for role, content in messages:
        if merged and merged[-1][0] == role:
            merged[-1] = (role, f"{merged[-1][1]}|{content}")
        else:
            merged.append((role, content))
    return merged if merged[0][0] == "u" and merged[-1][0] == "a" else None


ORDER = re.compile(r"s?(u(ct)*a)*u(ct)*[ac]")
"""Of conversations whose calls, one a message, have one result each."""


def test_the_order_of_roles_is_the_grammar() -> None:
    codes = ["".join(code) for size in range(1, 6) for code in product("suact", repeat=size)]
    call = [{"id": "x", "function": {"name": "f"}}]
    kinds: dict[str, dict[str, Any]] = {
        "s": {"role": "system", "content": "s"},
        "u": {"role": "user", "content": "u"},
        "a": {"role": "assistant", "content": "a"},
        "c": {"role": "assistant", "tool_calls": call},
        "t": {"role": "tool", "content": "t"},
    }
    rows = [
        {"id": code, "conversation": json.dumps([kinds[letter] for letter in code])}
        for code in codes
    ]
    outcome = run_stage(ChatFormat(merge_same_role=False), rows)

    assert [row["id"] for row in outcome.rows] == [code for code in codes if ORDER.fullmatch(code)]


def test_the_columns_are_the_same_for_every_batch() -> None:
    stage = ChatFormat()
    rows = [{"conversation": c, "tools": "[]"} for c in ('[["a", "b"]]', "[", None)]
    batches = [stage.map(make_batch([row, {"conversation": ""}])) for row in rows]

    assert batches[0].schema == batches[1].schema == batches[2].schema
    assert batches[0].schema["messages"] == MESSAGES_TYPE
    assert "conversation" not in batches[0].columns
    assert "tools" in batches[0].columns


def test_an_empty_batch_passes() -> None:
    batch = make_batch([{"conversation": '[["a", "b"]]', "text": "x"}]).clear()

    assert ChatFormat(system="S").map(batch).height == 0


def test_a_reject_shows_what_was_read() -> None:
    outcome = run_stage(ChatFormat(), [{"conversation": '[["a", ""]]', "text": "x"}])

    assert outcome.rejects[0]["text"] == '[["a", ""]]'


def test_needs_and_drops_follow_the_settings() -> None:
    stage = ChatFormat(field="dialog")

    assert stage.needs == {"dialog"}
    assert stage.drops == {"dialog", "text", "system"}
    assert stage.adds == {"messages", "format_repairs"}
    named = ChatFormat(completion="answer", tools="functions", system_field="role_card")
    assert named.needs == {"conversation", "answer", "functions", "role_card"}
    assert named.adds == {"messages", "format_repairs", "tools"}
    assert pickle.loads(pickle.dumps(stage)) == stage


def test_names_that_stand_in_headings_are_no_speakers_of_plain_text() -> None:
    prefix = re.compile(prefix_pattern(NAMES), re.IGNORECASE)

    assert prefix.match("User: a")
    assert not prefix.match("Model: X200")
    assert not prefix.match("tool: hammer")
    assert re.compile(prefix_pattern(speaker_names({"model": "user"}))).match("model: a")


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"roles": {"wolf": "animal"}}, "roles"),
        ({"roles": {" ": "user"}}, "roles"),
        ({"field": ""}, "field"),
        ({"min_turns": 0}, "min_turns"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as error:
        ChatFormat(**wrong)

    assert error.value.key == key


def test_repairs_are_told_by_record_and_counted_of_those_that_stay() -> None:
    def talk(*turns: tuple[str, str]) -> str:
        return json.dumps([{"role": role, "content": content} for role, content in turns])

    question, answer = ("user", "问"), ("assistant", "答")
    batch = make_batch(
        [
            {"conversation": talk(question, ("user", "再问"), answer, ("user", "谢谢"))},
            {"conversation": talk(question, answer)},
            {"conversation": talk(question, ("wolf", "嗷"), ("user", "谢谢"))},
        ]
    )
    stage = ChatFormat(drop_trailing_user=True)

    done = run_local(stage, batch)

    told = ["merge_same_role 1, drop_trailing_user 1", None]
    assert done.kept["format_repairs"].to_list() == told
    assert done.edits == {"merge_same_role": 1, "drop_trailing_user": 1}
