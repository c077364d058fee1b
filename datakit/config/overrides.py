"""Settings changed on the command line: `--set mix.weighted.unit=chars`."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from datakit.config.findings import OverrideProblem
from datakit.config.locate import KeyPath
from datakit.errors import Problem, did_you_mean

_PART = re.compile(r'\.?(?:"([^"]*)"|([^."\[\]]+))')
_ORDINAL = re.compile(r"\[(\d+)\]")
_FORM = "write --set PLACE.KEY=VALUE, such as filter.length.min_chars=10 or pipeline.seed=7"


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that can be named in a `--set`: by `name`, alone or with its number among several."""

    name: str
    path: KeyPath


class _OverrideError(Exception):
    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def apply_overrides(
    document: dict[str, Any], overrides: Sequence[str]
) -> tuple[dict[KeyPath, str], list[Problem]]:
    """Write the overrides into a parsed pipeline file, in place.

    Returns:
        The paths changed, each with its override; and the overrides that name nothing.
    """
    changed: dict[KeyPath, str] = {}
    problems: list[Problem] = []
    for override in overrides:
        try:
            changed[_apply(document, override)] = override
        except _OverrideError as error:
            problems.append(OverrideProblem(0, error.message, error.hint, override))
    return changed, problems


def _apply(document: dict[str, Any], override: str) -> KeyPath:
    target, equals, value = override.partition("=")
    if not equals or not target.strip():
        raise _OverrideError("no setting is named", _FORM)
    table, keys = _resolve(target.strip(), list(_tables(document)))
    if not keys:
        raise _OverrideError(f"{target} is a table; name one of its keys", _FORM)
    path = (*table, *keys)
    _write(document, path, parse_value(value))
    return path


def parse_value(text: str) -> Any:
    """The TOML value that `text` is, else `text` itself; a date stays text, no setting takes one.

    >>> parse_value("7"), parse_value("[1, 2]"), parse_value("chars"), parse_value("64KiB")
    (7, [1, 2], 'chars', '64KiB')
    """
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed.pop("value")
    return text if parsed or isinstance(value, date | time) else value


def _tables(document: Mapping[str, Any]) -> Iterator[_Table]:
    yield _Table("pipeline", ("pipeline",))
    yield _Table("output", ("output",))
    for kind, key, prefix in (("source", "name", "source."), ("stage", "use", "")):
        listed = document.get(kind)
        for number, table in enumerate(listed if isinstance(listed, list) else []):
            name = table.get(key) if isinstance(table, dict) else None
            if isinstance(name, str):
                yield _Table(prefix + name, (kind, number))


def _resolve(target: str, tables: Sequence[_Table]) -> tuple[KeyPath, list[str]]:
    names = sorted({table.name for table in tables}, key=len, reverse=True)
    for name in names:
        if target == name or target.startswith((f"{name}.", f"{name}[")):
            found = [table.path for table in tables if table.name == name]
            return _choose(name, target[len(name) :], found)
    family, _, rest = target.partition(".")
    family = family.partition("[")[0]
    found = [t.path for t in tables if t.path[0] == "stage" and t.name.startswith(f"{family}.")]
    if len(found) == 1:
        return _choose(family, f".{rest}" if rest else "", found)
    if found:
        members = ", ".join(sorted({t.name for t in tables if t.path in found}))
        raise _OverrideError(f"{len(found)} stages are of the family {family!r}", f"say {members}")
    place = ".".join(target.split(".")[:2])
    raise _OverrideError(f"nothing here is called {place!r}", did_you_mean(place, names))


def _choose(name: str, rest: str, found: Sequence[KeyPath]) -> tuple[KeyPath, list[str]]:
    ordinal = _ORDINAL.match(rest)
    if ordinal is None and len(found) > 1:
        choices = f"{name}[1] to {name}[{len(found)}]"
        raise _OverrideError(f"{len(found)} stages are called {name!r}", f"say {choices}")
    number = int(ordinal[1]) if ordinal else 1
    if not 1 <= number <= len(found):
        message = f"there is no {name}[{number}]"
        raise _OverrideError(message, f"there are {len(found)}, counted from 1")
    return found[number - 1], _keys(rest[ordinal.end() :] if ordinal else rest)


def _keys(rest: str) -> list[str]:
    keys, at = [], 0
    while at < len(rest):
        match = _PART.match(rest, at)
        if match is None:
            raise _OverrideError(f"{rest[at:]!r} is no key", _FORM)
        keys.append(match[1] if match[1] is not None else match[2])
        at = match.end()
    return keys


def _write(document: dict[str, Any], path: KeyPath, value: Any) -> None:
    table: Any = document
    for depth, key in enumerate(path):
        if isinstance(table, list) and isinstance(key, int):
            table = table[key]  # a [[source]] or [[stage]]: never the last part of a path
        elif not isinstance(table, dict):
            place = ".".join(str(part) for part in path[:depth])
            raise _OverrideError(f"{place} is not a table, so it has no key {key!r}")
        elif depth == len(path) - 1:
            table[key] = value
        else:
            table = table.setdefault(key, {})
