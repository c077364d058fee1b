"""The `[output]` table; every mistake goes to the findings."""

from pathlib import Path
from typing import Any

from datakit.config import model
from datakit.config.chain import check_kind, find_class
from datakit.config.findings import Findings, Site
from datakit.config.formats import LAYOUTS, FormatError, sink_name
from datakit.config.keys import OUTPUT_KEYS, own_keys
from datakit.config.settings import Given, build_stage, place_path
from datakit.config.words import toml_text
from datakit.registry import stages
from datakit.stage import Sink


def read_output(
    table: dict[str, Any], findings: Findings, folder: Path | None
) -> tuple[model.Output, Any] | None:
    """The `[output]` table and its sink."""
    site = Site(findings, ("output",), "[output]")
    before = len(findings.problems)
    own = own_keys(table, OUTPUT_KEYS, site)
    if own["path"] == "":
        site.add("path", "path: expected a folder, got an empty string")
    if own["max_file_bytes"] < 1:
        site.add("max_file_bytes", f"max_file_bytes: {own['max_file_bytes']} is less than 1")
    if own["single_file"] and "max_file_bytes" in table:
        hint = "leave one of the two out"
        site.add("max_file_bytes", "max_file_bytes says nothing when single_file = true", hint)
    sink_settings = _with_layout(table, own["format"], site)
    try:
        name = sink_name(own["format"], list(stages()))
    except FormatError as error:
        site.add("format", f"format: {error.message}", error.hint)
        return None
    cls = find_class(name, "format", site)
    given = Given({}, frozenset(OUTPUT_KEYS), folder)
    sink = build_stage(cls, sink_settings, site, given) if cls else None
    if sink is not None:
        check_kind(sink, Sink, site)
    if sink is None or len(findings.problems) > before:
        return None
    own |= {"path": place_path(own["path"], folder), "format": name}
    return model.Output(**own, line=site.line), sink


def _with_layout(table: dict[str, Any], name: str, site: Site) -> dict[str, Any]:
    if name not in LAYOUTS:
        return table
    layout = table.get("layout", name)
    if layout != name:
        message = f"layout: {toml_text(layout)} contradicts format = {toml_text(name)}"
        site.add("layout", message, f'write format = "jsonl", layout = {toml_text(layout)}')
    return {**table, "layout": name}
