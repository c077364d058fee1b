"""JSON Lines: bytes, layouts, what is refused, and that loaders take it."""

import gzip
import json
import re
import sys
from functools import cache
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from trainer_cases import MASKED, THOUGHT
from write_cases import (
    ANSWER,
    ANSWER_AGAIN,
    ASK,
    CALL,
    ONE_TURN,
    RESULT,
    SYSTEM,
    TWO_TURNS,
    WITH_TOOLS,
    WITH_TWO_CALLS,
    row,
)

from datakit.errors import DatakitError, SettingsError
from datakit.registry import stages
from datakit.stage import Sink
from datakit.stages.format.chat import ChatFormat
from datakit.stages.write import line_files
from datakit.stages.write.jsonl import JsonlSink
from datakit.stages.write.line_files import encode_lines
from datakit.testing import make_batch, run_stage

TOOLS = '[{"name":"find"}]'


def lines_of(sink: Sink, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is written for rows that all fit."""
    batch = make_batch(rows)
    assert sink.reject(batch)["reason"].to_list() == [None] * len(rows)
    return [json.loads(line) for line in sink.encode(batch)["line"].to_pylist()]


def reasons_of(sink: Sink, rows: list[dict[str, Any]]) -> list[str]:
    return sink.reject(make_batch(rows))["reason"].to_list()


def test_the_sink_meets_the_protocol() -> None:
    assert isinstance(JsonlSink(), Sink)
    assert [JsonlSink(compression=c).suffix for c in ("none", "gz", "zst")] == [
        *(".jsonl", ".jsonl.gz", ".jsonl.zst")
    ]


def test_text_is_one_key() -> None:
    batch = make_batch([{"text": '中\n"\\\u2028\x7f'}, {"text": "b", "id": "x"}])

    assert JsonlSink().encode(batch)["line"].to_pylist() == [
        '{"text":"中\\n\\"\\\\\u2028\x7f"}\n'.encode(),
        b'{"text":"b"}\n',
    ]


def test_messages_have_role_and_content_alone() -> None:
    assert lines_of(JsonlSink(layout="messages"), [row(TWO_TURNS), row(ONE_TURN)]) == [
        {"messages": TWO_TURNS},
        {"messages": ONE_TURN},
    ]


def test_messages_with_tools_have_the_same_keys_everywhere() -> None:
    sink = JsonlSink(layout="messages", tools=True)
    empty = {"tool_calls": "", "tool_call_id": "", "name": ""}

    assert lines_of(sink, [row(WITH_TOOLS, tools=TOOLS), row(ONE_TURN)]) == [
        {"messages": [{**empty, **message} for message in WITH_TOOLS], "tools": TOOLS},
        {"messages": [{**empty, **message} for message in ONE_TURN], "tools": ""},
    ]
    assert lines_of(sink, [row(ONE_TURN)])[0]["tools"] == ""


def test_share_gpt_has_its_system_message_in_a_column() -> None:
    assert lines_of(JsonlSink(layout="sharegpt"), [row(TWO_TURNS), row(ONE_TURN)]) == [
        {
            "conversations": [
                {"from": "human", "value": "头痛怎么办？"},
                {"from": "gpt", "value": ANSWER["content"]},
                {"from": "human", "value": "还痛"},
                {"from": "gpt", "value": "去医院"},
            ],
            "system": SYSTEM["content"],
        },
        {
            "conversations": [
                {"from": "human", "value": "头痛怎么办？"},
                {"from": "gpt", "value": ANSWER["content"]},
            ],
            "system": "",
        },
    ]


def test_share_gpt_with_tools_keeps_to_llama_factorys_rules() -> None:
    sink = JsonlSink(layout="sharegpt", tools=True)
    rows = [
        row(WITH_TWO_CALLS, tools=TOOLS),
        row(ONE_TURN, tools="[]"),
        row(WITH_TOOLS, tools=None),
        row([ASK, CALL]),
    ]
    found = lines_of(sink, rows)

    assert [line["tools"] for line in found] == [TOOLS, "", "", ""]
    assert found[0]["conversations"][1:3] == [
        {
            "from": "function_call",
            "value": '[{"name":"f","arguments":{}},{"name":"g","arguments":{"x":[]}}]',
        },
        {"from": "observation", "value": '["晴","3"]'},
    ]
    assert found[2]["conversations"][1]["value"] == '{"name":"find","arguments":{"药":1.5}}'
    for line in found:
        speakers = [turn["from"] for turn in line["conversations"]]
        assert len(speakers) % 2 == 0
        assert set(speakers[::2]) <= {"human", "observation"}
        assert set(speakers[1::2]) <= {"gpt", "function_call"}


@pytest.mark.parametrize("messages", [WITH_TOOLS, WITH_TWO_CALLS, TWO_TURNS])
@pytest.mark.parametrize(("layout", "column"), [("sharegpt", "conversations"), ("messages",) * 2])
def test_what_is_written_is_read_back(
    layout: Any, column: str, messages: list[dict[str, str]]
) -> None:
    line = lines_of(JsonlSink(layout=layout, tools=True), [row(messages)])[0]
    found = run_stage(
        ChatFormat(system=line.get("system", "")), [{"conversation": json.dumps(line[column])}]
    )

    assert [without_ids(m) for m in found.rows[0]["messages"]] == [without_ids(m) for m in messages]


def without_ids(message: dict[str, str]) -> dict[str, str]:
    """ShareGPT has no place for ids; the order of the results says as much."""
    bare = {k: v for k, v in message.items() if k != "tool_call_id" and v}
    return {k: re.sub(r'"id":"[^"]*"', "", v) for k, v in bare.items()}


def test_alpaca() -> None:
    with_system = [SYSTEM, ASK, ANSWER]
    expected = {"instruction": ASK["content"], "input": "", "output": ANSWER["content"]}

    assert lines_of(JsonlSink(layout="alpaca"), [row(ONE_TURN)]) == [expected]
    assert lines_of(JsonlSink(layout="alpaca", system=True), [row(with_system), row(ONE_TURN)]) == [
        {**expected, "system": SYSTEM["content"]},
        {**expected, "system": ""},
    ]


def test_prompt_and_completion() -> None:
    assert lines_of(JsonlSink(layout="prompt_completion"), [row(ONE_TURN)]) == [
        {"prompt": ASK["content"], "completion": ANSWER["content"]}
    ]
    assert lines_of(
        JsonlSink(layout="prompt_completion", conversational=True), [row(TWO_TURNS)]
    ) == [{"prompt": TWO_TURNS[:-1], "completion": TWO_TURNS[-1:]}]


def test_records_are_of_both_kinds_and_can_be_read_back() -> None:
    rows = [{"id": "1", "text": "甲", "n": 1}, {"id": "2", "n": 2} | row(WITH_TOOLS)]
    found = lines_of(JsonlSink(layout="records", columns=["n"]), rows)

    assert found[0] == {"id": "1", "source": "test", "text": "甲", "messages": "", "n": 1}
    assert list(found[1]) == list(found[0])
    again = run_stage(ChatFormat(), [{"conversation": found[1]["messages"]}])
    assert again.rows[0]["messages"] == WITH_TOOLS
    plain = lines_of(JsonlSink(layout="records"), [{"id": "3"} | row(ONE_TURN)])
    assert json.loads(plain[0]["messages"]) == ONE_TURN
    assert plain[0]["text"] == ""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"layout": "messages"}, ["untrained_turn", "turn_weight"]),
        ({"layout": "sharegpt"}, ["untrained_turn", "turn_weight"]),
        ({"layout": "alpaca"}, ["multi_turn", "turn_weight"]),
        ({"layout": "prompt_completion", "conversational": True}, [None, "turn_weight"]),
        ({"layout": "records"}, [None, None]),
    ],
)
def test_what_is_said_of_learning_a_message_is_not_dropped(
    settings: dict[str, Any], expected: list[str | None]
) -> None:
    rows = [row(MASKED), row([ASK, {**ANSWER, "weight": 0.5}])]

    assert reasons_of(JsonlSink(**settings), rows) == expected
    verdict = JsonlSink(layout="messages").reject(make_batch(rows)).to_dicts()
    assert [(v["message"], v["role"]) for v in verdict] == [(2, "assistant")] * 2


def test_a_completion_that_is_not_to_be_trained_is_refused() -> None:
    rows = [row([ASK, {**ANSWER, "train": False}])]

    assert reasons_of(JsonlSink(layout="prompt_completion"), rows) == ["untrained_turn"]


def test_split_conversations_fit_the_layout_that_trains_the_last_answer() -> None:
    split = run_stage(stages()["format.split_turns"](), [row(TWO_TURNS)]).rows
    sink = JsonlSink(layout="prompt_completion", conversational=True)

    assert [line["completion"] for line in lines_of(sink, split)] == [
        [ANSWER],
        [ANSWER_AGAIN],
    ]
    assert reasons_of(JsonlSink(layout="messages"), split) == [None, "untrained_turn"]


@pytest.mark.parametrize("layout", ["messages", "sharegpt", "alpaca", "prompt_completion"])
def test_reasoning_stands_before_the_content(layout: Any) -> None:
    (line,) = lines_of(JsonlSink(layout=layout), [row(THOUGHT)])

    said = f"<think>\n想一想\n</think>\n\n{ANSWER['content']}"
    assert json.dumps(said, ensure_ascii=False) in json.dumps(line, ensure_ascii=False)


@pytest.mark.parametrize("layout", ["messages", "sharegpt", "alpaca", "prompt_completion"])
def test_a_list_of_tools_needs_its_place(layout: Any) -> None:
    rows = [row(ONE_TURN, tools=TOOLS), row(ONE_TURN, tools="[]"), row(ONE_TURN, tools=None)]

    assert reasons_of(JsonlSink(layout=layout), rows) == ["needs_tools", None, None]


def test_records_have_tools_if_they_are_asked_for() -> None:
    rows = [row(WITH_TOOLS, tools=TOOLS)]

    assert reasons_of(JsonlSink(layout="records"), rows) == ["needs_tools"]
    for asked in ({"tools": True}, {"columns": ["tools"]}):
        (found,) = lines_of(JsonlSink(layout="records", **asked), rows)  # type: ignore[arg-type]
        assert list(found) == ["id", "source", "text", "messages", "tools"]
        assert found["tools"] == TOOLS
    assert lines_of(JsonlSink(layout="records", tools=True), [{"text": "a"}])[0]["tools"] == ""


def test_columns_are_carried_and_a_number_may_not_be_missing() -> None:
    sink = JsonlSink(columns=["lang", "score"])
    rows = [
        {"text": "a", "lang": "zh", "score": 0.5},
        {"text": "b", "lang": None, "score": 1.0},
        {"text": "c", "lang": "en", "score": None},
        {"text": "d", "lang": "en", "score": float("nan")},
    ]

    assert lines_of(sink, rows[:2]) == [
        {"text": "a", "lang": "zh", "score": 0.5},
        {"text": "b", "lang": "", "score": 1.0},
    ]
    verdict = sink.reject(make_batch(rows)).to_dicts()
    assert [v["reason"] for v in verdict] == [None, None, "null_in_column", "null_in_column"]
    assert verdict[2]["column"] == "score"
    assert sink.needs == {"text", "lang", "score"}


@pytest.mark.parametrize(
    ("layout", "messages", "reason", "message"),
    [
        ("messages", None, "no_messages", None),
        ("messages", [], "empty_conversation", None),
        ("messages", [ASK, {"role": "wolf", "content": "x"}], "unknown_role", 2),
        ("messages", [ASK, {"role": "assistant", "content": " "}], "empty_message", 2),
        ("messages", [ASK, {"role": "assistant"}], "empty_message", 2),
        ("messages", [ASK, SYSTEM, ANSWER], "system_not_first", 2),
        ("messages", [SYSTEM, SYSTEM, ASK, ANSWER], "system_not_first", 2),
        ("messages", [ANSWER, ASK], "wrong_role_order", 1),
        ("messages", [ASK, ASK, ANSWER], "wrong_role_order", 2),
        ("messages", [ASK, ANSWER, ASK], "last_not_assistant", 3),
        ("messages", WITH_TOOLS, "needs_tools", 2),
        ("sharegpt", WITH_TOOLS, "needs_tools", 2),
        ("alpaca", WITH_TOOLS, "needs_tools", 2),
        ("alpaca", [SYSTEM, *ONE_TURN], "has_system", None),
        ("alpaca", TWO_TURNS[1:], "multi_turn", None),
        ("prompt_completion", [SYSTEM, *ONE_TURN], "has_system", None),
        ("prompt_completion", TWO_TURNS[1:], "multi_turn", None),
    ],
)
def test_what_a_layout_cannot_hold_is_refused(
    layout: Any, messages: list[dict[str, str]] | None, reason: str, message: int | None
) -> None:
    batch = make_batch([row(ONE_TURN), row(messages), row(ONE_TURN)])
    verdict = JsonlSink(layout=layout).reject(batch).to_dicts()

    assert [v["reason"] for v in verdict] == [None, reason, None]
    assert verdict[1]["message"] == message
    if message and messages:
        assert verdict[1]["role"] == messages[message - 1]["role"]


def test_the_order_of_roles_is_the_grammar() -> None:
    kinds = {"s": SYSTEM, "u": ASK, "a": ANSWER, "c": CALL, "t": RESULT}
    codes = ["".join(code) for size in range(1, 6) for code in product("suact", repeat=size)]
    batch = make_batch([row([kinds[letter] for letter in code]) for code in codes])
    reasons = JsonlSink(layout="messages", tools=True).reject(batch)["reason"]

    valid = [code for code, reason in zip(codes, reasons, strict=True) if reason is None]
    grammar = re.compile(r"s?(u(ct+)*a)*u(ct+)*[ac]")
    assert valid == [code for code in codes if grammar.fullmatch(code)]


def test_share_gpt_has_no_place_for_text_beside_a_call() -> None:
    spoken = [ASK, {**CALL, "content": "let me see"}, RESULT, ANSWER]

    assert reasons_of(JsonlSink(layout="sharegpt", tools=True), [row(spoken), row(WITH_TOOLS)]) == [
        *("content_with_tool_call", None)
    ]
    assert reasons_of(JsonlSink(layout="messages", tools=True), [row(spoken)]) == [None]


def test_documents_without_text_are_refused() -> None:
    rows = [{"text": "a"}, {"text": None}, {"text": " \n"}]

    assert reasons_of(JsonlSink(), rows) == [None, "no_text", "empty_text"]
    assert reasons_of(JsonlSink(layout="records"), rows) == [None, "no_content", None]


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8)


@settings(max_examples=40)
@given(TEXTS, st.integers(0, 2))
def test_both_encoders_write_the_same_bytes_as_a_plain_encoder(texts: list[str], cut: int) -> None:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})[cut:]
    plain = [
        json.dumps({"text": text}, ensure_ascii=False, separators=(",", ":")) + "\n"
        for text in texts[cut:]
    ]
    expected = [line.encode() for line in plain]

    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "numba", raising=False)
        assert encode_lines(frame).to_pylist() == expected
    import_module("numba")
    assert encode_lines(frame).to_pylist() == expected


def test_sizes_are_those_of_the_lines() -> None:
    table = JsonlSink().encode(make_batch([{"text": "中文"}, {"text": ""}, {"text": "abc"}]))

    assert table.schema == pa.schema([("line", pa.large_binary()), ("_size", pa.uint64())])
    assert table["_size"].to_pylist() == [len(line) for line in table["line"].to_pylist()]
    assert JsonlSink().encode(make_batch([{"text": "a"}]).clear()).num_rows == 0


@cache
def some_lines(seed: int) -> tuple[list[dict[str, str]], pa.Table]:
    """More than two blocks of text that does not compress to nothing."""
    noise = np.random.default_rng(seed)
    rows = [{"text": f"{n} {noise.bytes(800).hex()}"} for n in range(1400)]
    return rows, JsonlSink().encode(make_batch(rows)).drop_columns("_size")


OPEN = {"none": Path.read_bytes, "gz": lambda p: gzip.decompress(p.read_bytes())}
OPEN["zst"] = lambda p: zstandard.ZstdDecompressor().decompressobj().decompress(p.read_bytes())


@settings(max_examples=4)
@given(cuts=st.lists(st.integers(0, 1400), max_size=6).map(sorted), data=st.sampled_from([0, 7]))
@pytest.mark.parametrize("compression", ["none", "gz", "zst"])
def test_bytes_do_not_depend_on_how_the_rows_are_cut(
    tmp_path_factory: pytest.TempPathFactory, compression: Any, cuts: list[int], data: int
) -> None:
    folder = tmp_path_factory.mktemp("out")
    sink = JsonlSink(compression=compression)
    rows, table = some_lines(data)
    pieces = [
        table.slice(a, b - a) for a, b in zip([0, *cuts], [*cuts, table.num_rows], strict=True)
    ]
    sink.write(iter([table]), folder / f"whole{sink.suffix}")
    sink.write(iter(pieces), folder / f"pieces{sink.suffix}")

    whole = (folder / f"whole{sink.suffix}").read_bytes()
    assert whole == (folder / f"pieces{sink.suffix}").read_bytes()
    lines = OPEN[compression](folder / f"whole{sink.suffix}").splitlines()
    assert [json.loads(line) for line in lines] == rows


def test_compressors_get_blocks_of_one_size() -> None:
    _, table = some_lines(0)
    whole = b"".join(table["line"].to_pylist())
    pieces = (memoryview(whole)[start : start + 70_000] for start in range(0, len(whole), 70_000))
    blocks = list(line_files._blocks(pieces))

    assert b"".join(blocks) == whole
    assert {len(block) for block in blocks[:-1]} == {line_files.BLOCK_BYTES}


def test_gzip_files_say_neither_when_nor_where(tmp_path: Path) -> None:
    _, table = some_lines(0)
    JsonlSink(compression="gz").write(iter([table]), tmp_path / "x.jsonl.gz")

    flags_and_time = (tmp_path / "x.jsonl.gz").read_bytes()[3:8]
    assert flags_and_time == b"\0\0\0\0\0"


def test_a_file_without_rows_is_empty(tmp_path: Path) -> None:
    JsonlSink().write(iter([]), tmp_path / "x.jsonl")

    assert (tmp_path / "x.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"tools": True}, "tools"),
        ({"layout": "alpaca", "tools": True}, "tools"),
        ({"layout": "messages", "system": True}, "system"),
        ({"layout": "messages", "conversational": True}, "conversational"),
        ({"layout": "alpaca", "history": True}, "history"),
        ({"layout": "sharegpt", "history": True}, "history"),
        ({"columns": ["text"]}, "columns"),
        ({"columns": ["labels"]}, "columns"),
        ({"columns": ["n", "n"]}, "columns"),
        ({"columns": ["_file"]}, "columns"),
        ({"layout": "records", "columns": ["id"]}, "columns"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as error:
        JsonlSink(**wrong)

    assert error.value.key == key


ROWS = {
    "text": [{"text": "2024-01-01"}, {"text": "甲 \u2028 乙"}],
    "records": [{"text": "a"}, row(WITH_TOOLS)],
    "messages": [row(TWO_TURNS), row(ONE_TURN)],
    "sharegpt": [row(TWO_TURNS), row(WITH_TWO_CALLS, tools=TOOLS)],
    "alpaca": [row(ONE_TURN), row(ONE_TURN)],
    "prompt_completion": [row(ONE_TURN), row(ONE_TURN)],
}


def test_datasets_loads_every_layout_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    import datasets

    for layout, rows in ROWS.items():
        sink = JsonlSink(layout=layout, tools=layout == "sharegpt")  # type: ignore[arg-type]
        table = sink.encode(make_batch(rows))
        sink.write(iter([table]), tmp_path / f"{layout}.jsonl")
        written = [json.loads(line) for line in table["line"].to_pylist()]
        loaded = datasets.Dataset.from_json(
            str(tmp_path / f"{layout}.jsonl"), cache_dir=str(tmp_path / "cache")
        )
        assert loaded.to_list() == written, layout


@pytest.mark.parametrize(
    "texts", [["2024-01-01"] * 3, ["2024-01-01T10:00:00Z", "2024-01-02 10:00"]], ids=str
)
def test_texts_that_a_loader_would_make_timestamps_of_are_not_written(
    texts: list[str], tmp_path: Path
) -> None:
    sink = JsonlSink()
    table = sink.encode(make_batch([{"text": text} for text in texts])).drop_columns("_size")

    with pytest.raises(DatakitError, match="looks like a date"):
        sink.write(iter([table]), tmp_path / "train.jsonl")


def test_one_text_that_is_no_date_saves_its_block_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = JsonlSink(layout="messages")
    dates = [
        row([{"role": "user", "content": "2024-01-01"}, {"role": "assistant", "content": d}])
        for d in ("2024-01-02", "2024-01-03")
    ]
    rows = [dates[0], row(ONE_TURN), *dates]
    table = sink.encode(make_batch(rows)).drop_columns("_size")
    sink.write(iter([table.slice(0, 1), table.slice(1)]), tmp_path / "whole.jsonl")

    size = len(table["line"][0].as_py()) + len(table["line"][1].as_py())
    monkeypatch.setattr(line_files, "GUESS_BYTES", size - 1)
    with pytest.raises(DatakitError, match=r"lines 3 to 4: every text of 'messages\.content'"):
        sink.write(iter([table]), tmp_path / "blocks.jsonl")


def test_what_is_said_of_tools_and_weights_counts_only_where_it_is_meant() -> None:
    document = {"text": "文", "tools": "锤子"}
    question = {"role": "user", "content": "问", "weight": 0.5}
    answer = {"role": "assistant", "content": "答"}

    assert reasons_of(JsonlSink(layout="records"), [document]) == [None]
    beside = [document, {"messages": [question, answer], "tools": "锤子"}]
    assert reasons_of(JsonlSink(layout="records"), beside) == [None, "needs_tools"]
    assert reasons_of(JsonlSink(layout="records", tools=True), beside) == [None, "broken_tools"]
    assert reasons_of(JsonlSink(layout="messages"), [{"messages": [question, answer]}]) == [None]
    weighed = [{"messages": [question, answer | {"weight": 0.5}]}]
    assert reasons_of(JsonlSink(layout="messages"), weighed) == ["turn_weight"]
