"""What a stage is: six protocols, each a frozen settings object with one or a few methods.

A stage is a `@dataclass(frozen=True, kw_only=True, slots=True)`; its fields are the keys of its
TOML table. It holds no state, so it pickles to any worker. What every stage has:

- a docstring: its first sentence is its line in the catalogue (`datakit stages`);
- `needs`: the columns it reads, a property or class attribute of type `Columns`
  (`records.CONTENT` means "text or messages");
- `adds`: the columns it adds;
- optionally `libraries`: names of installed distributions whose version decides its results
  (part of the digest under which work is stored);
- optionally `files`: paths of files that it reads besides those its settings of type `Path` name
  (their content is part of the digest too);
- optionally a field `seed: int | None = None`: filled in from the pipeline's seed.

The keys `use` and `only` of a `[[stage]]` table are the runner's and never reach a stage.
Wrong settings raise `SettingsError(key, message)` from `__post_init__`.

Parting rows, writing rejects, counting and asserting that nothing got lost is the runner's work;
no stage does any of it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl
import pyarrow as pa

from datakit.records import Batch, Columns, Table


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
        """The records of a shard, in order, in batches of bounded size.

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
class Filter(Stage, Protocol):
    """Says which records go, and why; edits nothing."""

    def reject(self, batch: Batch) -> Table:
        """One row per record: `reason` (String; null keeps the record) and, in further columns,
        the measured values and the thresholds that decided.
        """
        ...


@runtime_checkable
class Expander(Stage, Protocol):
    """Makes one record or several of each, looking at no other (format): what a long document is
    cut into, for instance.
    """

    def expand(self, batch: Batch) -> Batch:
        """The records made, in the order of those they are made of, which `_parent` (UInt32)
        names by row. Each has its parent's id: where several are made of one, the runner numbers
        them, `x#1`, `x#2` and so on, and enters those beyond the first as copies.
        """
        ...


@dataclass(frozen=True, slots=True)
class Observation:
    """What a barrier keeps of a batch.

    `exchange`: rows that travel, to the reduce partition named in `_partition` (UInt32, below
    `partitions`); normally with an `_address`. `kept`: None, or one row per record, in order,
    to be looked up by address in `resolve`.
    """

    exchange: Table
    kept: Table | None = None


@dataclass(frozen=True, slots=True)
class Reduced:
    """What a partition came to: `rows` stay on disk and meet their record again in `apply`, by
    `_address` (at most one row per record over all partitions, unless the barrier resolves);
    `summary` is small and goes to `decide`.
    """

    rows: Table
    summary: Table = field(default_factory=pl.DataFrame)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What happens to the rows of one batch, aligned with it.

    `copies` (UInt32): 0 rejects the row, 1 keeps it, n repeats it with distinct ids.
    `reason` (String): why a row with 0 copies goes. `values`: measured values and thresholds for
    the rejected. `columns`: columns to add to the rows that stay.
    """

    copies: pl.Series
    reason: pl.Series
    values: Table = field(default_factory=pl.DataFrame)
    columns: Table = field(default_factory=pl.DataFrame)


Recall = Callable[[Sequence[int]], Table]
"""Rows of `Observation.kept` by address, in the order asked for."""


@runtime_checkable
class Barrier(Stage, Protocol):
    """A stage that must see every record before the first can leave (dedup, mix, split).

    observe -> reduce -> (resolve) -> decide -> apply, a map-shuffle-reduce over small tables;
    the text never travels. Results must not depend on `partitions`, nor on the order or size of
    batches. A barrier whose verdict on a record needs more than one partition has a method
    `resolve(rows: Iterator[Table], recall: Recall) -> Reduced` (see `Resolver`).
    """

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """What must be known of these records; the batch has `_address`. Runs on any worker."""
        ...

    def reduce(self, observed: Table) -> Reduced:
        """Once per partition, in parallel: all rows of the partition, ordered by `_address`."""
        ...

    def decide(self, summaries: Iterable[Table]) -> Table:
        """Once, in the main process: the summaries in partition order -> the verdict, a small
        table that every `apply` gets and the report shows.
        """
        ...

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:
        """For each batch; `rows` is aligned with it: the reduced row of each record, else nulls.
        Where no reduced row exists at all, `rows` has only `_address`.
        """
        ...


@runtime_checkable
class Resolver(Barrier, Protocol):
    """A barrier with a last, joint look at the reduced rows of all partitions."""

    def resolve(self, rows: Iterator[Table], recall: Recall) -> Reduced:
        """The partitions' rows in partition order -> rows with one `_address` each."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Turns batches into files a trainer loads. Cutting output into files, naming and renaming
    them is the runner's work, so that no byte depends on how the input was cut.

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
