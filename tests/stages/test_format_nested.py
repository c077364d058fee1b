"""Lists and objects where a text belongs: what they are is known from the reader."""

import json
from pathlib import Path
from typing import Any

import pytest

from datakit.registry import stages
from datakit.stages.ingest.jsonl import JsonlSource
from datakit.testing import run_stage

PLAIN = {"instruction": "q", "output": "a"}


def converted(
    tmp_path: Path, records: list[dict[str, Any]], name: str, **settings: Any
) -> list[tuple[str | None, Any, Any]]:
    """Reason, values and answer of each record after a file of them was read."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    fields = {"body" if key == "text" else key: key for key in records[0]}
    source = JsonlSource(name="s", path=str(path), fields=fields)
    (batch,) = [batch for shard in source.shards(1 << 20) for batch in source.read(shard)]
    rows = stages()[name](**settings).map(batch).to_dicts()
    return [
        (row["_reason"], json.loads(row["_values"] or "null"), row["messages"][-1]["content"])
        for row in rows
    ]


def test_an_answer_is_a_text(tmp_path: Path) -> None:
    texts = ["[1, 2]", '{"a": 1}', '["a"]']
    records = [PLAIN | {"output": output} for output in (["a", "b"], {"k": 1}, *texts)]

    found = converted(tmp_path, records, "format.instruct")

    assert [reason for reason, _, _ in found] == ["wrong_type", "wrong_type", None, None, None]
    assert found[0][1] == {"column": "output", "found": "list"}
    assert found[1][1] == {"column": "output", "found": "object"}
    assert [answer for _, _, answer in found[2:]] == texts


@pytest.mark.parametrize("key", ["instruction", "input"])
def test_a_question_is_a_text(tmp_path: Path, key: str) -> None:
    found = converted(tmp_path, [PLAIN | {key: ["a"]}], "format.instruct")

    assert found[0][:2] == ("wrong_type", {"column": key, "found": "list"})


def test_a_prompt_and_a_completion_are_texts_or_messages(tmp_path: Path) -> None:
    answer = {"role": "assistant", "content": "a"}
    records = [
        {"conversation": "q", "completion": completion}
        for completion in ("a", "[1]", answer, [answer], ["a", "b"], {"k": 1})
    ]
    records.append({"conversation": [1], "completion": "a"})

    found = converted(tmp_path, records, "format.chat", completion="completion")

    assert [reason for reason, _, _ in found] == [None] * 4 + ["wrong_type"] * 3
    assert [values["column"] for _, values, _ in found[4:]] == ["completion"] * 2 + ["conversation"]


def test_a_worse_answer_is_a_text_or_messages() -> None:
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    rows = [
        {"messages": messages, "rejected": '["b"]', "_nested": nested}
        for nested in (["rejected"], [])
    ]

    outcome = run_stage(stages()["format.preference"](), rows)

    assert outcome.reasons == ["malformed_rejected"]
    assert outcome.rows[0]["rejected"][0]["content"] == '["b"]'


LABELS = ["1", '["1"]', ["1", 0], [], [["1"]], {"k": 1}]


def test_a_list_is_no_label(tmp_path: Path) -> None:
    records = [{"text": "好", "label": label} for label in LABELS]

    found = converted(tmp_path, records, "format.classify", text="body")

    assert [reason for reason, _, _ in found] == [None, None, *["wrong_type"] * 4]
    assert found[2][1] == {"column": "label", "found": "list"}
    assert [answer for _, _, answer in found[:2]] == ["1", '["1"]']


def test_a_list_is_several_labels(tmp_path: Path) -> None:
    records = [{"text": "好", "label": label} for label in [*LABELS, ["a,b", "c"]]]

    found = converted(tmp_path, records, "format.classify", text="body", several=",")

    reasons = [None, None, None, "missing_label", "wrong_type", "wrong_type", None]
    assert [reason for reason, _, _ in found] == reasons
    assert (found[2][2], found[-1][2]) == ("1、0", "a,b、c")


def test_a_text_to_classify_is_a_text(tmp_path: Path) -> None:
    found = converted(tmp_path, [{"text": ["好"], "label": "1"}], "format.classify", text="body")

    assert found[0][:2] == ("wrong_type", {"column": "body", "found": "list"})
