"""The layouts that are tried, how datakit is told to write them, and what must be in the loss."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

import datakit


class Target(NamedTuple):
    """A trainer's layout: the lines of `[output]`, the kind of its records."""

    trainer: str
    layout: str
    kind: str = "chat"
    settings: str = ""
    tools: bool = False
    one_turn: bool = False
    """Whether it has room for one question and its answer: the first ones are given."""
    flagged: bool = False
    """Whether the first of several answers is marked as one that is not learnt."""
    answers: str = "all"
    """Which answers the trainer learns: `all`, or the `last`."""
    has_loss: bool = True
    """Whether the loader tells what is learnt, or has rows only."""


TARGETS = [
    Target("llamafactory", "sharegpt", tools=True),
    Target("llamafactory", "sharegpt", tools=True, settings='container = "jsonl"'),
    Target("llamafactory", "sharegpt", flagged=True, tools=True),
    Target("llamafactory", "openai", tools=True),
    Target("llamafactory", "alpaca"),
    Target("llamafactory", "pretrain", "text"),
    Target("llamafactory", "ranking", "preference", answers="last"),
    Target("llamafactory", "kto", "feedback", answers="last"),
    Target("trl", "conversational", settings="tools = true", tools=True),
    Target("trl", "conversational", settings='container = "jsonl"'),
    Target("trl", "language_modeling", "text"),
    Target("trl", "prompt_completion", answers="last"),
    Target("trl", "preference", "preference", answers="last"),
    Target("trl", "unpaired", "feedback", answers="last"),
    Target("axolotl", "chat", settings="tools = true", tools=True),
    Target("axolotl", "chat", settings='container = "jsonl"', flagged=True),
    Target("axolotl", "completion", "text"),
    Target("axolotl", "preference", "preference", answers="last"),
    Target("axolotl", "kto", "feedback", answers="last"),
    Target("swift", "chat", tools=True),
    Target("swift", "chat", settings='container = "jsonl"', tools=True),
    Target("swift", "chat", settings="flags = true", tools=True),
    Target("swift", "chat", settings="flags = true", flagged=True, tools=True),
    Target("swift", "pretrain", "text"),
    Target("swift", "preference", "preference", answers="last"),
    Target("swift", "kto", "feedback", answers="last"),
    Target("torchtune", "chat"),
    Target("torchtune", "instruct", one_turn=True),
    Target("torchtune", "preference", "preference", answers="last"),
    Target("torchtune", "text", "text"),
    Target("nemo", "chat", tools=True),
    Target("nemo", "instruct", one_turn=True),
    Target("megatron_jsonl", "sft", settings='system = "你是医生。"'),
    Target("mds", "text", "text"),
    Target("mds", "chat"),
    Target("mds", "prompt_completion", one_turn=True),
    Target("datasets", "messages", settings="tools = true", tools=True, has_loss=False),
]

STAGES = {
    "preference": '[[stage]]\nuse = "format.preference"\n',
    "feedback": '[[stage]]\nuse = "format.feedback"\n',
    "text": '[[stage]]\nuse = "format.pretrain"\n',
    "chat": "",
}
PIPELINE = """
[pipeline]
name = "dialogues"

[[source]]
name = "all"
path = "{path}"
id = "id"
fields = {{ conversation = "messages", tools = "tools", rejected = "rejected", label = "label" }}

[[stage]]
use = "format.chat"

{stage}
[output]
path = "{output}"
format = "{trainer}"
layout = "{layout}"
{settings}
"""


NOTES = {"one_turn": "first turns", "flagged": "first answers masked"}
"""Fields of a target that the table names."""


class Written(NamedTuple):
    """An output: where, and its records in order, as they were in the input."""

    output: Path
    records: list[dict[str, Any]]
    rejected: dict[str, int]


def write(target: Target, records: list[dict[str, Any]], folder: Path) -> Written:
    """Let datakit write the records that a layout is meant for."""
    folder.mkdir(parents=True)
    path, output = folder / "input.jsonl", folder / "out"
    records = [record for record in records if fits(target, record)]
    if target.one_turn or target.flagged:
        shorten = first_turn if target.one_turn else first_answer_masked
        records = [{**record, "messages": shorten(record["messages"])} for record in records]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = PIPELINE.format(path=path, output=output, stage=STAGES[target.kind], **target._asdict())
    (folder / "pipeline.toml").write_text(text, encoding="utf-8")
    report = datakit.run(folder / "pipeline.toml", workdir=folder / "work", executor="local")
    by_id = {record["id"]: record for record in records}
    ids = [
        name
        for file in sorted((output / "_datakit" / "lineage").glob("train-*"))
        for name in pq.read_table(file, columns=["id"])["id"].to_pylist()
    ]
    reasons = {
        f"{stage} {reason}": rows
        for (_, stage), count in report.counts.by_stage().items()
        for reason, rows in count.reasons.items()
    }
    return Written(output, [by_id[name] for name in ids], reasons)


def fits(target: Target, record: dict[str, Any]) -> bool:
    """Whether the layout is meant for records like this one."""
    messages = record["messages"]
    uses_tools = "tools" in record or any(m["role"] == "tool" for m in messages)
    if uses_tools and not target.tools:
        return False
    return target.kind not in ("preference", "feedback") or bool(messages[-1]["content"])


def first_turn(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first question and its answer."""
    return [message for message in messages if message["role"] != "system"][:2]


def first_answer_masked(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages; of several answers the first is not to be learnt."""
    first, *others = [n for n, message in enumerate(messages) if message["role"] == "assistant"]
    if not others:
        return messages
    return [*messages[:first], {**messages[first], "weight": 0}, *messages[first + 1 :]]


def is_learnt(message: dict[str, Any]) -> bool:
    """Whether a message is an answer that is to be learnt."""
    return message["role"] == "assistant" and message.get("weight") != 0


def learnt(target: Target, record: dict[str, Any]) -> list[str]:
    """Texts that must be in the loss of a record: answers, names of called tools, documents."""
    if target.kind == "text":
        return [m["content"] for m in record["messages"]]
    spoken = [message for message in record["messages"] if is_learnt(message)]
    if target.answers == "last":
        spoken = spoken[-1:]
    texts = []
    for message in spoken:
        texts += [call["function"]["name"] for call in message.get("tool_calls", [])]
        texts += [message["content"]] if message["content"] else []
    if target.kind == "preference":
        texts.append(record["rejected"])
    return texts


def masked(target: Target, record: dict[str, Any]) -> list[str]:
    """Texts that must not be in the loss, if the loader has one: all but the learnt answers.

    One that an answer or a call repeats is left out: it may be there.
    """
    if target.kind == "text" or not target.has_loss:
        return []
    answers = [message for message in record["messages"] if is_learnt(message)]
    calls = json.dumps([m.get("tool_calls") for m in answers], ensure_ascii=False)
    said = "\n".join([calls, *(m["content"] for m in answers if m["content"])])
    others = [m["content"] or "" for m in record["messages"] if not is_learnt(m)]
    return [text for text in map(str.strip, others) if text and text not in said]
