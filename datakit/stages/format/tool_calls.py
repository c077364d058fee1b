"""Tool calls and their results, from ShareGPT's and OpenAI's forms to the form of a record.

An assistant's message carries `tool_calls`, the JSON text of OpenAI's list (`id`, `type`,
`function` with `name` and `arguments`, the latter JSON text themselves); each result is a message
of the role `tool` that names the call by `tool_call_id`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from datakit.stages.format.roles import FUNCTION_CALL


class FaultyConversationError(Exception):
    """A conversation that cannot be converted: the reason, and the values that show why."""

    def __init__(self, reason: str, **values: Any) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values


class Said(NamedTuple):
    """One message as it was found: `number` counts from 1, `role` is null if unknown."""

    number: int
    found: str | None
    role: str | None
    content: str | None
    calls: Any = None
    call_id: str | None = None
    name: str | None = None
    reasoning: str | None = None
    train: bool | None = None
    weight: float | None = None


@dataclass(slots=True)
class _Open:
    """The calls that wait for their results."""

    ids: list[str] = field(default_factory=list)
    made: int = 0
    at: int = 0


def settle_calls(messages: Sequence[Said]) -> list[Said]:
    """Bring calls and results into the form of a record; other messages stay as they are.

    Calls without an id get `call_1`, `call_2` and so on; results without one are taken in order.
    A ShareGPT call joins the assistant's message before it; one `observation` with a JSON list
    of as many items as there were calls is taken apart.

    Raises:
        FaultyConversationError: `broken_tool_call`, for calls that are no calls or results that
            do not fit them.
    """
    settled: list[Said] = []
    waiting = _Open()
    for message in messages:
        if message.role == "tool":
            settled += _take_results(message, waiting, settled)
            continue
        _all_answered(waiting, settled)
        if message.role == FUNCTION_CALL:
            message = message._replace(role="assistant", content="", calls=_share_gpt(message))
            if settled and settled[-1].role == "assistant":
                earlier = settled.pop()
                listed = orjson.loads(earlier.calls) if earlier.calls else []
                calls = [*listed, *message.calls]
                message = earlier._replace(content=earlier.content or "", calls=calls)
                waiting.made -= len(listed)
        if message.calls:
            message = _number_calls(message, waiting)
        settled.append(message)
    _all_answered(waiting, settled)
    return settled


def _all_answered(waiting: _Open, settled: Sequence[Said]) -> None:
    if waiting.ids and settled and settled[-1].role == "tool":
        raise FaultyConversationError(
            "broken_tool_call", message=waiting.at, error=f"{len(waiting.ids)} calls got no result"
        )
    waiting.ids.clear()


def _share_gpt(message: Said) -> list[Any]:
    try:
        found = orjson.loads(message.content or "")
    except orjson.JSONDecodeError as error:
        raise _broken(message, f"not JSON: {error}") from error
    return found if isinstance(found, list) else [found]


def _number_calls(message: Said, waiting: _Open) -> Said:
    if not isinstance(message.calls, list):
        raise _broken(message, "tool_calls is no list")
    calls = []
    for call in message.calls:
        waiting.made += 1
        calls.append(_whole_call(message, call, waiting.made))
    ids = [call["id"] for call in calls]
    if len(set(ids)) < len(ids):
        raise _broken(message, "two calls have the same id")
    waiting.ids, waiting.at = ids, message.number
    text = orjson.dumps(calls).decode()
    return message._replace(content=message.content or "", calls=text)


def _whole_call(message: Said, call: Any, number: int) -> dict[str, Any]:
    if not isinstance(call, dict):
        raise _broken(message, "a call is no object")
    function = call.get("function", call)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise _broken(message, "a call has no function name")
    call_id = call.get("id")
    return {
        "id": call_id if isinstance(call_id, str) and call_id else f"call_{number}",
        "type": "function",
        "function": {"name": name, "arguments": _arguments(message, function)},
    }


def _arguments(message: Said, function: dict[str, Any]) -> str:
    arguments = function.get("arguments", function.get("parameters"))
    if arguments is None or arguments == "":
        return "{}"
    text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _broken(message, f"arguments are not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise _broken(message, "arguments are no object")
    return text


def _take_results(message: Said, waiting: _Open, settled: Sequence[Said]) -> list[Said]:
    if not waiting.ids:
        speaker = next((said for said in reversed(settled) if said.role != "tool"), None)
        if speaker is not None and speaker.calls:
            raise _broken(message, "all calls have their results already")
        # Its place in the conversation is wrong, which the check of the roles reports.
        return [message]
    if message.call_id:
        if message.call_id not in waiting.ids:
            raise _broken(message, f"no open call has the id {message.call_id!r}")
        waiting.ids.remove(message.call_id)
        return [message]
    parts = _take_apart(message, len(waiting.ids))
    taken = [
        message._replace(content=part, call_id=call_id)
        for part, call_id in zip(parts, waiting.ids, strict=False)
    ]
    del waiting.ids[: len(taken)]
    return taken


def _take_apart(message: Said, calls: int) -> list[str | None]:
    content = message.content or ""
    if calls > 1 and content.lstrip().startswith("["):
        try:
            found = orjson.loads(content)
        except orjson.JSONDecodeError:
            return [content]
        if isinstance(found, list) and len(found) == calls:
            return [f if isinstance(f, str) else orjson.dumps(f).decode() for f in found]
    return [message.content]


def _broken(message: Said, error: str) -> FaultyConversationError:
    return FaultyConversationError("broken_tool_call", message=message.number, error=error)
