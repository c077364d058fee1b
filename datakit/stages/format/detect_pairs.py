"""Dialects of preferences: a better answer and a worse one."""

from collections.abc import Mapping, Sequence
from typing import Any

from datakit.stages.format.detect_fields import (
    MOST_OF,
    QUESTIONS,
    are_dialogues,
    brought,
    first_of,
    sample_of,
)
from datakit.stages.format.detected import Detected, Settings
from datakit.stages.format.dialects import kind_of
from datakit.stages.format.roles import KNOWN, fold


def open_ai_pairs(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    """OpenAI's own form: the conversation lies in the object `input`."""
    better, worse = "preferred_output", "non_preferred_output"
    inputs = [record.get("input") for record in records]
    asked = [value for value in inputs if isinstance(value, dict) and value.get("messages")]
    if not {better, worse} <= have or len(asked) <= MOST_OF * len(records):
        return None
    fields = {"conversation": "input.messages", better: better, worse: worse}
    if any("tools" in value for value in asked):
        fields["tools"] = "input.tools"
    return Detected(
        "preferences: OpenAI's form, a conversation with a better and a worse answer",
        fields,
        [("format.chat", {"completion": better}), ("format.preference", {"field": worse})],
    )


def pairs(have: set[str], records: Sequence[Mapping[str, Any]]) -> Detected | None:
    """`chosen` and `rejected`: answers to a question, or each a whole dialogue."""
    if not {"chosen", "rejected"} <= have:
        return None
    preference = ("format.preference", Settings())
    question, chosen = first_of(QUESTIONS, have), sample_of(records, "chosen")
    speaker = first_speaker(chosen)
    if question and speaker is None and are_dialogues(question, records):
        return Detected(
            f"preferences: dialogues in {question!r}, with a better and a worse answer",
            {"conversation": question, "chosen": "chosen", "rejected": "rejected"}
            | brought(records, "system"),
            [("format.chat", {"completion": "chosen"}), preference],
        )
    if question and speaker is None:
        fields, settings = instruction(question, "chosen", records)
        return Detected(
            f"preferences: {question!r} with a better and a worse answer",
            {**fields, "rejected": "rejected"},
            [("format.instruct", settings), preference],
        )
    if question and speaker == "assistant":
        return Detected(
            f"preferences: {question!r} with a better and a worse answer, as messages",
            {"conversation": question, "chosen": "chosen", "rejected": "rejected"}
            | brought(records, "tools", "system"),
            [("format.chat", {"completion": "chosen"}), preference],
        )
    return Detected(
        f"preferences: two whole dialogues ({kind_of(chosen)}s)",
        {"conversation": "chosen", "rejected": "rejected"} | brought(records, "tools", "system"),
        [("format.chat", Settings()), preference],
    )


def first_speaker(value: Any) -> str | None:
    """The role of the first of some messages, or its name if unknown; None for anything else."""
    first = value[0] if isinstance(value, list) and value else value
    speaker = first.get("role", first.get("from")) if isinstance(first, dict) else None
    return KNOWN.get(fold(speaker), speaker) if isinstance(speaker, str) else None


def instruction(
    question: str, answer: str, records: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, str], Settings]:
    """The fields and settings of `format.instruct`, for an answer `chosen` or any other."""
    is_pair = answer == "chosen"
    fields = {"instruction": question, "chosen" if is_pair else "output": answer}
    fields |= brought(records, "history", "system", "tools")
    if question == "instruction" or (is_pair and question != "input"):
        fields |= brought(records, "input")
    named = {"output": "chosen" if is_pair else "", "history": "history", "system_field": "system"}
    return fields, {setting: name for setting, name in named.items() if name in fields}
