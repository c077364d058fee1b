"""In which dialect of conversations or instructions a file is written."""

from typing import Any

from datakit.config.formats import FormatError
from datakit.config.formats import source_format as detected_format
from datakit.errors import DatakitError, UsageError
from datakit.registry import stages
from datakit.stages.format.detect import Detected, detect
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
    keys = sorted({key for record in seen for key in record})
    raise UsageError(f"{path}: no known dialect; its {len(seen)} records have the fields {keys}")
