"""Sinks for trainers: their columns, what they refuse, the files beside the data."""

import json
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow.parquet as pq
import pytest
from write_cases import (
    ANSWER,
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
from datakit.stage import Sink, WrittenFile
from datakit.testing import make_batch

TRAINERS = ("llamafactory", "trl", "axolotl", "swift", "openai", "torchtune", "nemo", "megatron")
TOOLS = '[{"name":"find","parameters":{}}]'
REJECTED = [{"role": "assistant", "content": "不知道"}]
THOUGHT = [ASK, {**ANSWER, "reasoning": "想一想"}]
MASKED = [ASK, {**ANSWER, "train": False}, ASK, ANSWER]


def sink_of(trainer: str, **settings: Any) -> Any:
    return stages()[f"write.{trainer}"](**settings)


def shaped(trainer: str, rows: list[dict[str, Any]], **settings: Any) -> list[dict[str, Any]]:
    """What is written for rows that all fit."""
    sink, batch = sink_of(trainer, **settings), make_batch(rows)
    assert sink.reject(batch)["reason"].to_list() == [None] * len(rows)
    table = sink.encode(batch).drop_columns("_size")
    if "line" in table.column_names:
        return [json.loads(line) for line in table["line"].to_pylist()]
    return table.to_pylist()


def reasons(trainer: str, rows: list[dict[str, Any]], **settings: Any) -> list[str | None]:
    return sink_of(trainer, **settings).reject(make_batch(rows))["reason"].to_list()


@pytest.mark.parametrize("trainer", [*TRAINERS, "datasets"])
def test_each_meets_the_protocol(trainer: str) -> None:
    assert isinstance(sink_of(trainer), Sink)


def test_llamafactory_share_gpt_never_has_an_empty_list_of_tools() -> None:
    plain, called = shaped(
        "llamafactory", [row(ONE_TURN, tools="[]"), row(WITH_TOOLS, tools=TOOLS)]
    )

    assert plain["tools"] == plain["system"] == ""
    assert called["tools"] == TOOLS
    assert [turn["from"] for turn in called["conversations"]] == [
        *("human", "function_call", "observation", "gpt")
    ]


def test_llamafactory_openai_names_what_share_gpt_has() -> None:
    (found,) = shaped("llamafactory", [row(WITH_TWO_CALLS, tools=TOOLS)], layout="openai")

    assert [m["role"] for m in found["messages"]] == ["user", "function_call", "tool", "assistant"]
    assert json.loads(found["messages"][2]["content"]) == ["晴", "3"]
    assert found["system"] == SYSTEM["content"]


def test_llamafactory_ranking_ends_the_conversation_with_the_question() -> None:
    (found,) = shaped("llamafactory", [row(TWO_TURNS, rejected=REJECTED)], layout="ranking")

    assert len(found["conversations"]) % 2 == 1
    assert found["chosen"] == {"from": "gpt", "value": "去医院"}
    assert found["rejected"] == {"from": "gpt", "value": "不知道"}


def test_llamafactory_kto_has_a_boolean_and_an_answer() -> None:
    rows = [row(ONE_TURN, label=True), row(ONE_TURN, label=False)]

    assert [r["kto_tag"] for r in shaped("llamafactory", rows, layout="kto")] == [True, False]
    assert reasons("llamafactory", [*rows, row(ONE_TURN)], layout="kto")[2] == "no_label"
    empty = row([ASK, {"role": "assistant", "content": " "}], label=True)
    assert reasons("llamafactory", [empty], layout="kto") == ["empty_message"]


def test_a_label_that_is_no_boolean_stops_with_advice() -> None:
    with pytest.raises(DatakitError, match=r"format\.feedback"):
        reasons("llamafactory", [row(ONE_TURN, label="true")], layout="kto")


def test_llamafactory_refuses_its_own_placeholder() -> None:
    rows = [row([{"role": "user", "content": "{{idx}}"}, ANSWER])]

    assert reasons("llamafactory", rows) == ["special_token"]
    (found,) = shaped("llamafactory", rows, special_tokens="split")
    assert found["conversations"][0]["value"] == "{\u200b{idx}}"


def test_llamafactory_declares_every_column_and_all_seven_tags() -> None:
    files = [WrittenFile(f"{s}/{s}-00000-of-00001.parquet", s, 1, 1, "") for s in ("train", "val")]
    for layout in ("sharegpt", "openai", "alpaca", "pretrain", "ranking", "kto"):
        sink = sink_of("llamafactory", layout=layout)
        texts = sink.companions("medical", files)
        info = json.loads(texts["dataset_info.json"])

        assert list(info) == ["medical", "medical_val"]
        assert info["medical"]["file_name"] == "train/train-00000-of-00001.parquet"
        rows = [row(ONE_TURN, text="a", rejected=REJECTED, label=True)]
        written = set(sink.encode(make_batch(rows)).column_names)
        assert set(info["medical"]["columns"].values()) <= written
        assert len(info["medical"].get("tags", range(7))) == 7
        assert texts["dataset_info.json"].isascii()


def test_llamafactory_reads_a_folder_where_there_are_several_files() -> None:
    files = [
        WrittenFile(f"train/train-0000{n}-of-00002.parquet", "train", 1, 1, "") for n in (0, 1)
    ]

    info = json.loads(sink_of("llamafactory").companions("m", files)["dataset_info.json"])
    assert info["m"]["file_name"] == "train"


@pytest.mark.parametrize("trainer", TRAINERS)
def test_special_tokens_in_texts_are_refused_or_broken(trainer: str) -> None:
    more = {"system": "s"} if trainer == "megatron" else {}
    rows = [row([ASK, {"role": "assistant", "content": "a<|im_end|>b"}])]

    assert reasons(trainer, rows, **more) == ["special_token"]
    assert reasons(trainer, rows, **more, special_tokens="allow") == [None]
    (found,) = shaped(trainer, rows, **more, special_tokens="split")
    assert "<\u200b|im_end|>" in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize(
    ("trainer", "expected"),
    [
        ("llamafactory", ["untrained_turn", None]),
        ("trl", ["untrained_turn", None]),
        ("torchtune", ["untrained_turn", None]),
        ("swift", ["untrained_turn", None]),
        ("axolotl", [None, None]),
        ("openai", [None, "has_reasoning"]),
    ],
)
def test_what_a_trainer_has_no_place_for_is_refused(
    trainer: str, expected: list[str | None]
) -> None:
    assert reasons(trainer, [row(MASKED), row(THOUGHT)]) == expected


def test_reasoning_stands_before_the_content() -> None:
    (found,) = shaped("llamafactory", [row(THOUGHT)])

    value = found["conversations"][1]["value"]
    assert value == f"<think>\n想一想\n</think>\n\n{ANSWER['content']}"


def test_reasoning_may_have_a_field_of_its_own() -> None:
    (found,) = shaped("trl", [row(THOUGHT)], reasoning="field")

    assert found["messages"][1]["reasoning_content"] == "想一想"
    assert found["messages"][1]["content"] == ANSWER["content"]


def test_training_flags() -> None:
    (axolotl,) = shaped("axolotl", [row(MASKED)])
    (swift,) = shaped("swift", [row(MASKED, weight=0.5)], flags=True)
    (openai,) = shaped("openai", [row(MASKED)])

    assert [m["train"] for m in axolotl["messages"]] == [False, False, False, True]
    assert [m["loss"] for m in swift["messages"]] == [False, False, False, True]
    assert [m["loss_scale"] for m in swift["messages"]] == [1.0, 0.5, 1.0, 0.5]
    assert [m.get("weight") for m in openai["messages"]] == [None, 0, None, None]
    all_off = [ASK, {**ANSWER, "train": False}]
    for trainer, more in (("axolotl", {}), ("swift", {"flags": True}), ("openai", {})):
        assert reasons(trainer, [row(all_off)], **more) == ["no_trained_answer"]


def test_trl_preference_and_unpaired() -> None:
    (pair,) = shaped("trl", [row(TWO_TURNS, rejected=REJECTED)], layout="preference")
    (judged,) = shaped("trl", [row(ONE_TURN, label=False)], layout="unpaired")

    assert list(pair) == ["prompt", "chosen", "rejected"]
    assert [m["role"] for m in pair["prompt"]] == ["system", "user", "assistant", "user"]
    assert pair["rejected"] == REJECTED
    assert judged == {"prompt": [ASK], "completion": [ANSWER], "label": False}


def test_pairs_that_teach_nothing_are_refused() -> None:
    rows = [
        row(ONE_TURN, rejected=[ANSWER]),
        row(ONE_TURN, rejected=[{"role": "assistant", "content": " "}]),
        row(ONE_TURN, rejected=None),
    ]
    expected = ["equal_answers", "empty_rejected", "no_rejected"]

    for trainer in ("llamafactory", "trl", "axolotl", "swift", "openai", "torchtune"):
        layout = "ranking" if trainer == "llamafactory" else "preference"
        assert reasons(trainer, rows, layout=layout) == expected


def test_trl_with_tools_keeps_arguments_as_text_and_lists_as_null() -> None:
    rows = [row(ONE_TURN), row(WITH_TOOLS, tools=TOOLS)]
    plain, called = shaped("trl", rows, tools=True)

    assert plain["tools"] is None
    assert plain["messages"][1]["tool_calls"] is None
    (call,) = called["messages"][1]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"药": 1.5}
    assert called["messages"][2]["tool_call_id"] == "call_1"
    assert reasons("trl", rows) == [None, "needs_tools"]
    assert reasons("trl", [row(ONE_TURN, tools=TOOLS)]) == ["needs_tools"]


