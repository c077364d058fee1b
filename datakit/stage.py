"""What a stage is: a few protocols, each a frozen settings object with one or a few methods
(barriers, the stages that must see every record, are in `datakit.barriers`).

A stage is a `@dataclass(frozen=True, kw_only=True, slots=True)`; its fields are the keys of its
TOML table. It holds no state, so it pickles to any worker. What every stage has:

- a docstring: its first sentence is its line in the catalogue (`datakit stages`);
- `needs`: the columns it reads, a property or class attribute of type `Columns`
  (`records.CONTENT` means "text or messages");
- `adds`: the columns it adds;
- optionally `libraries`: names of installed distributions whose version decides its results
  (part of the digest under which work is stored);
- optionally fields with the metadata `{WRITES: True}`: where something is written, which decides
  no result;
- optionally `files`: the paths of files it reads besides the batches (a model, a list), whose
  content is then part of the same digest (fields of type `Path` need not be told);
- optionally a method `check_columns(have: Columns)`, which raises `SettingsError` where the
  settings do not fit the columns that are there before the stage;
- optionally a field `seed: int | None = None`: filled in from the pipeline's seed;
- optionally, of maps and filters, `tally`: names of columns of what `map` or `reject` returns,
  whose values the runner counts by source for the report (few different ones: languages, topics;
  of a column of type Enum also those that never occur).

The keys `use` and `only` of a `[[stage]]` table are the runner's and never reach a stage.
Wrong settings raise `SettingsError(key, message)` from `__post_init__`.

Parting rows, writing rejects, counting and asserting that nothing got lost is the runner's work;
no stage does any of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from datakit.records import Batch, Columns, Table

WRITES = "writes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """The piece of one input file that one task reads.

    `start` and `stop` are in the unit of the format (bytes of a JSONL file, row groups of a
    Parquet file ...); `stop=None` means to the end. `first_line` is the line number, from 1, of
    the first record. A `packed` shard cannot be cut as it lies (a compressed file): when it is
    large, the runner has one task unpack it into smaller shards.
    """

    path: Path
    file: str
    size: int
    start: int = 0
    stop: int | None = None
    first_line: int = 1
    packed: bool = False
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFile:
    """What tells whether an input is still the same: `path` as the pipeline names it, its size in
    bytes, and a version mark (modification time in nanoseconds, or a data set's fingerprint).
    """

    path: str
    size: int
    version: str


@runtime_checkable
class Stage(Protocol):
    """What all stages share; see the module's text."""

    @property
    def needs(self) -> Columns:
        """Columns that must be there before this stage."""
        ...

    @property
    def adds(self) -> Columns:
        """Columns that are there after it."""
        ...


@runtime_checkable
class Source(Protocol):
    """Where batches come from. A source has `name` and yields records of that `source`."""

    @property
    def name(self) -> str:
        """The `source` of its records."""
        ...

    @property
    def adds(self) -> Columns:
        """Columns its batches have."""
        ...

    def inputs(self) -> list[InputFile]:
        """The files read, in a fixed order; their identity is part of the run's digest."""
        ...

    def shards(self, shard_bytes: int) -> list[Shard]:
        """The input cut into pieces of about `shard_bytes`, in reading order.

        No row and no id may depend on where the cuts lie.
        """
        ...

    def read(self, shard: Shard) -> Iterator[Batch]:
        """The records of a shard, in order, in batches of bounded size, with the columns `id`,
        `source`, `_file`, `_line` and those of `adds`.

        A piece of input that is no record becomes a row with `_reason` (and `_values`, the JSON
        text of an object saying what was found) set and null content.
        """
        ...

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """Write a packed shard's records below `folder` so that they can be read in pieces."""
        ...


@runtime_checkable
class Map(Stage, Protocol):
    """Changes or annotates records: same rows, same order (clean, annotate, format)."""

    def map(self, batch: Batch) -> Batch:
        """The batch with changed or added columns.

        A formatter that cannot convert a row leaves the row in place and sets `_reason`.
        """
        ...


@runtime_checkable
class Editor(Map, Protocol):
    """A map that can say how much it changed."""

    def edits(self, batch: Batch, changed: Batch) -> Mapping[str, int]:
        """Of what `map` made of a batch: how often each thing was done (`{"mobile": 3}`); the
        report shows the sums by stage and source.
        """
        ...


@runtime_checkable
class Filter(Stage, Protocol):
    """Says which records go, and why; edits nothing."""

    def reject(self, batch: Batch) -> Table:
        """One row per record: `reason` (String; null keeps the record) and, in further columns,
        the measured values and the thresholds that decided. The columns that the stage `adds`
        are put to the records that stay.
        """
        ...


@runtime_checkable
class Summariser(Filter, Protocol):
    """A filter that has more to tell in the report than how often each reason was given."""

    def summarise(self, rejects: Iterable[Table]) -> Table:
        """All that it rejected (`source`, `reason` and `values`, the latter as JSON text) in the
        order of the input -> a small table for the report.
        """
        ...


@runtime_checkable
class Expander(Stage, Protocol):
    """Makes one record or several of each, looking at no other (format, augment): what a long
    document is cut into, for instance.

    With a class attribute `keep_first_id = True` the first of several keeps its parent's id.
    """

    def expand(self, batch: Batch) -> Batch:
        """The records made, in the order of those they are made of, which `_parent` (UInt32)
        names by row. Each has its parent's id: where several are made of one, the runner numbers
        them, `x#1`, `x#2` and so on, and enters those beyond the first as copies. A record of
        which nothing can be made stays as it is, with `_reason` set.
        """
        ...


@runtime_checkable
class SourceReader(Stage, Protocol):
    """A stage that reads whole sources for itself, beside the batches that it gets."""

    @property
    def sources(self) -> frozenset[str]:
        """The sources that its settings name."""
        ...

    def bind(self, sources: Mapping[str, Source]) -> Stage:
        """The stage with the sources it named, all by name; what they yield has gone through the
        maps in front of the stage, but those that need what a filter adds. Called once all stages
        are known.
        """
        ...


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One output file: its path below the output directory, its split, rows, bytes and SHA-256."""

    path: str
    split: str
    rows: int
    bytes: int
    sha256: str


@runtime_checkable
class Sink(Protocol):
    """Turns batches into files a trainer loads. Cutting output into files, naming and renaming
    them is the runner's work, so that no byte depends on how the input was cut.

    A sink may have a method `companions(name: str, files: Sequence[WrittenFile]) ->
    Mapping[str, str]`: the files that its loader wants beside the data, by their path below the
    output directory, such as a trainer's own configuration; `name` is the pipeline's.
    Where files come in pairs, `pair_suffix` is the end of the second one's name, which `write`
    writes beside the first.
    """

    @property
    def suffix(self) -> str:
        """End of the files' names, e.g. `.jsonl.zst`."""
        ...

    @property
    def needs(self) -> Columns:
        """Columns that must be there to be written."""
        ...

    def reject(self, batch: Batch) -> Table:
        """As `Filter.reject`: the records that this layout cannot hold, each with its reason."""
        ...

    def encode(self, batch: Batch) -> pa.Table:
        """The records as they will lie on disk, one row each, always with the same schema.

        Column `_size` (uint64) gives the bytes each adds to its output file. Line formats have
        one other column, `line` (large_binary), each value with its line end.
        """
        ...

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Write one output file from encoded tables (without `_size`); the bytes depend on the
        rows alone, never on how they are cut into tables.
        """
        ...
