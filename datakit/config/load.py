"""A pipeline file, read and checked: all its mistakes at once, each with its line."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datakit.config.chain import Shared, read_stages
from datakit.config.findings import Findings
from datakit.config.keys import read_pipeline
from datakit.config.locate import locate
from datakit.config.model import Pipeline
from datakit.config.output import read_output
from datakit.config.overrides import apply_overrides
from datakit.config.sources import SOURCE_NAME, read_sources
from datakit.config.toml_file import parse, read_text
from datakit.config.words import value_words
from datakit.errors import PipelineFileError, Problem, did_you_mean

TABLES = {"pipeline": dict, "source": list, "stage": list, "output": dict}
TEXT_NAME = "<text>"


def load_pipeline(
    path: Path | None,
    text: str | None = None,
    overrides: Sequence[str] = (),
    *,
    relative_to_file: bool = False,
) -> Pipeline:
    """Read and check a pipeline file; no data is read.

    Args:
        path: the TOML file; None if there is only `text`.
        text: its content, if it need not be read from `path`.
        overrides: settings to change: `"mix.weighted.unit=chars"`.
        relative_to_file: take relative paths from the file's folder, not from the current one.

    Raises:
        PipelineFileError: all mistakes found.
        UsageError: there is no such file.
    """
    file = TEXT_NAME if path is None else str(path)
    content = read_text(path) if text is None and path is not None else text or ""
    document = parse(content, file)
    changed, wrong_overrides = apply_overrides(document, overrides)
    findings = Findings(locate(content), changed)
    findings.problems += wrong_overrides
    folder = path.parent if relative_to_file and path is not None else None
    pipeline = _build(document, findings, (file, folder))
    if findings.problems or pipeline is None:
        raise PipelineFileError(file, findings.problems)
    return pipeline


def _build(
    document: dict[str, Any], findings: Findings, origin: tuple[str, Path | None]
) -> Pipeline | None:
    file, folder = origin
    for key in [key for key in document if key not in TABLES]:
        hint = did_you_mean(key, TABLES)
        findings.add((key,), f"unknown {_kind(document[key])} {key!r}", hint)
    shape = {name: _shaped(document, name, findings) for name in TABLES}
    own = read_pipeline(shape["pipeline"] or {}, findings)
    sources = list(read_sources(shape["source"] or [], findings, folder))
    names = None if _misspelt("source", document) else _source_names(shape["source"])
    shared = Shared(own["seed"], names, folder)
    stages = list(read_stages(shape["stage"] or [], findings, shared))
    output = None if shape["output"] is None else read_output(shape["output"], findings, folder)
    findings.problems += _missing_tables(document)
    if output is None or findings.problems:
        return None
    name = own.pop("name") or (Path(file).stem if file != TEXT_NAME else "pipeline")
    return Pipeline(
        name=name,
        file=file,
        sources=tuple(sources),
        stages=tuple(stages),
        output=output[0],
        sink=output[1],
        **own,
    )


def _kind(value: Any) -> str:
    is_table = isinstance(value, dict) or (isinstance(value, list) and value and _are_tables(value))
    return "table" if is_table else "key"


def _shaped(document: dict[str, Any], name: str, findings: Findings) -> Any:
    """The table, or list of tables, of this name; None if it is absent or of the wrong shape."""
    value, kind = document.get(name), TABLES[name]
    if value is None or (kind is dict and isinstance(value, dict)):
        return value
    if kind is list and isinstance(value, list) and _are_tables(value):
        return value
    right = f"[[{name}]]" if kind is list else f"[{name}]"
    written = f"[{name}]" if isinstance(value, dict) else f"[[{name}]]"
    if not isinstance(value, dict) and not (isinstance(value, list) and _are_tables(value)):
        written = value_words(value)
    why = "there can be several" if kind is list else "there is only one"
    findings.add((name,), f"{name}: expected {right}, got {written}", why)
    return None


def _are_tables(values: Sequence[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _source_names(tables: Sequence[dict[str, Any]] | None) -> list[str] | None:
    """The sources' names; None if one has none, since then it cannot be said what is unknown."""
    names = [table.get("name") for table in tables or []]
    known = [name for name in names if isinstance(name, str) and SOURCE_NAME.fullmatch(name)]
    return known if known and len(known) == len(names) else None


def _missing_tables(document: dict[str, Any]) -> Iterator[Problem]:
    for name, message, hint in (
        ("source", "there is no [[source]]", "a [[source]] with name and path says what to read"),
        ("output", "there is no [output]", 'an [output] says where to write: path = "out/corpus"'),
    ):
        if document.get(name, []) == [] and not _misspelt(name, document):
            yield Problem(1, message, hint)


def _misspelt(name: str, document: dict[str, Any]) -> list[str]:
    """The unknown table that is probably meant as the one called `name`."""
    return difflib.get_close_matches(name, document.keys() - TABLES.keys(), n=1)
