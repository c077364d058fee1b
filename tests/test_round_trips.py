"""10,000 generated conversations go through the dialects that can hold them, and come back.

Each dialect gets a share of them, which the name of the case picks; all of them with
DATAKIT_ROUND_TRIPS=all.
"""

import json
import os
import random
import zlib
from functools import cache
from typing import Any

import orjson
import polars as pl
import pytest

from datakit.conversations.flat import flatten, nest_messages
from datakit.records import MESSAGES, REJECTED
from datakit.registry import stages
from datakit.testing import make_batch

COUNT = 10_000
SHARE = 1 if os.environ.get("DATAKIT_ROUND_TRIPS") == "all" else 10
PIECES = [
    *(
        "头痛两天了",
        "多休息，多喝水。",
        "take 5 mg daily",
        '"引号" \\ 反斜杠',
        "{a: [1, 2]}",
        "[1]",
    ),
    *("第一行\n第二行", "```py\nx = '1'\n```", "tab\there", "emoji 😀 \u200d", "x\u2028行", "null"),
    *("2024-01-01", "true", "0.5", "<p>html</p>", "a,b;c|d", "{{x}}", "100%", "是", "[1]"),
]
TOOLS = json.dumps([{"name": "find", "parameters": {"type": "object"}}], separators=(",", ":"))


@cache
def conversations() -> list[dict[str, Any]]:
    """Conversations with everything a record can hold, the same ones each time."""
    chance = random.Random(20)
    return [conversation(chance) for _ in range(COUNT)]


def conversation(chance: random.Random) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    if chance.random() < 0.4:
        messages.append({"role": "system", "content": text(chance)})
    calls = 0
    for _ in range(chance.randint(1, 4)):
        messages.append({"role": "user", "content": text(chance)})
        while chance.random() < 0.2:
            made = chance.randint(1, 2)
            messages += called(chance, calls + 1, made)
            calls += made
        answer = {"role": "assistant", "content": text(chance)}
        if chance.random() < 0.2:
            answer["reasoning"] = text(chance)
        if chance.random() < 0.2:
            answer["train"] = chance.random() < 0.5
        messages.append(answer)
    return {
        "messages": messages,
        "rejected": [{"role": "assistant", "content": text(chance) + "？"}],
        "label": chance.random() < 0.5,
        "tools": TOOLS if calls else None,
    }


def called(chance: random.Random, first: int, count: int) -> list[dict[str, Any]]:
    ids = [f"call_{number}" for number in range(first, first + count)]
    listed = [
        {
            "id": name,
            "type": "function",
            "function": {"name": "find", "arguments": compact({"q": text(chance)})},
        }
        for name in ids
    ]
    call = {"role": "assistant", "content": "", "tool_calls": compact(listed)}
    results = [{"role": "tool", "content": text(chance), "tool_call_id": name} for name in ids]
    return [call, *results]


def compact(value: Any) -> str:
    return orjson.dumps(value).decode()


def text(chance: random.Random) -> str:
    return " ".join(chance.choices(PIECES, k=chance.randint(1, 3)))


def share_without(case: str, *what: str) -> list[dict[str, Any]]:
    """The conversations for a case, less what its dialect has no place for."""
    kept = []
    for row in conversations()[zlib.crc32(case.encode()) % SHARE :: SHARE]:
        messages = [{k: v for k, v in m.items() if k not in what} for m in row["messages"]]
        if "tools" in what:
            row = {**row, "tools": None}
            messages = [m for m in messages if m["role"] != "tool" and not m.get("tool_calls")]
        if "system" in what:
            messages = [m for m in messages if m["role"] != "system"]
        kept.append({**row, "messages": messages})
    return kept


