"""Types and values in the words of TOML, for messages and for the catalogue of settings."""

import json
import types
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

SHOWN_CHARS = 40
_ONE: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a string",
    Path: "a path",
    Any: "anything",
    object: "anything",
}
_MANY: dict[Any, str] = {
    int: "whole numbers",
    float: "numbers",
    str: "strings",
    Path: "paths",
    dict: "tables",
}


def is_union(hint: Any) -> bool:
    """Whether an annotation is `X | Y`."""
    return get_origin(hint) in (Union, types.UnionType)


def union_members(hint: Any) -> list[Any]:
    """The types that an annotation allows, without None; the annotation itself if no union."""
    if is_union(hint):
        return [member for member in get_args(hint) if member is not types.NoneType]
    return [hint]


def is_list_type(kind: type) -> bool:
    """Whether values of a type are written as a TOML list."""
    return issubclass(kind, Sequence | AbstractSet) and not issubclass(kind, str | bytes)


def is_fixed_tuple(hint: Any) -> bool:
    """Whether an annotation is `tuple[X, Y]`: a list of known length."""
    inner = get_args(hint)
    return get_origin(hint) is tuple and bool(inner) and Ellipsis not in inner


def type_words(hint: Any) -> str:
    """A type annotation in TOML's words.

    >>> type_words(int | None), type_words(list[str]), type_words(dict[str, float])
    ('a whole number', 'a list of strings', 'a table of numbers')
    """
    inner = get_args(hint)
    if get_origin(hint) is Annotated:
        return type_words(inner[0])
    if is_union(hint):
        return _alternatives([type_words(member) for member in union_members(hint)])
    if get_origin(hint) is Literal:
        return _alternatives([toml_text(choice) for choice in inner])
    return _ONE.get(hint) or _container_words(hint)


def _container_words(hint: Any) -> str:
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if is_fixed_tuple(hint):
        return f"a list of {len(inner)}: " + ", ".join(type_words(each) for each in inner)
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return f"a table of {_many(inner[1])}" if inner else "a table"
    if isinstance(kind, type) and is_list_type(kind):
        return f"a list of {_many(inner[0])}" if inner else "a list"
    return kind.__name__ if isinstance(kind, type) else str(hint)


def _many(hint: Any) -> str:
    words = [_MANY.get(member) or type_words(member) for member in union_members(hint)]
    return _alternatives(words)


def _alternatives(words: list[str]) -> str:
    unique = list(dict.fromkeys(words))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} or {unique[-1]}"


def value_words(value: Any) -> str:
    """A TOML value as a message names it.

    >>> value_words("5"), value_words(True), value_words([1]), value_words(2.0)
    ('the string "5"', 'true', 'a list', 'the number 2.0')
    """
    if isinstance(value, bool):
        return toml_text(value)
    if isinstance(value, str):
        shown = value if len(value) <= SHOWN_CHARS else f"{value[:SHOWN_CHARS]}…"
        return f"the string {toml_text(shown)}"
    if isinstance(value, int | float):
        return f"the {'whole ' if isinstance(value, int) else ''}number {value}"
    if isinstance(value, list | dict):
        return "a table" if isinstance(value, dict) else "a list" if value else "an empty list"
    return f"the date or time {value}"


def toml_text(value: Any) -> str:
    """A setting's value as it would stand in a pipeline file; nothing for None.

    >>> toml_text(("a", "b")), toml_text({"x": 1.0}), toml_text(None)
    ('["a", "b"]', '{ x = 1.0 }', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_toml_key(k)} = {toml_text(v)}" for k, v in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if is_list_type(type(value)):
        items = sorted(value, key=str) if isinstance(value, AbstractSet) else value
        return f"[{', '.join(toml_text(item) for item in items)}]"
    return str(value)


def _toml_key(key: object) -> str:
    text = str(key)
    is_bare = text.isascii() and text.replace("-", "_").replace("_", "a").isalnum()
    return text if is_bare else json.dumps(text, ensure_ascii=False)
