"""Dialects are told by their records, and what is printed reads them."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import datakit.api
from datakit.errors import UsageError
from datakit.registry import stages
from datakit.stages.format.detect import detect
from datakit.stages.ingest.jsonl import JsonlSource
from datakit.testing import run_stage

CHAT = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
OTHER = [CHAT[0], {"role": "assistant", "content": "c"}]
TOOLS = [{"type": "function", "function": {"name": "f"}}]
SHARE = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
CASES: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"messages": CHAT, "tools": []}, "OpenAI", ["format.chat"]),
    ({"conversations": SHARE, "system": "s"}, "ShareGPT", ["format.chat"]),
    ({"dialog": ["患者：a", "医生：b"]}, "texts", ["format.chat"]),
    ({"instruction": "a", "input": "", "output": "b"}, "instructions", ["format.instruct"]),
    ({"query": "a", "response": "b", "history": [["c", "d"]]}, "query", ["format.instruct"]),
    ({"prompt": "a", "completion": "b"}, "prompt", ["format.instruct"]),
    (
        {"prompt": "a", "completion": "b", "label": True},
        "judged",
        ["format.instruct", "format.feedback"],
    ),
    (
        {"prompt": CHAT[:1], "completion": CHAT[1:], "label": False},
        "OpenAI",
        ["format.chat", "format.feedback"],
    ),
    (
        {"conversations": SHARE[:1], "chosen": SHARE[1], "rejected": {"from": "gpt", "value": "c"}},
        "worse answer",
        ["format.chat", "format.preference"],
    ),
    (
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        "preferences",
        ["format.instruct", "format.preference"],
    ),
    (
        {"chosen": "Human: a\n\nAssistant: b", "rejected": "Human: a\n\nAssistant: c"},
        "two whole dialogues",
        ["format.chat", "format.preference"],
    ),
    (
        {"messages": CHAT, "rejected_response": "c"},
        "worse answer",
        ["format.chat", "format.preference"],
    ),
    (
        {"messages": CHAT, "rejected_messages": OTHER},
        "worse answer",
        ["format.chat", "format.preference"],
    ),
    (
        {"prompt": "a", "chosen": CHAT, "rejected": OTHER, "messages": CHAT},
        "two whole dialogues (lists)",
        ["format.chat", "format.preference"],
    ),
    (
        {"prompt": "a", "chosen": CHAT[1:], "rejected": OTHER[1:]},
        "'prompt' with a better and a worse answer, as messages",
        ["format.chat", "format.preference"],
    ),
    (
        {"prompt": "Human: a\n\nAssistant:", "chosen": "b", "rejected": "c"},
        "dialogues in 'prompt', with a better",
        ["format.chat", "format.preference"],
    ),
    (
        {"prompt": "a", "chosen": "[1, 2]", "rejected": "c"},
        "'prompt' with a better",
        ["format.instruct", "format.preference"],
    ),
    (
        {
            "input": {"messages": CHAT[:1], "tools": TOOLS},
            "preferred_output": CHAT[1:],
            "non_preferred_output": OTHER[1:],
        },
        "OpenAI's form",
        ["format.chat", "format.preference"],
    ),
    ({"conversations": SHARE, "kto_tag": True}, "judged", ["format.chat", "format.feedback"]),
    ({"text": "a", "label": "b"}, "classification", ["format.classify"]),
    ({"words": ["a"], "tags": ["B-X"]}, "tags", ["format.tagging"]),
    ({"text": "来访者：a\n心理咨询师：b"}, "plain text", ["format.chat"]),
]


@pytest.mark.parametrize(("record", "words", "names"), CASES, ids=lambda value: str(value)[:30])
def test_what_is_detected_is_read(record: dict[str, Any], words: str, names: list[str]) -> None:
    found = detect([record])

    assert found is not None
    assert words in found.what
    lines = tomllib.loads(found.toml())
    assert [stage["use"] for stage in lines["stage"]] == names
    rows = [{column: as_text(member(record, path)) for column, path in found.fields.items()}]
    for settings in lines["stage"]:
        stage = stages()[settings.pop("use")](**settings)
        outcome = run_stage(stage, rows)
        assert outcome.reasons == []
        rows = [{k: v for k, v in row.items() if k[0] != "_"} for row in outcome.rows]
    assert rows[0]["messages"][-1]["role"] == "assistant"


def member(record: dict[str, Any], path: str) -> Any:
    head, _, rest = path.partition(".")
    return member(record[head], rest) if rest else record.get(head)


def as_text(value: Any) -> str | None:
    """A field as a source gives it."""
    return value if isinstance(value, str | None) else json.dumps(value)


ALPACA = {"instruction": "a", "input": "b", "system": "s", "history": [["q", "r"]], "tools": TOOLS}


@pytest.mark.parametrize(
    "answers", [{"output": "c"}, {"chosen": "c", "rejected": "d"}], ids=["answer", "pair"]
)
def test_nothing_of_an_alpaca_record_is_lost(answers: dict[str, str]) -> None:
    found = detect([ALPACA | answers])

    assert found is not None
    assert set(found.fields.values()) == {*ALPACA, *answers}
    rows = [{name: as_text(record) for name, record in (ALPACA | answers).items()}]
    (row,) = run_stage(stages()["format.instruct"](**found.stages[0][1]), rows).rows
    assert [m["content"] for m in row["messages"]] == ["s", "q", "r", "a\nb", "c"]


def test_a_judgement_may_be_missing() -> None:
    records = [{"prompt": "a", "completion": "b", "label": label} for label in (True, None, False)]

    found = detect(records)

    assert found is not None
    assert [name for name, _ in found.stages] == ["format.instruct", "format.feedback"]


def test_openai_s_pairs_are_read_as_proposed(tmp_path: Path) -> None:
    record = {
        "input": {"messages": CHAT[:1], "tools": TOOLS, "parallel_tool_calls": True},
        "preferred_output": CHAT[1:],
        "non_preferred_output": OTHER[1:],
    }
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record), encoding="utf-8")

    found = datakit.api.detect(path)

    source = JsonlSource(name="s", path=str(path), fields=found.fields)
    (batch,) = [batch for shard in source.shards(1 << 20) for batch in source.read(shard)]
    for name, settings in found.stages:
        batch = stages()[name](**settings).map(batch)
        assert batch["_reason"].to_list() == [None]
    assert json.loads(batch["tools"][0]) == TOOLS
    assert batch["rejected"][0][0]["content"] == "c"


def test_why_a_file_is_not_known_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1\nnonsense\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"no record could be read; 2 .* first: malformed_json"):
        datakit.api.detect(path)
    path.write_text('{"a": 1}\nnonsense\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"fields \['a'\]; 1 of its lines"):
        datakit.api.detect(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="no record"):
        datakit.api.detect(path)


def test_documents_and_what_is_unknown() -> None:
    documents = detect([{"text": "no speaker here"}])

    assert documents is not None
    assert documents.what.startswith("documents")
    assert detect([{"n": 1}]) is None


def test_a_file_is_read_by_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("question,answer\n头痛,休息\n", encoding="utf-8")

    assert datakit.api.detect(path).fields == {"instruction": "question", "output": "answer"}
    for wrong in (tmp_path / "a.unknown", tmp_path / "gone.jsonl"):
        with pytest.raises(UsageError):
            datakit.api.detect(wrong)
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\['a', 'b'\]"):
        datakit.api.detect(path)


def test_a_table_without_names_of_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("".join(f"这家店好{n}\t{n % 2}\n" for n in range(9)), encoding="utf-8")

    found = datakit.api.detect(path)
    assert tomllib.loads(found.toml())["columns"] == ["text", "label"]
    assert [name for name, _ in found.stages] == ["format.classify"]
    path.write_text("".join(f"{n}\t{n + 10}\n" for n in range(9)), encoding="utf-8")
    with pytest.raises(UsageError):
        datakit.api.detect(path)


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        ("患者：头痛\n医生：休息\n患者：谢谢\n医生：好", "format.chat", "dialogues"),
        ("阿\tB-DRUG\n司\tI-DRUG\n\n头 O\n痛 O\n", "format.tagging", "sequences"),
    ],
)
def test_plain_text_with_a_form(text: str, name: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")

    found = datakit.api.detect(path)
    assert found.what.startswith(what)
    assert [stage for stage, _ in found.stages] == [name]
    path.write_text("神农本草经，上品。\n第二行。", encoding="utf-8")
    assert tomllib.loads(datakit.api.detect(path).toml()) == {"text": "text"}
