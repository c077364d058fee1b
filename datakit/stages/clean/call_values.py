"""The values in the arguments of tool calls, rewritten where they stand in the JSON text."""

import re
from collections.abc import Callable
from typing import TypeAlias

import orjson

Change: TypeAlias = Callable[[str, str], str]
"""The new value for a key and its value."""

_TOKEN = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")(?P<is_key>\s*:)?|-?\d[\d.eE+-]*', re.DOTALL)


def rewrite_arguments(calls: str, change: Change) -> str:
    """The JSON text of OpenAI's list of calls with the values in the `arguments` changed."""

    def rewrite(key: str, value: str) -> str:
        return rewrite_values(value, change) if key == "arguments" else value

    return rewrite_values(calls, rewrite)


def rewrite_values(text: str, change: Change) -> str:
    """A JSON text with each string and number changed that is no key; the rest of it stays.

    A value goes by the key before it; a number that changes becomes a string.

    >>> rewrite_values('{"a": {"b": 1}}', lambda key, value: f"{key}{value}")
    '{"a": {"b": "b1"}}'
    """
    key = ""

    def rewrite(token: re.Match[str]) -> str:
        nonlocal key
        value = token[0] if token["string"] is None else _decode(token["string"])
        if token["is_key"]:
            key = value
            return token[0]
        changed = change(key, value)
        return token[0] if changed == value else orjson.dumps(changed).decode()

    return _TOKEN.sub(rewrite, text)


def _decode(literal: str) -> str:
    try:
        return str(orjson.loads(literal))
    except orjson.JSONDecodeError:  # an escape that stands for nothing
        return literal[1:-1]
