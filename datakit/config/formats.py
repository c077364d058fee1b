"""Which reader and which sink the `format` of a `[[source]]` or `[output]` means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from datakit.errors import did_you_mean

READERS = {
    "jsonl": "ingest.jsonl",
    "json": "ingest.json",
    "csv": "ingest.csv",
    "tsv": "ingest.csv",
    "parquet": "ingest.parquet",
    "text": "ingest.text",
    "markdown": "ingest.text",
    "datasets": "ingest.datasets",
}
SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
}
COMPRESSIONS = (".gz", ".zst")
SINKS = {name: f"write.{name}" for name in ("jsonl", "parquet", "megatron", "packed")}
TRAINERS = (
    "llamafactory",
    "trl",
    "axolotl",
    "swift",
    "openai",
    "torchtune",
    "nemo",
    "megatron_jsonl",
)
"""Trainers whose layouts have a sink of their own: `format = "trl"`."""
SINKS |= {name: f"write.{name}" for name in (*TRAINERS, "datasets", "mds")}
LAYOUTS = ("messages", "sharegpt", "alpaca", "prompt_completion", "text", "records")
"""Layouts that can stand for a format: `format = "sharegpt"` is JSONL in that layout."""


class FormatError(Exception):
    """A format that is unknown, or cannot be told from the path."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """A format as users call it, and the name of its reader."""

    name: str
    stage_name: str


def source_format(table: Mapping[str, Any], known: Sequence[str]) -> SourceFormat:
    """The format of a `[[source]]`: as given, else by the suffix of its path.

    Raises:
        FormatError: there is no such format; or no path has a known suffix, or paths have several.
    """
    name = table.get("format")
    if name is None:
        name = "datasets" if "load" in table else _format_of_paths(table["path"])
    return SourceFormat(name, _stage_name(name, READERS, ("ingest.", known)))


def _format_of_paths(path: str | list[str]) -> str:
    paths = path if isinstance(path, list) else [path]
    formats = {str(each): _format_of(str(each)) for each in paths}
    if unknown := [each for each, name in formats.items() if name is None]:
        hint = f"add format = one of: {', '.join(READERS)}"
        raise FormatError(f"the format cannot be told from the path {unknown[0]!r}", hint)
    found = {READERS[name]: name for name in formats.values() if name}
    if len(found) > 1:
        hint = "make each format a [[source]] of its own"
        raise FormatError(f"the paths have several formats: {', '.join(found.values())}", hint)
    # A list of .csv and .tsv files has no one delimiter: the reader finds each file's.
    return "csv" if {"csv", "tsv"} <= set(formats.values()) else next(iter(found.values()))


def _format_of(path: str) -> str | None:
    name = PurePosixPath(path.lower().replace("\\", "/"))
    if name.suffix in COMPRESSIONS:
        name = name.with_suffix("")
    return SUFFIXES.get(name.suffix)


def sink_name(name: str, known: Sequence[str]) -> str:
    """The stage name of the output's format; a dotted path or a full name stands for itself.

    Raises:
        FormatError: there is no such format.
    """
    return _stage_name(name, {**SINKS, **dict.fromkeys(LAYOUTS, "write.jsonl")}, ("write.", known))


def _stage_name(name: str, short: Mapping[str, str], full: tuple[str, Sequence[str]]) -> str:
    family, known = full
    if name in short:
        return short[name]
    if ":" in name or (name in known and name.startswith(family)):
        return name
    hint = did_you_mean(name, short)
    plain, dot, compression = name.rpartition(".")
    if f"{dot}{compression}" in COMPRESSIONS and plain in short:
        written = f', compression = "{compression}"'
        seen = "; compressed files are known by their suffix"
        hint = f'say format = "{plain}"{written if family == "write." else seen}'
    raise FormatError(f"unknown format {name!r}", hint)