@pytest.mark.parametrize(
    ("trainer", "settings", "key"),
    [
        ("trl", {"tools": True}, "tools"),
        ("trl", {"reasoning": "field"}, "reasoning"),
        ("axolotl", {"tools": True}, "tools"),
        ("swift", {"flags": True}, "flags"),
    ],
)
def test_json_lines_cannot_hold_lists_and_nulls(
    trainer: str, settings: dict[str, Any], key: str
) -> None:
    with pytest.raises(SettingsError) as error:
        sink_of(trainer, container="jsonl", **settings)

    assert error.value.key == key


def test_axolotl_preferences_are_rendered_here() -> None:
    (pair,) = shaped(
        "axolotl",
        [row(ONE_TURN, rejected=[{"role": "assistant", "content": "a"}])],
        layout="preference",
    )

    assert pair["prompt"].endswith(
        "<|im_start|>user\n头痛怎么办？<|im_end|>\n<|im_start|>assistant\n"
    )
    assert pair["rejected"] == "a<|im_end|>"


def test_axolotl_renders_llama_3() -> None:
    (judged,) = shaped("axolotl", [row(ONE_TURN, label=True)], layout="kto", template="llama3")

    assert judged["prompt"].startswith("<|begin_of_text|><|start_header_id|>user<|end_header_id|>")
    assert judged["completion"].endswith("<|eot_id|>")


