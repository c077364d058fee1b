"""In which dialect of conversations or instructions a file is written."""

import dataclasses
from typing import Any

from datakit.config.formats import FormatError
from datakit.config.formats import source_format as detected_format
from datakit.errors import DatakitError, UsageError
from datakit.registry import stages
from datakit.stages.format.detect import Detected, detect, labelled_columns
from datakit.stages.ingest.csv_table import CsvSource
from datakit.stages.ingest.peek import peek_records


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
    seen = peek_records(reader, path, most)
    if dialect := detect(seen):
        return dialect
    # Files of a text and its label often have no first row with names.
    if issubclass(reader, CsvSource) and seen and len(seen[0]) == 2:
        columns = labelled_columns([list(record.values()) for record in seen])
        if columns and (dialect := detect(peek_records(reader, path, most, columns=columns))):
            return dataclasses.replace(dialect, source={"columns": columns})
    keys = sorted({key for record in seen for key in record})
    raise UsageError(f"{path}: no known dialect; its {len(seen)} records have the fields {keys}")