def as_input(sink: Any, batch: pl.DataFrame) -> pl.DataFrame:
    """What a source makes of an output: texts as they are, anything else as JSON text."""
    table = sink.encode(batch).drop_columns("_size")
    if "line" in table.column_names:
        rows = [json.loads(line) for line in table["line"].to_pylist()]
        keys = list(dict.fromkeys(key for row in rows for key in row))
        frame = {key: [_as_text(row.get(key)) for row in rows] for key in keys}
        return batch.drop(MESSAGES, REJECTED, "label", "tools").with_columns(
            pl.Series(key, values, dtype=pl.String) for key, values in frame.items()
        )
    frame = pl.from_arrow(table)
    columns = [column if column.dtype == pl.String else _json_text(column) for column in frame]
    return batch.drop(MESSAGES, REJECTED, "label", "tools").with_columns(columns)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _json_text(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column.cast(pl.String)
    member = pl.struct(column.name).struct.json_encode()
    text = member.str.strip_prefix(f'{{"{column.name}":').str.strip_suffix("}")
    return column.to_frame().select(text.alias(column.name)).to_series()


def same(found: pl.Series, expected: pl.Series) -> bool:
    """Whether the messages are the same, to the last field."""
    return flatten(found).equals(flatten(expected))


OPENAI = {"field": "messages"}
CASES = [
    ("openai", {}, ["format.chat", OPENAI], ("reasoning",)),
    ("nemo", {}, ["format.chat", {**OPENAI, "split_reasoning": True}], ("train",)),
    (
        "trl",
        {"tools": True, "reasoning": "field"},
        ["format.chat", OPENAI],
        ("train",),
    ),
    ("axolotl", {"tools": True, "reasoning": "field"}, ["format.chat", OPENAI], ()),
    ("swift", {"flags": True}, ["format.chat", {**OPENAI, "split_reasoning": True}], ()),
    (
        "llamafactory",
        {},
        ["format.chat", {"field": "conversations", "split_reasoning": True}],
        ("train",),
    ),
    (
        "llamafactory",
        {"layout": "openai", "container": "jsonl"},
        ["format.chat", {**OPENAI, "split_reasoning": True}],
        ("train",),
    ),
    (
        "llamafactory",
        {"layout": "alpaca"},
        ["format.instruct", {"history": "history", "system_field": "system"}],
        ("train", "tools", "reasoning"),
    ),
    ("torchtune", {}, ["format.chat", {**OPENAI, "split_reasoning": True}], ("train", "tools")),
    (
        "trl",
        {"layout": "prompt_completion"},
        ["format.chat", {"field": "prompt", "completion": "completion", "split_reasoning": True}],
        ("train", "tools"),
    ),
]


@pytest.mark.parametrize(
    ("trainer", "settings", "back", "less"),
    [pytest.param(*case, id=f"{case[0]} {case[1]}") for case in CASES],
)
def test_conversations_come_back_as_they_were(
    trainer: str, settings: dict[str, Any], back: list[Any], less: tuple[str, ...]
) -> None:
    batch = unjudged(make_batch(share_without(f"{trainer} {settings}", *less)))
    sink = stages()[f"write.{trainer}"](**settings, special_tokens="allow")
    refused = sink.reject(batch)["reason"]
    # Trainers with flags have no use for a conversation none of whose answers is to be trained.
    assert set(refused.drop_nulls()) <= {"no_trained_answer"}
    batch = batch.filter(refused.is_null())
    read = stages()[back[0]](**back[1]).map(as_input(sink, batch))

    assert read["_reason"].null_count() == batch.height > COUNT / SHARE * 0.9
    expected = batch[MESSAGES]
    if trainer in ("axolotl", "swift"):
        expected = flagged(expected)
    assert same(read[MESSAGES], expected)
    if "tools" in read.columns and "tools" not in less:
        has_tools = read["tools"].str.contains("find").fill_null(False)
        assert has_tools.equals(batch["tools"].is_not_null())


@pytest.mark.parametrize("form", ["jsonl", "parquet", "datasets"])
def test_records_hold_everything_but_the_judgement(form: str) -> None:
    batch = make_batch(share_without(f"{form} records"))
    flat = flatten(batch[MESSAGES])
    weight = pl.when(pl.col("message") % 4 == 2).then(0.5).otherwise(None)
    weighed = nest_messages(flat.with_columns(weight.alias("weight")), batch.height)
    batch = unjudged(batch.with_columns(weighed))
    sink = stages()[f"write.{form}"](layout="records", tools=True)
    assert sink.reject(batch)["reason"].null_count() == batch.height
    read = stages()["format.chat"](**OPENAI).map(as_input(sink, batch))

    assert read["_reason"].null_count() == batch.height
    assert same(read[MESSAGES], batch[MESSAGES])
    assert read["tools"].to_list() == batch["tools"].to_list()


def unjudged(batch: pl.DataFrame) -> pl.DataFrame:
    return batch.with_columns(pl.lit(None, dtype=pl.Boolean).alias("label"))


def flagged(messages: pl.Series) -> pl.Series:
    """These trainers' files say of every message whether it is trained."""
    train = (pl.col("role") == "assistant") & pl.col("train").fill_null(True)
    return nest_messages(flatten(messages).with_columns(train.alias("train")), len(messages))


@pytest.mark.parametrize(
    ("trainer", "settings", "chat", "preference"),
    [
        (
            "llamafactory",
            {"layout": "ranking"},
            {"field": "conversations", "completion": "chosen"},
            {},
        ),
        ("trl", {"layout": "preference"}, {"field": "prompt", "completion": "chosen"}, {}),
        (
            "openai",
            {"layout": "preference"},
            {"field": "input", "completion": "preferred_output"},
            {"field": "non_preferred_output"},
        ),
        ("swift", {"layout": "preference"}, OPENAI, {"field": "rejected_response"}),
        ("torchtune", {"layout": "preference"}, {"field": "chosen"}, {}),
    ],
)
def test_preferences_come_back_as_they_were(
    trainer: str, settings: dict[str, Any], chat: dict[str, Any], preference: dict[str, Any]
) -> None:
    batch = make_batch(share_without(trainer, "train", "tools", "reasoning"))
    sink = stages()[f"write.{trainer}"](**settings, special_tokens="allow")
    assert sink.reject(batch)["reason"].null_count() == batch.height
    read = as_input(sink, batch)
    if trainer == "openai":
        opened = read["input"].str.strip_prefix('{"messages": ').str.strip_suffix("}")
        read = read.with_columns(opened)
    read = stages()["format.chat"](**chat).map(read).drop("_reason", "_values")
    read = stages()["format.preference"](**preference).map(read)

    assert read["_reason"].null_count() == batch.height
    assert same(read[MESSAGES], batch[MESSAGES])
    assert same(read[REJECTED], batch[REJECTED])


@pytest.mark.parametrize(
    ("trainer", "layout", "chat", "field"),
    [
        ("llamafactory", "kto", {"field": "conversations"}, "kto_tag"),
        ("trl", "unpaired", {"field": "prompt", "completion": "completion"}, "label"),
        ("swift", "kto", OPENAI, "label"),
    ],
)
def test_feedback_comes_back_as_it_was(
    trainer: str, layout: str, chat: dict[str, Any], field: str
) -> None:
    batch = make_batch(share_without(trainer, "train", "tools", "reasoning"))
    sink = stages()[f"write.{trainer}"](layout=layout, special_tokens="allow")
    read = stages()["format.chat"](**chat).map(as_input(sink, batch)).drop("_reason", "_values")
    read = stages()["format.feedback"](field=field).map(read)

    assert same(read[MESSAGES], batch[MESSAGES])
    assert read["label"].to_list() == batch["label"].to_list()
