"""The JSON Schema of pipeline files, read off the classes of the stages, for editors."""

import inspect
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from datakit.config.catalogue import first_sentence
from datakit.config.formats import LAYOUTS, READERS, SINKS
from datakit.config.keys import OUTPUT_KEYS, PIPELINE_KEYS, SOURCE_KEYS, STAGE_KEYS, Key
from datakit.config.settings import required_settings, setting_types
from datakit.config.words import is_fixed_tuple, is_list_type, is_union, union_members
from datakit.errors import DatakitError
from datakit.registry import stages

Schema = dict[str, Any]
_SIMPLE: dict[Any, Schema] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    Path: {"type": "string"},
    date: {"type": "string"},
    datetime: {"type": "string"},
    time: {"type": "string"},
}
_SIZE: Schema = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\s*\d"}]}


def pipeline_schema() -> Schema:
    """The schema (draft 7) of a pipeline file, with the settings of every stage there is."""
    classes = _classes()
    sinks = {**SINKS, **dict.fromkeys(LAYOUTS, "write.jsonl")}
    named = [n for n in classes if not n.startswith(("ingest.", "write."))]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "datakit pipeline",
        "type": "object",
        "additionalProperties": False,
        "required": ["source", "output"],
        "properties": {
            "pipeline": _table(PIPELINE_KEYS),
            "source": _many(_choice("format", READERS, SOURCE_KEYS), 1),
            "stage": _many(_choice("use", {name: name for name in named}, STAGE_KEYS), 0),
            "output": _choice("format", sinks, OUTPUT_KEYS),
        },
        "definitions": {name: _settings(name, cls) for name, cls in classes.items()},
    }


def _classes() -> dict[str, type]:
    found = {}
    for name in stages():
        try:
            setting_types(stages()[name])
        except (DatakitError, TypeError):
            continue  # an installed package's stage that is broken; `datakit stages` says so
        found[name] = stages()[name]
    return found


def _settings(name: str, cls: type) -> Schema:
    hidden = {"ingest": SOURCE_KEYS, "write": OUTPUT_KEYS}.get(name.partition(".")[0], STAGE_KEYS)
    types = {key: hint for key, hint in setting_types(cls).items() if key not in hidden}
    return {
        "description": first_sentence(inspect.getdoc(cls) or ""),
        "properties": {key: _setting(key, hint) for key, hint in types.items()}
        | dict.fromkeys(hidden, True),
        "required": [key for key in required_settings(cls) if key in types],
        "additionalProperties": False,
    }


def _choice(chooser: str, targets: Mapping[str, str], keys: Mapping[str, Key]) -> Schema:
    """A table whose other keys follow from the value of one key."""
    table = _table(keys)
    del table["additionalProperties"]
    names = sorted(targets)
    table["properties"][chooser] = {
        "anyOf": [{"enum": names}, {"type": "string", "pattern": "[:.]"}]
    }
    table["allOf"] = [
        {
            "if": {"properties": {chooser: {"const": short}}, "required": [chooser]},
            "then": {"$ref": f"#/definitions/{targets[short]}"},
        }
        for short in names
    ]
    return table


def _table(keys: Mapping[str, Key]) -> Schema:
    return {
        "type": "object",
        "properties": {name: _setting(name, key.type) for name, key in keys.items()},
        "required": [name for name, key in keys.items() if key.default is None],
        "additionalProperties": False,
    }


def _many(item: Schema, least: int) -> Schema:
    return {"type": "array", "items": item, "minItems": least}


def _setting(name: str, hint: Any) -> Schema:
    is_size = name.endswith("_bytes") and int in union_members(hint)
    return dict(_SIZE) if is_size else type_schema(hint)


def type_schema(hint: Any) -> Schema:
    """The schema of the TOML values that a setting with this annotation takes.

    >>> type_schema(list[str] | None)
    {'type': 'array', 'items': {'type': 'string'}}
    """
    inner = get_args(hint)
    if get_origin(hint) is Annotated:
        return type_schema(inner[0])
    if get_origin(hint) is Literal:
        return {"enum": list(inner)}
    if is_union(hint):
        return _any_of(type_schema(member) for member in union_members(hint))
    return dict(_SIMPLE[hint]) if hint in _SIMPLE else _container_schema(hint)


def _any_of(choices: Iterable[Schema]) -> Schema:
    found = list(choices)
    return found[0] if len(found) == 1 else {"anyOf": found}


def _container_schema(hint: Any) -> Schema:
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if not isinstance(kind, type) or kind is object:
        return {}
    if issubclass(kind, Mapping):
        return {"type": "object", "additionalProperties": type_schema(inner[1]) if inner else True}
    if is_fixed_tuple(hint):
        items = [type_schema(each) for each in inner]
        return {"type": "array", "items": items, "minItems": len(inner), "maxItems": len(inner)}
    if is_list_type(kind):
        return {"type": "array", "items": type_schema(inner[0]) if inner else {}}
    return {}
