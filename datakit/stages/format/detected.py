"""What was detected in a data set, as lines for a pipeline file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

Settings = dict[str, str]


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found: a sentence that says why, the fields to map, the stages to use; and what
    else the reader must be told.
    """

    what: str
    fields: dict[str, str]
    stages: list[tuple[str, Settings]]
    source: Mapping[str, str | list[str]] = field(default_factory=dict)

    def toml(self) -> str:
        """The lines for a pipeline file."""
        lines = [f"{key} = {_quoted(value)}" for key, value in self.source.items()]
        if self.fields:
            members = ", ".join(f"{_key(k)} = {_quoted(v)}" for k, v in self.fields.items())
            lines.append(f"fields = {{ {members} }}")
        for name, settings in self.stages:
            lines += ["", "[[stage]]", f"use = {_quoted(name)}"]
            lines += [f"{key} = {_quoted(value)}" for key, value in settings.items()]
        return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: str | list[str]) -> str:
    return orjson.dumps(value).decode()
