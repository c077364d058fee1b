"""In which dialect of conversations or instructions a file is written."""

import dataclasses
from typing import Any

from datakit.config.formats import FormatError
from datakit.config.formats import source_format as detected_format
from datakit.errors import DatakitError, UsageError
from datakit.registry import stages
from datakit.stages.format.detect import detect, labelled_columns
from datakit.stages.format.detected import Detected
from datakit.stages.ingest.csv_table import CsvSource
from datakit.stages.ingest.peek import Peeked, peek_records


def detect_path(path: str, *, source_format: str | None, most: int) -> Detected:
    """The dialect of the first `most` records of what a `[[source]]` with this path reads.

    Raises:
        UsageError: there is no such file or format, or its records are none that are known.
    """
    table: dict[str, Any] = {"path": path}
    if source_format:
        table["format"] = source_format
    try:
        found = detected_format(table, list(stages()))
        reader = stages()[found.stage_name]
    except (FormatError, DatakitError) as error:
        raise UsageError(f"{path}: {error}. {getattr(error, 'hint', '')}".strip()) from error
    peeked = peek_records(reader, path, most)
    seen = peeked.records
    if dialect := detect(seen):
        return dialect
    # Files of a text and its label often have no first row with names.
    if issubclass(reader, CsvSource) and seen and len(seen[0]) == 2:
        columns = labelled_columns([list(record.values()) for record in seen])
        named = peek_records(reader, path, most, columns=columns).records if columns else []
        if columns and (dialect := detect(named)):
            return dataclasses.replace(dialect, source={"columns": columns})
    raise UsageError(f"{path}: {_why_unknown(peeked)}")


def _why_unknown(peeked: Peeked) -> str:
    keys = sorted({key for record in peeked.records for key in record})
    known = f"no known dialect; its {len(peeked.records)} records have the fields {keys}"
    if not peeked.malformed:
        return known if peeked.records else "it holds no record"
    reason, count = next(iter(peeked.malformed)), peeked.malformed.total()
    broken = f"{count} of its lines are malformed, the first: {reason} {peeked.first_fault}".strip()
    return f"{known}; {broken}" if peeked.records else f"no record could be read; {broken}"
