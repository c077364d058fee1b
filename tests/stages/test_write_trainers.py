"""What holds for all sinks for trainers."""

import json
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow.parquet as pq
import pytest
from trainer_cases import MASKED, THOUGHT, reasons, shaped, sink_of
from write_cases import ANSWER, ASK, CALL, ONE_TURN, RESULT, TWO_TURNS, row

from datakit.config.formats import TRAINERS
from datakit.errors import SettingsError
from datakit.registry import stages
from datakit.stage import Sink
from datakit.testing import make_batch


@pytest.mark.parametrize("trainer", [*TRAINERS, "datasets"])
def test_each_meets_the_protocol(trainer: str) -> None:
    assert isinstance(sink_of(trainer), Sink)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_special_tokens_in_texts_are_refused_or_broken(trainer: str) -> None:
    more = {"system": "s"} if trainer == "megatron_jsonl" else {}
    rows = [row([ASK, {"role": "assistant", "content": "a<|im_end|>b"}])]

    assert reasons(trainer, rows, **more) == ["special_token"]
    assert reasons(trainer, rows, **more, special_tokens="allow") == [None]
    (found,) = shaped(trainer, rows, **more, special_tokens="split")
    assert "<\u200b|im_end|>" in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize("trainer", ["llamafactory", "swift"])
@pytest.mark.parametrize("token", ["<image>", "<video>", "<audio>"])
def test_places_of_media_are_refused_or_broken(trainer: str, token: str) -> None:
    rows = [row([{"role": "user", "content": f"{token}?"}, ANSWER])]

    assert reasons(trainer, rows) == ["special_token"]
    assert reasons(trainer, rows, special_tokens="allow") == [None]
    (found,) = shaped(trainer, rows, special_tokens="split")
    assert token not in json.dumps(found, ensure_ascii=False)
    assert reasons("trl", rows) == [None]


FAKED = "<|im_end|>"


def hiding(text: str) -> list[dict[str, Any]]:
    """A conversation with a text in the arguments of a call."""
    arguments = CALL["tool_calls"].replace("1.5", text)
    return [ASK, {**CALL, "tool_calls": arguments}, RESULT, ANSWER]


@pytest.mark.parametrize(
    ("trainer", "settings"),
    [
        ("trl", {"tools": True, "reasoning": "field"}),
        ("axolotl", {"tools": True, "reasoning": "field"}),
        ("swift", {}),
        ("llamafactory", {}),
        ("nemo", {}),
    ],
)
def test_special_tokens_in_reasoning_and_calls_are_refused_or_broken(
    trainer: str, settings: dict[str, Any]
) -> None:
    thought = [ASK, {**ANSWER, "reasoning": f"a{FAKED}"}]
    plain, escaped = hiding(f'\\"{FAKED}\\"'), hiding(r"\"\\u003c|im_end|>\"")
    rows = [row(thought), row(plain), row(escaped)]
    batch = make_batch(rows)

    verdict = sink_of(trainer, **settings).reject(batch)
    assert verdict.select("reason", "message").rows() == [("special_token", 2)] * 3
    assert reasons(trainer, [row(hiding("2"))], **settings) == [None]
    for found in shaped(trainer, rows, **settings, special_tokens="split"):
        text = json.dumps(found, ensure_ascii=False)
        assert FAKED not in text
        assert "003c" not in text
        assert "<\u200b|im_end|>" in text


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


@pytest.mark.parametrize("trainer", [*TRAINERS, "mds", "jsonl", "parquet", "datasets"])
def test_answers_judged_bad_are_no_targets(trainer: str) -> None:
    more = {"system": "s"} if trainer == "megatron_jsonl" else {}
    if trainer in ("mds", "jsonl", "parquet", "datasets"):
        more = {"layout": "chat" if trainer == "mds" else "messages"}
    rows = [row(ONE_TURN, label=label) for label in (True, False, None)]

    assert reasons(trainer, rows, **more) == [None, "judged_bad", None]
    texts = [{**each, "label": str(each["label"]).lower()} for each in rows]
    assert reasons(trainer, texts, **more) == [None, None, None]


def test_the_judgement_of_a_record_can_be_carried() -> None:
    rows = [row(ONE_TURN, label=False)]

    assert reasons("jsonl", rows, layout="records") == ["judged_bad"]
    (found,) = shaped("jsonl", rows, layout="records", columns=["label"])
    assert found["label"] is False


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("format.classify", [None, None]), ("format.feedback", [None, "judged_bad"])],
)
def test_a_label_of_true_or_false_is_a_judgement_by_format_feedback_alone(
    stage: str, expected: list[str | None], tmp_path: Path
) -> None:
    chat = {"messages": json.dumps(ONE_TURN)}
    rows = [{"text": text, "label": label, **chat} for text, label in (("甲", True), ("乙", False))]
    pl.DataFrame(rows).write_parquet(tmp_path / "in.parquet")
    fields = {"conversation": "messages", "label": "label"}
    settings = {"path": [tmp_path / "in.parquet"], "text": "text", "fields": fields}
    source = stages()["ingest.parquet"](name="s", **settings)
    (shard,) = source.shards(1 << 20)
    (batch,) = source.read(shard)
    if stage == "format.feedback":
        batch = stages()["format.chat"]().map(batch.drop("_reason", "_values"))
    batch = stages()[stage]().map(batch.drop("_reason", "_values"))

    assert sink_of("trl").reject(batch)["reason"].to_list() == expected


@pytest.mark.parametrize(
    ("trainer", "settings"),
    [
        *((trainer, {}) for trainer in ("llamafactory", "swift", "openai", "nemo")),
        *((trainer, {"tools": True}) for trainer in ("trl", "axolotl")),
        *(("jsonl", {"layout": name, "tools": True}) for name in ("messages", "sharegpt")),
    ],
)
def test_a_list_of_tools_that_is_none_is_refused(trainer: str, settings: dict[str, Any]) -> None:
    listed = ["not json", '["f"]', '{"name":"f"}', '[{"name":"f"}]', "[]", "", None]

    found = reasons(trainer, [row(ONE_TURN, tools=tools) for tools in listed], **settings)

    assert found == [*["broken_tools"] * 3, None, None, None, None]


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


@pytest.mark.parametrize(
    ("trainer", "layout", "settings"),
    [
        ("axolotl", "preference", {"tools": True}),
        ("axolotl", "preference", {"reasoning": "field"}),
        ("axolotl", "chat", {"template": "llama3"}),
        ("axolotl", "completion", {"template": "llama3"}),
        ("swift", "preference", {"flags": True}),
        ("trl", "language_modeling", {"tools": True}),
        ("trl", "language_modeling", {"reasoning": "field"}),
        ("megatron_jsonl", "text", {"system": "s"}),
    ],
)
def test_a_setting_without_effect_is_refused(
    trainer: str, layout: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match=f"the layout '{layout}' has no such") as error:
        sink_of(trainer, layout=layout, **settings)

    assert error.value.key == next(iter(settings))


@pytest.mark.parametrize("trainer", TRAINERS)
def test_one_schema_for_all_batches(trainer: str) -> None:
    more = {"system": "s"} if trainer == "megatron_jsonl" else {}
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
    rows = [{"text": text} for text in ("a", " ", "</s>", "a</s>b", "a\n</s>\n", "a</s></s>")]

    refused = "special_token"
    assert reasons(trainer, rows, layout=layout) == [
        *(None, "empty_text", refused, refused, None, refused),
    ]
    (found,) = shaped(trainer, rows[:1], layout=layout)
    assert found in ({"text": "a"}, {"messages": [{"role": "assistant", "content": "a"}]})
