"""annotate.weight: what is refused beforehand, and which sinks take a record's weight."""

import json
from pathlib import Path
from typing import Any

import pytest
from trainer_cases import reasons, shaped
from write_cases import ANSWER, ASK, row

import datakit.api
from datakit.config.formats import TRAINERS
from datakit.errors import DatakitError, SettingsError
from datakit.records import CONTENT
from datakit.registry import stages
from datakit.stages.annotate.weight import WeightAnnotator
from datakit.testing import make_batch, run_stage


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "sources"),
        ({"sources": {"a": -1.0}}, "sources"),
        ({"sources": {"a": 11.0}}, "sources"),
        ({"sources": {"a": float("nan")}}, "sources"),
        ({"column": "lang"}, "sources"),
        ({"sources": {"a": 1.0}, "column": "lang"}, "column"),
        ({"values": {"zh": 1.0}}, "values"),
        ({"column": "lang", "values": {"zh": 11.0}}, "values"),
        ({"expression": "1", "default": 20.0}, "default"),
        ({"expression": "1", "min_weight": 2.0, "max_weight": 1.0}, "min_weight"),
        ({"expression": "1", "min_weight": -1.0}, "min_weight"),
        ({"expression": "score >"}, "expression"),
        ({"expression": "score / MAX(score)"}, "expression"),
        ({"expression": "1", "outside": "drop"}, "outside"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        WeightAnnotator(**settings)

    assert caught.value.key == key


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("text", "gives String, not a number"),
        ("CAST(text AS DOUBLE)", "annotate.weight: expression"),
    ],
)
def test_an_expression_that_gives_no_number_is_an_error(expression: str, message: str) -> None:
    with pytest.raises(DatakitError, match=message):
        run_stage(WeightAnnotator(expression=expression), [{"text": "a"}])


def test_needs_are_the_columns_that_decide() -> None:
    stage = WeightAnnotator(
        column="lang", values={"zh": 1.0}, expression="n + CHAR_LENGTH(content)"
    )

    assert stage.needs == {"lang", "n", CONTENT}


def test_the_report_counts_the_records_with_each_value(tmp_path: Path) -> None:
    records = [{"text": "甲", "lang": lang} for lang in ("zh", "zh", "fr", None)]
    (tmp_path / "in.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in records))
    pipeline = tmp_path / "p.toml"
    pipeline.write_text(
        f"""
        [[source]]
        name = "s"
        path = "{tmp_path}/in.jsonl"
        text = "text"
        fields = ["lang"]

        [[stage]]
        use = "annotate.weight"
        column = "lang"
        values = {{ zh = 1, yess = 0.5 }}

        [output]
        path = "{tmp_path}/out"
        format = "jsonl"
        """
    )

    report = datakit.api.run(pipeline)

    assert report.counts.tally_tables() == {
        "01 annotate.weight: value": (["value", "s"], [["none", 2], ["zh", 2], ["yess", 0]])
    }


def weighed(weight: Any) -> dict[str, Any]:
    return {**row([ASK, ANSWER]), "weight": weight}


@pytest.mark.parametrize("trainer", [*TRAINERS, "mds", "jsonl", "parquet"])
def test_sinks_without_a_place_for_weights_refuse_them(trainer: str) -> None:
    layout = {"mds": "chat", "jsonl": "messages", "parquet": "messages"}
    settings = {"layout": layout[trainer]} if trainer in layout else {}
    system = {"role": "system", "content": "s"}
    rows = [
        {**weighed(weight), "messages": [system, ASK, ANSWER]} for weight in (0.5, 1.0, None, 2.0)
    ]

    assert reasons(trainer, rows, **settings) == ["record_weight", None, None, "record_weight"]


@pytest.mark.parametrize("trainer", ["llamafactory", "trl", "swift"])
def test_weights_of_documents_are_refused_too(trainer: str) -> None:
    layouts = {"llamafactory": "pretrain", "trl": "language_modeling", "swift": "pretrain"}
    settings = {"layout": layouts[trainer]}

    assert reasons(trainer, [{"text": "一", "weight": 0.5}], **settings) == ["record_weight"]


def test_swift_multiplies_the_weights_of_record_and_message() -> None:
    messages = [ASK, {**ANSWER, "weight": 0.5}, ASK, ANSWER]
    rows = [{**row(messages), "weight": weight} for weight in ("0.5", None)]

    one, other = shaped("swift", rows, flags=True)

    assert [m["loss_scale"] for m in one["messages"]] == [1, 0.25, 1, 0.5]
    assert [m["loss_scale"] for m in other["messages"]] == [1, 0.5, 1, 1]


def test_a_layout_carries_the_weight_as_a_column() -> None:
    sink = stages()["write.parquet"](layout="messages", columns=["weight"])
    batch = make_batch([weighed(0.5)])

    assert sink.reject(batch)["reason"].to_list() == [None]
    assert sink.encode(batch)["weight"].to_pylist() == [0.5]


def test_a_weight_that_is_no_number_is_an_error() -> None:
    with pytest.raises(DatakitError, match="'weight' holds '60kg'"):
        reasons("trl", [weighed("60kg")])
