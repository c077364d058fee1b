"""From a row to the questions and answers LLaMA-Factory sees in it, or why it sees none.

What its `converter.py` does, rule by rule: a row it cannot take is dropped with a line in the log,
and what it did not think of stops the whole run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datakit.preflight.llamafactory.dataset import DatasetInfo

USER, ASSISTANT, OBSERVATION, FUNCTION = "user", "assistant", "observation", "function"


class RefusedError(Exception):
    """A row that the trainer does not take."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class DroppedError(RefusedError):
    """The trainer leaves the row out and goes on."""


class StoppedError(RefusedError):
    """The trainer ends with an error at the row; nothing is trained."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message: who speaks, and what (a text, unless the row is broken)."""

    role: str
    content: Any


@dataclass(frozen=True, slots=True)
class Aligned:
    """A row as the trainer holds it. `responses`: one answer; two for preferences and KTO."""

    prompt: tuple[Said, ...]
    responses: tuple[Said, ...]
    system: Any
    tools: Any


def align(row: Mapping[str, Any], info: DatasetInfo) -> Aligned:
    """The row by the rules of its formatting.

    Raises:
        RefusedError: it is dropped, or stops the run.
    """
    return _alpaca(row, info) if info.formatting == "alpaca" else _share_gpt(row, info)


def _alpaca(row: Mapping[str, Any], info: DatasetInfo) -> Aligned:
    prompt: list[Said] = []
    history = row.get(info.history) if info.history else None
    for pair in history if isinstance(history, list) else ():
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise StoppedError("broken_history", f"{pair!r} is no pair")
        prompt += [Said(USER, pair[0]), Said(ASSISTANT, pair[1])]
    parts = [row.get(name) for name in (info.prompt, info.query) if name]
    asked = [part for part in parts if part]
    if not all(isinstance(part, str) for part in asked):
        raise StoppedError("not_a_text", f"{info.prompt} is no text")
    prompt.append(Said(USER, "\n".join(asked)))
    return Aligned(tuple(prompt), _alpaca_answers(row, info), *_system_and_tools(row, info))


def _alpaca_answers(row: Mapping[str, Any], info: DatasetInfo) -> tuple[Said, ...]:
    if info.kto_tag and isinstance(row.get(info.kto_tag), bool):
        answer = Said(ASSISTANT, row.get(info.response) if info.response else None)
        return _labelled(answer, is_good=row[info.kto_tag])
    pair = [row.get(name) if name else None for name in (info.chosen, info.rejected)]
    if info.ranking and all(isinstance(each, str) for each in pair):
        return tuple(Said(ASSISTANT, each) for each in pair)
    answer_text = row.get(info.response) if info.response else None
    return (Said(ASSISTANT, answer_text),) if isinstance(answer_text, str) else ()


def _labelled(answer: Said, *, is_good: bool) -> tuple[Said, ...]:
    empty = Said(ASSISTANT, "")
    return (answer, empty) if is_good else (empty, answer)


def _share_gpt(row: Mapping[str, Any], info: DatasetInfo) -> Aligned:
    messages = row.get(info.messages) if info.messages else None
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise StoppedError("no_messages", f"{info.messages} is no list")
    system, tools = _system_and_tools(row, info)
    if info.system_tag and messages and messages[0].get(info.role_tag) == info.system_tag:
        system, messages = messages[0].get(info.content_tag), messages[1:]
    said = _in_turns(messages, info)
    if (len(said) % 2 == 0) if info.ranking else (len(said) % 2 != 0):
        wanted = "an odd" if info.ranking else "an even"
        raise DroppedError(
            "wrong_message_count", f"{len(said)} messages, {wanted} number is wanted"
        )
    if info.kto_tag and isinstance(row.get(info.kto_tag), bool):
        answers = said[-1:] and _labelled(said[-1], is_good=row[info.kto_tag])
        return Aligned(said[:-1], answers, system, tools)
    pair = [row.get(name) if name else None for name in (info.chosen, info.rejected)]
    if info.ranking and all(isinstance(each, Mapping) for each in pair):
        return Aligned(said, tuple(_answer(each, info) for each in pair), system, tools)
    return Aligned(said[:-1], said[-1:], system, tools)


def _in_turns(messages: Sequence[Any], info: DatasetInfo) -> tuple[Said, ...]:
    roles = _roles(info)
    accepted = ((info.user_tag, info.observation_tag), (info.assistant_tag, info.function_tag))
    said = []
    for place, message in enumerate(messages):
        tag = message.get(info.role_tag)
        if tag not in accepted[place % 2]:
            wanted = " or ".join(str(each) for each in accepted[place % 2])
            raise DroppedError(
                "wrong_role_order", f"message {place + 1} is of {tag!r}, {wanted} is wanted"
            )
        said.append(Said(roles[tag], message.get(info.content_tag)))
    return tuple(said)


def _answer(message: Any, info: DatasetInfo) -> Said:
    roles = _roles(info)
    tag = message.get(info.role_tag)
    if tag not in roles:
        raise StoppedError("unknown_role", f"{tag!r}")
    return Said(roles[tag], message.get(info.content_tag))


def _roles(info: DatasetInfo) -> dict[str | None, str]:
    return {
        info.user_tag: USER,
        info.assistant_tag: ASSISTANT,
        info.observation_tag: OBSERVATION,
        info.function_tag: FUNCTION,
        info.system_tag: "system",
    }


def _system_and_tools(row: Mapping[str, Any], info: DatasetInfo) -> tuple[Any, Any]:
    system = row.get(info.system) if info.system else ""
    return system, row.get(info.tools) if info.tools else ""
