"""An index of records that a later run can be compared with: their ids and shingles, in one file.

An Arrow IPC file (columns `id`, `source`, `shingles`), with how it was made in its metadata. The
permutations are not in it: bucket keys are made anew, for the threshold and the seed of each run.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from datakit.errors import DatakitError, SettingsError
from datakit.records import ID, SOURCE, Table
from datakit.stages.dedup.groups import SHINGLES
from datakit.stages.dedup.shingles import SCHEME

_KEY = b"datakit.shingles"
ROWS = 1 << 13
"""Rows of a piece, so that the bytes of an index do not depend on how the input was cut."""

_SCHEMA = pa.schema(
    [
        (ID, pa.large_string()),
        (SOURCE, pa.large_string()),
        (SHINGLES, pa.large_list(pa.uint32())),
    ]
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an index that one task reads."""

    path: Path
    number: int


def check_paths(against: Sequence[Path], save: Path | None, made: Mapping[str, Any]) -> None:
    """Raise SettingsError for an index to read that is not there, is none or was made in another
    way, and for one to write that cannot be written or would take the place of one that is read.
    """
    for path in against:
        if not path.is_file():
            raise SettingsError("against_index", f"there is no file {str(path)!r}")
        _check_index(path, made)
    if save is None:
        return
    if save.is_dir():
        hint = f'name a file in it: "{save / "records.index"}"'
        raise SettingsError("save_index", f"{str(save)!r} is a folder", hint)
    if save.resolve() in {path.resolve() for path in against}:
        message = f"{str(save)!r} is compared with and would be lost: an index has new records only"
        hint = "save to a new file, and list both in against_index next time"
        raise SettingsError("save_index", message, hint)


def describe(*, ngram_words: int, ngram_chars: int, on: str, seed: int) -> dict[str, Any]:
    """How an index is made; what `check_paths` looks at, and the seed and version for readers."""
    return {
        "scheme": SCHEME,
        "ngram_words": ngram_words,
        "ngram_chars": ngram_chars,
        "on": on,
        "seed": seed,
        "datakit": version("datakit"),
    }


def write_index(path: Path, tables: Iterable[Table], made: Mapping[str, Any]) -> None:
    """Write an index of the rows of `tables` (`id`, `source`, `shingles`), whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    schema = _SCHEMA.with_metadata({_KEY: json.dumps(made, sort_keys=True).encode()})
    with pa.ipc.new_file(str(partial), schema) as writer:
        for table in _pieces(tables):
            arrow = table.select(ID, SOURCE, SHINGLES).to_arrow(
                compat_level=pl.CompatLevel.oldest()
            )
            writer.write_table(arrow.cast(_SCHEMA).combine_chunks())
    partial.replace(path)


def _pieces(tables: Iterable[Table]) -> Iterator[Table]:
    waiting: list[Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.height
        while rows >= ROWS:
            whole = pl.concat(waiting)
            yield whole[:ROWS]
            waiting, rows = [whole[ROWS:]], rows - ROWS
    if rows:
        yield pl.concat(waiting)


def _check_index(path: Path, made: Mapping[str, Any]) -> None:
    """Raise SettingsError unless an index can be compared with."""
    try:
        with _open(path) as reader:
            found = json.loads(reader.schema.metadata[_KEY])
    except DatakitError as error:
        raise SettingsError("against_index", str(error)) from error
    for key in ("scheme", "ngram_words", "ngram_chars", "on"):
        if found.get(key) != made[key]:
            message = f"{path} was made with {key} = {found.get(key)!r}, here it is {made[key]!r}"
            hint = f"set {key} alike, or make the index again (by datakit {found.get('datakit')})"
            raise SettingsError("against_index", message, hint)


def list_pieces(path: Path) -> list[Piece]:
    """The parts of an index, in order."""
    with _open(path) as reader:
        return [Piece(path, number) for number in range(reader.num_record_batches)]


def read_piece(piece: Piece) -> Table:
    """The rows of a part."""
    with _open(piece.path) as reader:
        frame = pl.from_arrow(pa.Table.from_batches([reader.get_batch(piece.number)]))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _open(path: Path) -> Any:
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
    except (OSError, pa.ArrowInvalid) as error:
        raise DatakitError(f"{path} cannot be read as an index: {error}") from error
    if _KEY not in (reader.schema.metadata or {}):
        hint = "an index is written by dedup.minhash with save_index"
        raise DatakitError(f"{path} is no index of shingles; {hint}")
    return reader