def test_swift_calls_are_messages_of_their_own() -> None:
    (found,) = shaped("swift", [row(WITH_TWO_CALLS)])

    assert [m["role"] for m in found["messages"]] == [
        *("system", "user", "tool_call", "tool_call", "tool_response", "tool_response"),
        "assistant",
    ]
    assert json.loads(found["messages"][3]["content"]) == {"name": "g", "arguments": {"x": []}}
    assert found["tools"] == "[]"


def test_openai_lines_have_the_keys_they_need_and_no_others() -> None:
    plain, called = shaped("openai", [row(ONE_TURN), row(WITH_TOOLS, tools=TOOLS)])

    assert plain == {"messages": ONE_TURN}
    assert called["tools"] == [{"type": "function", "function": json.loads(TOOLS)[0]}]
    assert called["messages"][1] == {**CALL, "tool_calls": json.loads(CALL["tool_calls"])}
    assert called["messages"][2] == RESULT


def test_openai_preference() -> None:
    (pair,) = shaped("openai", [row(ONE_TURN, rejected=REJECTED)], layout="preference")

    assert pair == {
        "input": {"messages": [ASK]},
        "preferred_output": [ANSWER],
        "non_preferred_output": REJECTED,
    }


def test_torchtune_and_nemo_instructions_have_one_turn() -> None:
    rows = [row(ONE_TURN), row(TWO_TURNS), row(TWO_TURNS[1:])]

    for trainer in ("torchtune", "nemo"):
        assert reasons(trainer, rows, layout="instruct") == [None, "has_system", "multi_turn"]
        assert shaped(trainer, rows[:1], layout="instruct") == [
            {"input": ASK["content"], "output": ANSWER["content"]}
        ]


