"""The `[[source]]` tables; every mistake goes to the findings."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datakit.config import model
from datakit.config.chain import check_kind, find_class
from datakit.config.findings import Findings, Site
from datakit.config.formats import FormatError, SourceFormat, source_format
from datakit.config.keys import SOURCE_KEYS, own_keys
from datakit.config.settings import Given, build_stage, place_path, setting_types
from datakit.config.words import value_words
from datakit.registry import stages
from datakit.stage import Source

SOURCE_NAME = re.compile(r"[\w-]+")


def read_sources(
    tables: Sequence[dict[str, Any]], findings: Findings, folder: Path | None
) -> Iterator[model.NamedSource]:
    """The `[[source]]` tables that are right."""
    lines: dict[str, int] = {}
    for number, table in enumerate(tables):
        site = Site(findings, ("source", number), "[[source]]")
        name = own_keys(table, SOURCE_KEYS, site)["name"]
        if name is not None and name in lines:
            message = f"name: there is a source {name!r} already, on line {lines[name]}"
            site.add("name", message, "each [[source]] needs a name of its own")
        if name is not None and not SOURCE_NAME.fullmatch(name):
            message = f"name: {value_words(name)} cannot name a source"
            site.add("name", message, "use letters, digits, - and _; records' ids begin with it")
        lines.setdefault(name, site.line)
        if found := _read_source(table, site, folder):
            yield found


def _read_source(
    table: dict[str, Any], site: Site, folder: Path | None
) -> model.NamedSource | None:
    own = {**table, **_placed_paths(table, site, folder)}
    file_format = _format(own, site)
    cls = None if file_format is None else find_class(file_format.stage_name, "format", site)
    if file_format is None or cls is None:
        return None
    if file_format.name == "tsv" and "delimiter" in setting_types(cls):
        own.setdefault("delimiter", "\t")
    name = table.get("name")
    given = Given({"name": name if isinstance(name, str) else "unnamed"}, frozenset(SOURCE_KEYS))
    source = build_stage(cls, own, site, given)
    if source is None or not check_kind(source, Source, site):
        return None
    return model.NamedSource(
        name=given.values["name"], stage_name=file_format.stage_name, source=source, line=site.line
    )


def _format(table: dict[str, Any], site: Site) -> SourceFormat | None:
    given = table.get("format")
    if given is not None and not isinstance(given, str):
        return None  # its type is reported
    if given is None and "load" not in table and not _are_paths(table.get("path")):
        if "path" not in table:
            site.miss("path", table.keys() - SOURCE_KEYS, 'such as path = "corpus/*.jsonl"')
        return None
    try:
        return source_format(table, list(stages()))
    except FormatError as error:
        site.add("path" if given is None else "format", error.message, error.hint)
        return None


def _placed_paths(table: dict[str, Any], site: Site, folder: Path | None) -> dict[str, Any]:
    """The `path` setting, if there is one: checked, and taken from `folder`."""
    paths = table.get("path")
    if paths is None:
        return {}
    if not _are_paths(paths):
        found = "an empty string" if paths in ("", [""]) else value_words(paths)
        site.add("path", f"path: expected a path or a list of paths, got {found}")
        return {"path": ""} if "format" in table else {}
    if isinstance(paths, str):
        return {"path": place_path(paths, folder)}
    return {"path": [place_path(path, folder) for path in paths]}


def _are_paths(value: Any) -> bool:
    paths = value if isinstance(value, list) else [value]
    return bool(paths) and all(isinstance(path, str) and path for path in paths)
