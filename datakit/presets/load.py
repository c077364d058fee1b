"""Presets: tables of named rules on signals, each a file of this folder or a user's own."""

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from datakit.errors import UsageError, did_you_mean

BOUNDS = {"min": ">=", "max": "<=", "above": ">", "below": "<"}
"""How a rule's threshold may be given, and what must hold of the signal for a record to stay."""

CHECKS = {
    "V": "figures read in the repository's file",
    "P": "figures read in the paper",
    "R": "figures from memory",
    "M": "figures measured on text",
    "I": "figures of our own",
}


class Rule(NamedTuple):
    """One threshold. A record stays if `signal`, an SQL expression on signals, lies at the right
    side of `threshold`; where the SQL condition `when` does not hold, the rule does not apply.
    """

    name: str
    signal: str
    bound: str
    threshold: float
    when: str = ""
    unit: str = ""
    source: str = ""
    check: str = ""
    note: str = ""

    @property
    def keeps(self) -> str:
        """What must hold for a record to stay."""
        return f"{self.signal} {BOUNDS[self.bound]} {_number(self.threshold)}"


class Preset(NamedTuple):
    """A table of rules; `source` and `check` are those of rules that name none of their own."""

    name: str
    title: str
    languages: tuple[str, ...]
    source: str
    check: str
    notes: tuple[str, ...]
    rules: tuple[Rule, ...]


def preset_names() -> list[str]:
    """The presets that come with datakit."""
    folder = files("datakit.presets").iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in folder if _is_preset(entry.name))


def load_preset(name: str) -> Preset:
    """A preset by its name, or by the path of a file (which ends in `.toml`).

    Raises:
        UsageError: there is none of that name or path, or the file is no preset.
    """
    if not name.endswith(".toml"):
        return _shipped(name)
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"there is no preset file {name!r}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"preset {name}: it cannot be read as UTF-8 text: {error}") from error
    return parse_preset(path.stem, text, file=name)


@cache
def _shipped(name: str) -> Preset:
    if name not in preset_names():
        raise UsageError(f"unknown preset {name!r}; {did_you_mean(name, preset_names())}")
    text = (files("datakit.presets") / f"{name}.toml").read_text(encoding="utf-8")
    return parse_preset(name, text, file=f"{name}.toml")


def parse_preset(name: str, text: str, *, file: str) -> Preset:
    """A preset from the text of its file.

    Raises:
        UsageError: the file is no preset; the message says where and why.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"preset {file}: {error}") from error
    rules = table.pop("rules", None)
    if not isinstance(rules, dict) or not rules:
        raise UsageError(f"preset {file}: there is no table [rules] with a rule in it")
    head: dict[str, Any] = {"title": "", "source": "", "check": "", "languages": [], "notes": []}
    _refuse_unknown(file, table, head)
    head |= table
    for key in ("title", "source", "check"):
        _require(isinstance(head[key], str), file, f"{key} is no string")
    for key in ("languages", "notes"):
        are_strings = isinstance(head[key], list) and all(isinstance(v, str) for v in head[key])
        _require(are_strings, file, f"{key} is no list of strings")
        head[key] = tuple(head[key])
    found = tuple(_rule(file, rule, body, head) for rule, body in rules.items())
    return Preset(name=name, rules=found, **head)


def _rule(file: str, name: str, body: Any, head: Mapping[str, Any]) -> Rule:
    where = f"{file}, rule {name!r}"
    _require(isinstance(body, dict), where, "it is no table")
    _refuse_unknown(where, body, {*BOUNDS, "signal", "when", "unit", "source", "check", "note"})
    bounds = [bound for bound in BOUNDS if bound in body]
    _require(len(bounds) == 1, where, f"it needs exactly one of {', '.join(BOUNDS)}")
    _require(isinstance(body.get("signal"), str), where, "signal is missing or no string")
    threshold = body[bounds[0]]
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    _require(is_number and math.isfinite(threshold), where, f"{bounds[0]} is no number")
    texts = {key: body[key] for key in ("when", "unit", "note") if key in body}
    texts |= {key: body.get(key, head[key]) for key in ("source", "check")}
    for key, value in texts.items():
        _require(isinstance(value, str), where, f"{key} is no string")
    return Rule(name, body["signal"], bounds[0], float(threshold), **texts)


def _refuse_unknown(where: str, table: Mapping[str, Any], known: Any) -> None:
    for key in table:
        _require(key in known, where, f"unknown key {key!r}; {did_you_mean(key, known)}")


def _require(holds: bool, where: str, message: str) -> None:
    if not holds:
        raise UsageError(f"preset {where}: {message}")


def _is_preset(file: str) -> bool:
    return file.endswith(".toml")


def _number(value: float) -> str:
    return f"{int(value):_}" if value.is_integer() else f"{value:g}"