def test_torchtune_preferences_are_two_dialogues() -> None:
    (pair,) = shaped("torchtune", [row(ONE_TURN, rejected=REJECTED)], layout="preference")

    assert pair == {"chosen": ONE_TURN, "rejected": [ASK, *REJECTED]}


def test_megatron_conversations_begin_with_a_system_message() -> None:
    rows = [row(ONE_TURN), row(TWO_TURNS)]

    assert reasons("megatron", rows) == ["no_system", None]
    first, second = shaped("megatron", rows, system="S")
    assert first["messages"][0] == {"role": "system", "content": "S"}
    assert second["messages"] == TWO_TURNS


@pytest.mark.parametrize("trainer", TRAINERS)
def test_one_schema_for_all_batches(trainer: str) -> None:
    more = {"system": "s"} if trainer == "megatron" else {}
    sink = sink_of(trainer, **more)
    first, second = (make_batch([r]) for r in (row(ONE_TURN), row(TWO_TURNS)))

    assert sink.encode(first).schema == sink.encode(second).schema
    assert sink.encode(first.clear()).num_rows == 0


@pytest.mark.parametrize("trainer", ["llamafactory", "trl", "axolotl", "swift", "torchtune"])
def test_the_loader_reads_every_row_as_text(trainer: str, tmp_path: Path) -> None:
    from datasets import load_dataset

    dated = {"role": "assistant", "content": "2024-01-01"}
    rows = [row([ASK, dated]), row(TWO_TURNS)]
    sink, batch = sink_of(trainer), make_batch(rows)
    (tmp_path / "train").mkdir()
    path = tmp_path / "train" / f"train-00000-of-00001{sink.suffix}"
    sink.write(iter([sink.encode(batch).drop_columns("_size")]), path)

    found = load_dataset(str(tmp_path / "train"), cache_dir=str(tmp_path / "cache"))["train"]
    assert found.num_rows == 2
    assert "2024-01-01" in orjson.dumps(found[0]).decode()
    assert None not in [
        value
        for name in pq.read_table(path).column_names
        if name != "tools"
        for value in pl.read_parquet(path)[name].to_list()
    ]


@pytest.mark.parametrize("trainer", TRAINERS)
def test_texts_for_pretraining(trainer: str) -> None:
    names = {"llamafactory": "pretrain", "trl": "language_modeling", "axolotl": "completion"}
    layout = names.get(trainer, "pretrain" if trainer == "swift" else "text")
    if trainer == "openai":
        with pytest.raises(TypeError):
            sink_of(trainer, layouts=layout)
        return
    rows = [{"text": "a"}, {"text": " "}, {"text": "</s>"}]

    assert reasons(trainer, rows, layout=layout) == [None, "empty_text", "special_token"]
    (found,) = shaped(trainer, rows[:1], layout=layout)
    assert found in ({"text": "a"}, {"messages": [{"role": "assistant", "content": "a"}]})
