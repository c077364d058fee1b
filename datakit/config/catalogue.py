"""What `datakit stages` shows: names, first sentences, settings."""

import inspect
import re
from typing import NamedTuple

from datakit.config.settings import setting_types, settings_table
from datakit.errors import DatakitError, UsageError, did_you_mean
from datakit.presets.describe import describe_preset
from datakit.registry import stages

FAMILIES = (
    "ingest",
    "clean",
    "annotate",
    "filter",
    "dedup",
    "select",
    "mix",
    "format",
    "augment",
    "split",
    "write",
)
REQUIRED = "required"


class Entry(NamedTuple):
    """One stage of the catalogue; `line` is the first sentence of its description."""

    name: str
    line: str


def list_stages() -> list[Entry]:
    """All stages in the order of their families; one that cannot be imported says why."""
    names = sorted(stages(), key=_place)
    return [Entry(name, _line(name)) for name in names]


def describe_stage(name: str) -> str:
    """A stage's description and its settings, and what its class method `describe` adds, as text.

    Raises:
        UsageError: there is no such stage, or it cannot be imported.
    """
    cls = _find(name)
    rows = [("setting", "type", "default"), *_rows(name)]
    first, second = (max(len(row[column]) for row in rows) for column in range(2))
    table = "\n".join(
        f"  {key:<{first}}  {words:<{second}}  {default}".rstrip() for key, words, default in rows
    )
    parts = [name, inspect.getdoc(cls) or "", table if len(rows) > 1 else "No settings."]
    if (describe := getattr(cls, "describe", None)) is not None:
        parts.append(describe())
    return "\n\n".join(parts)


def describe_preset_of(stage: str | None, preset: str) -> str:
    """The rules of a preset, by name or path, as text; `stage` is one that has presets, or None.

    Raises:
        UsageError: there is no such preset, or the stage has none.
    """
    if stage is not None and "preset" not in setting_types(_find(stage)):
        raise UsageError(f"{stage} has no presets; filter.quality has")
    return describe_preset(preset)


def markdown_table() -> str:
    """All stages and the names of their settings as a Markdown table; required ones are bold."""
    lines = ["| stage | what it does | settings |", "|---|---|---|"]
    for name, line in list_stages():
        settings = ", ".join(
            f"**`{key}`**" if default == REQUIRED else f"`{key}`" for key, _, default in _rows(name)
        )
        cells = [cell.replace("|", "\\|") for cell in (f"`{name}`", line, settings)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _rows(name: str) -> list[tuple[str, str, str]]:
    """Setting, type, default of all that a user can set; a source's name is the pipeline's."""
    rows = []
    for setting in settings_table(_find(name)):
        default = REQUIRED if setting.is_required else setting.default
        if setting.name == "seed" and not default:
            default = "the pipeline's"
        if setting.name != "name" or not name.startswith("ingest."):
            rows.append((setting.name, setting.type, default))
    return rows


def _find(name: str) -> type:
    if name not in stages() and ":" not in name:
        raise UsageError(f"unknown stage {name!r}\n    {did_you_mean(name, stages())}")
    return stages()[name]


def _line(name: str) -> str:
    try:
        return first_sentence(inspect.getdoc(stages()[name]) or "")
    except DatakitError as error:
        return str(error)


def first_sentence(text: str) -> str:
    """The first sentence of a description, on one line."""
    paragraph = " ".join(text.split("\n\n", 1)[0].split())
    match = re.match(r".*?[.:](?=\s+[A-Z`]|$)", paragraph)
    return match[0] if match else paragraph


def _place(name: str) -> tuple[int, str]:
    family = name.partition(".")[0]
    return (FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), name)
