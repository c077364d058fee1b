"""What a benchmark asks: question, options and answer of each of its items."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from datakit.errors import DatakitError
from datakit.records import ID, joined_content
from datakit.stage import Source
from datakit.stages.filter.benchmark_files import Row, find_benchmark_files, read_rows

Fields: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""Names of fields by part: `question`, `options`, `answer`."""

SHARD_BYTES = 64 << 20
PARTS = ("question", "options", "answer")

# Names under which published benchmarks keep them, in any case; the first that is there is taken.
_KNOWN = {
    "question": ("question", "query", "problem", "stem", "prompt", "instruction", "input", "题目",
                 "题干", "问题", "sentence", "ctx", "text", "content"),
    "options": ("options", "choices", "option", "choice", "endings", "选项"),
    "answer": ("answer", "answers", "output", "response", "solution", "target", "completion",
               "best_answer", "correct_answer", "答案", "解析"),
}  # fmt: skip
_OPTION_COLUMN = re.compile(
    r"[a-h]|(?:choice|option|ending|answer|ans|op|sol)[_ ]?(?:\d|[a-h])", re.IGNORECASE
)
_OPTION_LABEL = re.compile(r"^\s*[(（]?[A-Ha-h][)）.．、:：]\s*")
# An answer that only points at an option is no text to look for.
_POINTER = re.compile(r"\s*(?:[A-H]{1,8}|\d{1,2})\s*")


@dataclass(frozen=True, slots=True)
class Item:
    """One test item; `place` is `<file>:<ordinal>`. An answer that is only the letter or number
    of an option is empty here.
    """

    benchmark: str
    place: str
    question: str
    options: tuple[str, ...] = ()
    answer: str = ""


def read_items(benchmark: str, path: Path, fields: Fields) -> Iterator[Item]:
    """The items of a benchmark's files that have a question.

    Raises:
        DatakitError: a file cannot be read, or has no field for the question.
    """
    names = [name for part in fields.values() for name in _names(part)]
    has_header = not names or not all(name.isdigit() for name in names)
    for file in find_benchmark_files(path):
        for row in read_rows(file, has_header=has_header):
            item = _make_item(benchmark, row, fields)
            if item.question.strip():
                yield item


def read_source_items(source: Source) -> Iterator[Item]:
    """The records of a source as items: a document is a question; of a conversation what the user
    says is the question, what the assistant says the answer.
    """
    for shard in source.shards(SHARD_BYTES):
        for batch in source.read(shard):
            questions = joined_content(batch, roles=("user",)).fill_null("")
            answers = joined_content(batch, roles=("assistant",)).fill_null("")
            for place, question, answer in zip(batch[ID], questions, answers, strict=True):
                if question.strip():
                    has_answer = answer != question and not _POINTER.fullmatch(answer)
                    yield Item(source.name, place, question, (), answer if has_answer else "")


def _make_item(benchmark: str, row: Row, fields: Fields) -> Item:
    found = {part: _texts(row, part, fields) for part in PARTS}
    if found["question"] is None:
        named = fields.get("question", _KNOWN["question"])
        raise DatakitError(
            f"filter.decontaminate: benchmark {benchmark!r}, {row.place} has no field for the "
            f"question ({', '.join(_names(named))}); fields there: {', '.join(row.fields)}; "
            f'say fields = {{ {benchmark} = {{ question = "..." }} }}'
        )
    answer = "\n".join(found["answer"] or ())
    return Item(
        benchmark,
        row.place,
        question="\n".join(found["question"]),
        options=tuple(_OPTION_LABEL.sub("", text) for text in found["options"] or ()),
        answer="" if _POINTER.fullmatch(answer) else answer,
    )


def _texts(row: Row, part: str, fields: Fields) -> list[str] | None:
    """The texts of a part of an item; None where it has no such field."""
    content = row.fields
    if part in fields:
        values = [_get(content, name) for name in _names(fields[part])]
        return None if all(v is None for v in values) else [t for v in values for t in _flat(v)]
    lower = {name.lower(): value for name, value in reversed(list(content.items()))}
    for name in _KNOWN[part]:
        if (value := lower.get(name)) is not None and _is_part(value, part):
            return [text for text in _flat(value) if text.strip()]
    if part != "options":
        return None
    question = lower.get("question")
    if isinstance(question, Mapping) and "choices" in question:
        return _flat(question["choices"])
    return [t for name, v in content.items() if _OPTION_COLUMN.fullmatch(name) for t in _flat(v)]


def _is_part(value: Any, part: str) -> bool:
    return part != "question" or isinstance(value, str | Mapping)


def _flat(value: Any) -> list[str]:
    """The texts in a value: of a list its entries, of an object its text or its values."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        known = next((value[k] for k in ("stem", "text", "value", "content") if value.get(k)), None)
        return _flat(list(value.values()) if known is None else known)
    if isinstance(value, str):
        return value.split("\n") if _OPTION_LABEL.match(value) else [value]
    if isinstance(value, Sequence):
        return [text for entry in value for text in _flat(entry)]
    return [str(value)]


def _get(content: Mapping[str, Any], name: str) -> Any:
    """A field by name, or by a dotted path through objects."""
    if name in content:
        return content[name]
    head, _, rest = name.partition(".")
    inner = content.get(head)
    return _get(inner, rest) if rest and isinstance(inner, Mapping) else None


def _names(part: str | tuple[str, ...]) -> tuple[str, ...]:
    return (part,) if isinstance(part, str) else tuple(part)
