"""What the configuration files beside an output share: which files each split has, YAML."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from datakit.stage import WrittenFile

HEADER = (
    "# Written by datakit. Paths are relative to this folder: start the trainer here, or put the\n"
    "# folder before them. What else the trainer needs (model, lengths, ...) is yours to add.\n"
)


def by_split(files: Sequence[WrittenFile]) -> dict[str, list[str]]:
    """Paths of the files of each split that has any."""
    splits: dict[str, list[str]] = {}
    for file in files:
        splits.setdefault(file.split, []).append(file.path)
    return splits


def yaml_text(values: Mapping[str, Any]) -> str:
    """A mapping as YAML with the header; strings are quoted, as JSON is YAML."""
    return HEADER + "\n".join(_lines(values, "")) + "\n"


def _lines(values: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            lines.append(f"{indent}{key}:")
            for item in value:
                first, *rest = _lines(item, indent + "    ")
                lines += [f"{indent}  - {first.strip()}", *rest]
        else:
            lines.append(f"{indent}{key}: {orjson.dumps(value).decode()}")
    return lines
