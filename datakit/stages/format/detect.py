"""Which dialect a data set is written in, as its records tell, and the stages that read it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from datakit.stages.format.dialects import WRAPPERS, kind_of
from datakit.stages.format.roles import KNOWN, fold, prefix_pattern

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
TEXTS = ("text", "content", "sentence", "review")
CLASSES = ("label", "category", "class", "tag", "标签")
TOKENS, TAGS = ("tokens", "words"), ("tags", "ner_tags", "labels")
LABEL_CHARS = 30
"""Longer ones are no labels but texts."""
JUDGED = ("kto_tag", "label")
JUDGEMENTS = frozenset({"true", "false", "1", "0", "good", "bad", "yes", "no"})

TAGGED_LINES = re.compile(r"(?:\S+[\t ]+(?:O|[BIESM]-\S+)(?:\n|\Z)|\s*\n)+")
"""CoNLL's form: a token and its tag a line, blank lines between sentences."""

Settings = dict[str, str]


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found: a sentence that says why, the fields to map, the stages to use; and what
    else the reader must be told.
    """

    what: str
    fields: dict[str, str]
    stages: list[tuple[str, Settings]]
    source: Mapping[str, str | list[str]] = field(default_factory=dict)

    def toml(self) -> str:
        """The lines for a pipeline file."""
        lines = [f"{key} = {_quoted(value)}" for key, value in self.source.items()]
        if self.fields:
            members = ", ".join(f"{_key(k)} = {_quoted(v)}" for k, v in self.fields.items())
            lines.append(f"fields = {{ {members} }}")
        for name, settings in self.stages:
            lines += ["", "[[stage]]", f"use = {_quoted(name)}"]
            lines += [f"{key} = {_quoted(value)}" for key, value in settings.items()]
        return "\n".join(lines) + "\n"


def detect(records: Sequence[Mapping[str, Any]]) -> Detected | None:
    """What the records are; None if nothing that is known."""
    counts = Counter(key for record in records for key, value in record.items() if _says(value))
    have = {key for key, count in counts.items() if count > MOST_OF * len(records)}
    tried = (_chat, _pairs, _instructions, _tagged, _classified, _dialogue, _blocks, _documents)
    return next((found for read in tried if (found := read(have, records))), None)


def _says(value: Any) -> bool:
    return value is not None and value not in ("", [])


def _first(names: Sequence[str], have: set[str]) -> str | None:
    return next((name for name in names if name in have), None)


def _judged(have: set[str], records: Sequence[Mapping[str, Any]]) -> str | None:
    """The column with a judgement of each answer: nothing but true and false, or the like."""
    for name in JUDGED:
        if name in have and all(
            str(record[name]).strip().lower() in JUDGEMENTS for record in records if name in record
        ):
            return name
    return None


def _sample(records: Sequence[Mapping[str, Any]], name: str) -> Any:
    value = next((record[name] for record in records if _says(record.get(name))), None)
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _chat(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    names = [*WRAPPERS, "prompt"] if "completion" in have or "chosen" in have else [*WRAPPERS]
    if not (name := _first(names, have)):
        return None
    value = _sample(records, name)
    if not isinstance(value, list) or not value or (name == "history" and "query" in have):
        return None
    fields, settings = {"conversation": name}, Settings()
    then = _first(("completion", "chosen"), have)
    if then:
        fields[then], settings["completion"] = then, then
    keys = {key for record in records for key in record}
    fields |= {extra: extra for extra in ("tools", "system") if extra in keys}
    what, stages = f"{_form(value)} in {name!r}", [("format.chat", settings)]
    if other := _first(("rejected", "rejected_response"), have):
        fields[other] = other
        stages.append(("format.preference", {"field": other}))
        what += f", with a worse answer in {other!r}"
    elif judged := _judged(have, records):
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


def _pairs(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    if not {"chosen", "rejected"} <= have:
        return None
    preference = ("format.preference", Settings())
    if question := _first(QUESTIONS, have):
        fields = {"instruction": question, "chosen": "chosen", "rejected": "rejected"}
        if "input" in have and question != "input":
            fields["input"] = "input"
        return Detected(
            f"preferences: {question!r} with a better and a worse answer",
            fields,
            [("format.instruct", {"output": "chosen"}), preference],
        )
    return Detected(
        f"preferences: two whole dialogues ({kind_of(_sample(records, 'chosen'))}s)",
        {"conversation": "chosen", "rejected": "rejected"},
        [("format.chat", Settings()), preference],
    )


def _instructions(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    question, answer = _first(QUESTIONS, have), _first(ANSWERS, have)
    if not question or not answer:
        return None
    fields, settings = {"instruction": question, "output": answer}, Settings()
    keys = {key for record in records for key in record}
    if question == "instruction" and "input" in keys:
        fields["input"] = "input"
    if "history" in keys:
        fields["history"], settings["history"] = "history", "history"
    if "system" in keys:
        fields["system"], settings["system_field"] = "system", "system"
    stages = [("format.instruct", settings)]
    what = f"instructions: {question!r} and {answer!r}"
    if judged := _judged(have, records):
        fields[judged] = judged
        stages.append(("format.feedback", {"field": judged}))
        what += f", each judged in {judged!r}"
    return Detected(what, fields, stages)


def _tagged(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    tokens, tags = _first(TOKENS, have), _first(TAGS, have)
    if tokens and tags and isinstance(_sample(records, tags), list):
        fields = {"tokens": tokens, "tags": tags}
        settings = {"tokens": "tokens", "tags": "tags"}
        what = f"sequences with tags: {tokens!r} and {tags!r}"
        return Detected(what, fields, [("format.tagging", settings)])
    return None


def _classified(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:  # noqa: ARG001
    text, label = _first(TEXTS, have), _first(CLASSES, have)
    if text and label:
        fields = {"body": text, "label": label}
        what = f"classification: {text!r} with its label in {label!r}"
        return Detected(what, fields, [("format.classify", {"text": "body"})])
    return None


def _dialogue(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    name = _first((*WRAPPERS, *TEXTS), have)
    speaker = re.compile(rf"(?im)^[ \t\u3000]*{prefix_pattern(KNOWN)}")
    values = [record.get(name) for record in records] if name else []
    spoken = [v for v in values if isinstance(v, str) and len(speaker.findall(v)) > 1]
    if name and len(spoken) > MOST_OF * len(records):
        what = f"dialogues in plain text: speakers begin the lines of {name!r}"
        return Detected(what, {"conversation": name}, [("format.chat", Settings())])
    return None


def _blocks(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    name = _first(TEXTS, have)
    values = [record.get(name) for record in records] if name else []
    tagged = [v for v in values if isinstance(v, str) and TAGGED_LINES.fullmatch(v)]
    if name and len(tagged) > MOST_OF * len(records):
        what = f"sequences with tags, a token and its tag a line of {name!r}"
        told: dict[str, str | list[str]] = {"split": "blank_lines", "text": name}
        return Detected(what, {}, [("format.tagging", {})], told)
    return None


def _documents(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:  # noqa: ARG001
    if name := _first(TEXTS, have):
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


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: str | list[str]) -> str:
    return orjson.dumps(value).decode()
