"""LLaMA-Factory: columns, declarations, what it would drop or change."""

import json

import pytest
from trainer_cases import REJECTED, THOUGHT, TOOLS, reasons, shaped, sink_of
from write_cases import ANSWER, ASK, ONE_TURN, SYSTEM, TWO_TURNS, WITH_TOOLS, WITH_TWO_CALLS, row

from datakit.errors import DatakitError
from datakit.stage import WrittenFile
from datakit.testing import make_batch


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


def test_reasoning_stands_before_the_content() -> None:
    (found,) = shaped("llamafactory", [row(THOUGHT)])

    value = found["conversations"][1]["value"]
    assert value == f"<think>\n想一想\n</think>\n\n{ANSWER['content']}"


def test_nothing_is_filled_into_documents() -> None:
    rows = [{"text": "<video> {{idx}}"}, {"text": "a <|im_end|> b"}]

    assert reasons("llamafactory", rows, layout="pretrain") == [None, "special_token"]
