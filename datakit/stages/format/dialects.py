"""The forms in which data sets keep a conversation, read one record at a time.

The obvious way, and the only one that can say what is wrong with a record. `decode.py` reads the
common forms faster, a column at a time, and comes here with what it is not sure of; both give the
same messages for every record that the fast way accepts.
"""

import re
from typing import Any

import orjson

from datakit.stages.format.flags import read_extras
from datakit.stages.format.roles import FUNCTION_CALL, Names, fold
from datakit.stages.format.tool_calls import FaultyConversationError, Said, settle_calls

DIALECTS = ("auto", "sharegpt", "openai", "history", "prefixed")

WRAPPERS = (
    *("messages", "conversations", "conversation", "dialog", "dialogue"),
    *("dialogs", "dialogues", "history", "turns"),
)
"""Members of an object that may hold the conversation, in the order they are tried."""


def read_conversation(
    text: str, names: Names, *, dialect: str, prefix: re.Pattern[str]
) -> list[Said]:
    """The messages in a JSON text.

    Raises:
        FaultyConversationError: with `malformed_conversation`, `wrong_type`,
            `empty_conversation`, `unknown_role` or `broken_tool_call`.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise FaultyConversationError("malformed_conversation", error=str(error)) from error
    system, items = _unwrap(value)
    if not items:
        raise FaultyConversationError("empty_conversation")
    said = _read_items(items, names, dialect=dialect, prefix=prefix)
    if system:
        said.insert(0, Said(0, "system", "system", system))
    if any(message.calls or message.role in (FUNCTION_CALL, "tool") for message in said):
        return settle_calls(said)
    return said


def _unwrap(value: Any) -> tuple[str | None, list[Any]]:
    system = None
    if isinstance(value, dict):
        inner = next((value[key] for key in WRAPPERS if key in value), None)
        system, value = value.get("system"), inner
        if not isinstance(inner, list):
            raise FaultyConversationError("malformed_conversation", error="no list of messages")
    if not isinstance(value, list):
        raise FaultyConversationError("malformed_conversation", error=f"found {kind_of(value)}")
    return (system if isinstance(system, str) and system.strip() else None), value


def _read_items(
    items: list[Any], names: Names, *, dialect: str, prefix: re.Pattern[str]
) -> list[Said]:
    kinds = {kind_of(item) for item in items}
    if len(kinds) > 1:
        raise FaultyConversationError("malformed_conversation", error=f"a list of {sorted(kinds)}")
    kind = kinds.pop()
    allowed = {"object": ("auto", "sharegpt", "openai"), "list": ("auto", "history")}
    if dialect not in allowed.get(kind, ("auto", "prefixed")):
        raise FaultyConversationError("malformed_conversation", expected=dialect, found=f"{kind}s")
    if kind == "object":
        return _read_objects(items, names, dialect)
    if kind == "list":
        return _read_history(items)
    if kind == "string":
        return read_utterances(items, names, prefix)
    raise FaultyConversationError("malformed_conversation", error=f"a list of {kind}s")


def _read_objects(items: list[dict[str, Any]], names: Names, dialect: str) -> list[Said]:
    said: list[Said] = []
    for number, item in enumerate(items, 1):
        if dialect == "sharegpt" or (dialect == "auto" and "from" in item and "role" not in item):
            said.append(
                _message(number, item, names, found=item.get("from"), content=item.get("value"))
            )
        elif dialect == "openai" or "role" in item:
            said.append(
                _message(number, item, names, found=item.get("role"), content=item.get("content"))
            )
        else:
            said += _speaker_keys(number, item, names)
    return said


def _message(number: int, item: dict[str, Any], names: Names, *, found: Any, content: Any) -> Said:
    if not isinstance(found, str | None):
        raise FaultyConversationError("wrong_type", message=number, role=kind_of(found))
    role = names.get(fold(found)) if found else None
    calls = _calls(number, item) if role == "assistant" else None
    call_id, name = item.get("tool_call_id") or None, item.get("name") or None
    return Said(
        number,
        found,
        role,
        _text(number, content),
        calls,
        call_id if isinstance(call_id, str) else None,
        name if isinstance(name, str) else None,
        *read_extras(number, item),
    )


def _calls(number: int, item: dict[str, Any]) -> Any:
    """OpenAI's calls: a list, the JSON text of one, or the single call of its older form."""
    calls = item.get("tool_calls") or None
    if isinstance(calls, str):
        try:
            return orjson.loads(calls) or None
        except orjson.JSONDecodeError as error:
            raise FaultyConversationError(
                "broken_tool_call", message=number, error=f"tool_calls are not JSON: {error}"
            ) from error
    if calls is None and isinstance(item.get("function_call"), dict):
        return [item["function_call"]]
    return calls


def _text(number: int, content: Any) -> str | None:
    if isinstance(content, str | None):
        return content
    parts = content if isinstance(content, list) else []
    texts = [
        part["text"]
        for part in parts
        if isinstance(part, dict)
        and part.get("type") == "text"
        and isinstance(part.get("text"), str)
    ]
    if parts and len(texts) == len(parts):
        return "".join(texts)
    kinds = [part.get("type") for part in parts if isinstance(part, dict)]
    found = next((kind for kind in kinds if kind != "text" and isinstance(kind, str)), None)
    raise FaultyConversationError("wrong_type", message=number, content=found or kind_of(content))


def _speaker_keys(number: int, item: dict[str, Any], names: Names) -> list[Said]:
    """Messages of the form `{"human": "...", "assistant": "..."}`."""
    said = []
    for key, content in item.items():
        if fold(key) not in names:
            raise FaultyConversationError("unknown_role", message=number, role=None)
        said.append(Said(number, key, names[fold(key)], _text(number, content)))
    if not said:
        raise FaultyConversationError("unknown_role", message=number, role=None)
    return said


def _read_history(items: list[Any]) -> list[Said]:
    said: list[Said] = []
    for pair in items:
        if len(pair) != 2:
            raise FaultyConversationError(
                "malformed_conversation", error=f"a pair of {len(pair)} items"
            )
        for role, content in zip(("user", "assistant"), pair, strict=True):
            number = len(said) + 1
            if not isinstance(content, str | None):
                raise FaultyConversationError(
                    "wrong_type", message=number, content=kind_of(content)
                )
            said.append(Said(number, role, role, content))
    return said


def read_utterances(items: list[str], names: Names, prefix: re.Pattern[str]) -> list[Said]:
    """Messages from strings that begin with their speaker, or, if none does, that alternate
    between user and assistant.
    """
    found = [prefix.match(item) for item in items]
    if not any(found):
        roles = ("user", "assistant")
        return [Said(n + 1, roles[n % 2], roles[n % 2], item) for n, item in enumerate(items)]
    said = []
    for number, (item, match) in enumerate(zip(items, found, strict=True), 1):
        if match:
            name = match.group(1)
            said.append(Said(number, name, names[fold(name)], item[match.end() :]))
        else:
            said.append(Said(number, item[:20], None, item))
    return said


def kind_of(value: Any) -> str:
    """What a JSON value is, in JSON's words."""
    kinds = {dict: "object", list: "list", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
