"""Stages that must see every record before the first can leave: dedup, mix, split, select."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import polars as pl

from datakit.records import Batch, Table
from datakit.stage import Stage


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
    `_address` (at most one row per record over all partitions, unless the barrier resolves or has
    `many_rows`); `summary` is small and goes to `decide`.
    """

    rows: Table
    summary: Table = field(default_factory=pl.DataFrame)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What happens to the rows of one batch, aligned with it.

    `copies` (UInt32): 0 rejects the row, 1 keeps it, n repeats it with distinct ids.
    `reason` (String): why a row with 0 copies goes. `values`: measured values and thresholds for
    the rejected. `columns`: columns to add to the rows that stay, or to put in place of theirs.
    `edits`: what was changed in rows that stay, by what is counted (`lines removed`: 12); the
    report shows the sums by stage and source.
    """

    copies: pl.Series
    reason: pl.Series
    values: Table = field(default_factory=pl.DataFrame)
    columns: Table = field(default_factory=pl.DataFrame)
    edits: Mapping[str, int] = field(default_factory=dict)


Recall = Callable[[Sequence[int]], Table]
"""Rows of `Observation.kept` (for an `Illustrator`: records) by address, in the order asked for."""


@runtime_checkable
class Barrier(Stage, Protocol):
    """A stage that must see every record before the first can leave (dedup, mix, split).

    observe -> reduce -> (resolve) -> decide -> apply, a map-shuffle-reduce over small tables;
    the text never travels. Results must not depend on `partitions`, nor on the order or size of
    batches. A barrier whose verdict on a record needs more than one partition is a `Resolver`
    or a `Regrouper`. One that decides on parts of records, each by itself, says so with the class
    attribute `many_rows = True`: a record may then have any number of reduced rows, and `apply`
    gets each column as a list, in the order of the rows' values.
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


@dataclass(frozen=True, slots=True)
class KeptShard:
    """What a barrier kept of one shard: its source (None: it is a reference, see `Referrer`), its
    number of records (0 where the barrier did not see it), and the kept rows, which stay on disk
    until they are looked at.
    """

    source: str | None
    rows: int
    kept: Callable[[], Table]


@dataclass(frozen=True, slots=True)
class Regrouped:
    """How a `Regrouper` deals its work anew.

    `members`: the reduced rows again, each with its group (`_partition`). `assigned`: `_address`
    and `_partition` of the records whose kept rows go to a group, ordered by address.
    """

    groups: int
    members: Iterator[Table]
    assigned: Table
    summary: Table = field(default_factory=pl.DataFrame)


@runtime_checkable
class Regrouper(Barrier, Protocol):
    """A barrier that deals its work a second time, by what `reduce` found to belong together:
    observe -> reduce -> regroup -> settle -> decide -> apply.

    `regroup` runs once and handles numbers only; what was kept of the records then travels to
    their groups, which are settled in parallel. So memory is bounded by the largest group.
    """

    def regroup(
        self, rows: Callable[[], Iterator[Table]], shards: Sequence[KeptShard]
    ) -> Regrouped:
        """The partitions' rows in partition order, as often as asked for -> the groups."""
        ...

    def settle(self, members: Table, kept: Table) -> Reduced:
        """Once per group: its members, and the kept rows of its records with their `_address`,
        in its order -> rows with one `_address` each.
        """
        ...


@runtime_checkable
class Referrer(Regrouper, Protocol):
    """A regrouping barrier that compares with records from outside the run, too."""

    def references(self) -> Sequence[Any]:
        """The pieces to compare with, each small enough for one task; they pickle."""
        ...

    def refer(self, piece: Any, shard: int, partitions: int) -> Observation:
        """What `observe` gives for records, of a piece that has the addresses of `shard`."""
        ...


@runtime_checkable
class IndexWriter(Barrier, Protocol):
    """A barrier that can leave an index of the records that stay, for later runs."""

    def save(self, staying: Callable[[], Iterator[Table]]) -> None:
        """Write the index, if there is to be one, from the kept rows of these records, in order."""
        ...


@runtime_checkable
class Illustrator(Barrier, Protocol):
    """A barrier whose verdict shows texts."""

    def illustrate(self, verdict: Table, recall: Recall) -> Table:
        """The verdict with excerpts; `recall` gives whole records by address."""
        ...
