"""Which dialect a data set is written in, as its records tell, and the stages that read it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from datakit.stages.format.detect_fields import (
    ANSWERS,
    CLASSES,
    LABEL_CHARS,
    MOST_OF,
    QUESTIONS,
    TAGS,
    TEXTS,
    TOKENS,
    WORSE,
    are_dialogues,
    brought,
    find_judged,
    first_of,
    has_value,
    sample_of,
)
from datakit.stages.format.detect_pairs import first_speaker, instruction, open_ai_pairs, pairs
from datakit.stages.format.detected import Detected, Settings
from datakit.stages.format.dialects import WRAPPERS, kind_of
from datakit.stages.format.roles import KNOWN, fold

TAGGED_LINES = re.compile(r"(?:\S+[\t ]+(?:O|[BIESM]-\S+)(?:\n|\Z)|\s*\n)+")
"""CoNLL's form: a token and its tag a line, blank lines between sentences."""


def detect(records: Sequence[Mapping[str, Any]]) -> Detected | None:
    """What the records are; None if nothing that is known."""
    counts = Counter(key for record in records for key, value in record.items() if has_value(value))
    have = {key for key, count in counts.items() if count > MOST_OF * len(records)}
    tried = (
        *(open_ai_pairs, _chat, pairs, _instructions),
        *(_tagged, _classified, _dialogue, _blocks, _documents),
    )
    return next((found for read in tried if (found := read(have, records))), None)


def _chat(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    names = [*WRAPPERS, "prompt"] if "completion" in have or "chosen" in have else [*WRAPPERS]
    if not (name := first_of(names, have)):
        return None
    value = sample_of(records, name)
    if (
        not isinstance(value, list)
        or not value
        or (name == "history" and first_of(QUESTIONS, have))
    ):
        return None
    fields, settings = {"conversation": name}, Settings()
    if then := first_of(("completion", "chosen"), have):
        if first_speaker(sample_of(records, then)) not in (None, "assistant"):
            return None
        fields[then], settings["completion"] = then, then
    fields |= brought(records, "tools", "system")
    what, stages = f"{_form(value)} in {name!r}", [("format.chat", settings)]
    if other := first_of(WORSE, have):
        fields[other] = other
        stages.append(("format.preference", {"field": other}))
        what += f", with a worse answer in {other!r}"
    elif judged := find_judged(have, records):
        fields[judged] = judged
        stages.append(("format.feedback", {"field": judged}))
        what += f", each judged in {judged!r}"
    return Detected(f"conversations: {what}", fields, stages)


def _form(value: list[Any]) -> str:
    kinds = {kind_of(item) for item in value}
    first = value[0]
    if kinds == {"object"}:
        if "role" in first:
            return "OpenAI's role and content"
        if "from" in first:
            return "ShareGPT's from and value"
        is_known = all(fold(key) in KNOWN for key in first)
        return "messages whose key is the speaker" if is_known else "objects of another form"
    return {"list": "pairs of question and answer", "string": "texts"}.get(kind_of(first), "a list")


def _instructions(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    question, answer = first_of(QUESTIONS, have), first_of(ANSWERS, have)
    if not question or not answer:
        return None
    fields, settings = instruction(question, answer, records)
    stages = [("format.instruct", settings)]
    what = f"instructions: {question!r} and {answer!r}"
    if judged := find_judged(have, records):
        fields[judged] = judged
        stages.append(("format.feedback", {"field": judged}))
        what += f", each judged in {judged!r}"
    return Detected(what, fields, stages)


def _tagged(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    tokens, tags = first_of(TOKENS, have), first_of(TAGS, have)
    if tokens and tags and isinstance(sample_of(records, tags), list):
        fields = {"tokens": tokens, "tags": tags}
        settings = {"tokens": "tokens", "tags": "tags"}
        what = f"sequences with tags: {tokens!r} and {tags!r}"
        return Detected(what, fields, [("format.tagging", settings)])
    return None


def _classified(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:  # noqa: ARG001
    text, label = first_of(TEXTS, have), first_of(CLASSES, have)
    if text and label:
        fields = {"body": text, "label": label}
        what = f"classification: {text!r} with its label in {label!r}"
        return Detected(what, fields, [("format.classify", {"text": "body"})])
    return None


def _dialogue(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    name = first_of((*WRAPPERS, *TEXTS), have)
    if name and are_dialogues(name, records):
        what = f"dialogues in plain text: speakers begin the lines of {name!r}"
        return Detected(what, {"conversation": name}, [("format.chat", Settings())])
    return None


def _blocks(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    name = first_of(TEXTS, have)
    values = [record.get(name) for record in records] if name else []
    tagged = [v for v in values if isinstance(v, str) and TAGGED_LINES.fullmatch(v)]
    if name and len(tagged) > MOST_OF * len(records):
        what = f"sequences with tags, a token and its tag a line of {name!r}"
        told: dict[str, str | list[str]] = {"split": "blank_lines", "text": name}
        return Detected(what, {}, [("format.tagging", {})], told)
    return None


def _documents(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:  # noqa: ARG001
    if name := first_of(TEXTS, have):
        return Detected(f"documents: {name!r}", {}, [], {"text": name})
    return None


def labelled_columns(rows: Sequence[Sequence[str]]) -> list[str] | None:
    """Names for two columns of which one is a label: it has few values, each of them short, and
    the other is longer. The rows are those behind the first.
    """
    if not rows:
        return None
    for label, names in ((1, [TEXTS[0], CLASSES[0]]), (0, [CLASSES[0], TEXTS[0]])):
        values = [row[label] for row in rows]
        longest = max(map(len, values))
        is_shorter = longest < max(len(row[1 - label]) for row in rows)
        if longest <= LABEL_CHARS and is_shorter and len(set(values)) <= max(2, len(rows) // 5):
            return names
    return None
