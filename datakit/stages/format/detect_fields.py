"""The fields that records of the known dialects have, and how they are told."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from datakit.stages.format.roles import KNOWN, prefix_pattern

MOST_OF = 0.5
"""A field counts if more than this share of the records has it."""
QUESTIONS = (
    "instruction",
    "question",
    "query",
    "prompt",
    "input",
    "ask",
    "问题",
    "problem",
    "title",
)
ANSWERS = ("output", "answer", "response", "completion", "target", "答案", "回答", "reply")
WORSE = ("rejected", "rejected_response", "rejected_messages")
TEXTS = ("text", "content", "sentence", "review")
CLASSES = ("label", "category", "class", "tag", "标签")
TOKENS, TAGS = ("tokens", "words"), ("tags", "ner_tags", "labels")
LABEL_CHARS = 30
"""Longer ones are no labels but texts."""
JUDGED = ("kto_tag", "label")
JUDGEMENTS = frozenset({"true", "false", "1", "0", "good", "bad", "yes", "no"})


def has_value(value: Any) -> bool:
    """Whether a field holds more than null, an empty text or an empty list."""
    return value is not None and value not in ("", [])


def first_of(names: Sequence[str], have: set[str]) -> str | None:
    """The first of the names that there is."""
    return next((name for name in names if name in have), None)


def find_judged(have: set[str], records: Sequence[Mapping[str, Any]]) -> str | None:
    """The column with a judgement of each answer: nothing but true and false, or the like."""
    for name in JUDGED:
        if name in have and all(
            str(record[name]).strip().lower() in JUDGEMENTS
            for record in records
            if record.get(name) is not None
        ):
            return name
    return None


def sample_of(records: Sequence[Mapping[str, Any]], name: str) -> Any:
    """The first value of a field; JSON text of a list or an object is read."""
    value = next((record[name] for record in records if has_value(record.get(name))), None)
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def are_dialogues(name: str, records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether most records have a text in this field with lines that begin with a speaker."""
    speaker = re.compile(rf"(?im)^[ \t\u3000]*{prefix_pattern(KNOWN)}")
    values = [record.get(name) for record in records]
    spoken = [v for v in values if isinstance(v, str) and len(speaker.findall(v)) > 1]
    return len(spoken) > MOST_OF * len(records)


def brought(records: Sequence[Mapping[str, Any]], *names: str) -> dict[str, str]:
    """Of these fields, which any record may have, those that there are."""
    keys = {key for record in records for key in record}
    return {name: name for name in names if name in keys}
