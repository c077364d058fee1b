"""Bring the classes of a column to given shares, by leaving records out and repeating others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import polars as pl

from datakit.barriers import Decisions, Observation, Recall, Reduced
from datakit.errors import DatakitError, SettingsError
from datakit.records import ADDRESS, SOURCE, Batch, Columns, Table
from datakit.stages.mix.cuts import add_up, find_cuts, settle
from datakit.stages.mix.selection import count_copies, deal, make_keys
from datakit.stages.mix.shares import Target, set_counts

CLASS = "class"
MOST_CLASSES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class BalancedMix:
    """Bring the classes of a column to given shares, or to equal ones, by leaving records out and
    repeating others.

    `column` has a record's class: a label, `source`, a language, a topic ... `weights` gives each
    class its share (`{ yes = 1, no = 3 }`: a quarter and three quarters); left out, all classes
    that occur have equal shares. A class with too many records loses some; one with too few has
    whole records repeated, each copy with its own id (`x#2`), so that none occurs more than
    `max_copies` times (1: nothing is repeated). Counts are exact.

    `budget` is the number of records of all classes together; left out, the class that is largest
    for its share keeps all its records, if the others can follow. `scarce` says what happens when
    a class is too small for its share even with `max_copies`: `"shrink"` lowers all classes with
    it, so that the shares are exact; `"accept"` lets it give what it can, and the shares are not
    met. The report names it either way.

    Which records are left out or repeated once more is decided by a hash of seed and id. Memory:
    some 60 bytes a record. To share out sources by tokens, use `mix.weighted`.

    Reasons: `balanced_out` (beyond its class's count), `not_in_mixture` (a class that `weights`
    does not name), `no_class` (null). The report shows for each class what there was, target and
    achieved, their shares, and how often its records occur (`epochs`).
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    column: str
    weights: Mapping[str, float] = field(default_factory=dict)
    max_copies: int = 1
    budget: int | None = None
    scarce: Literal["shrink", "accept"] = "shrink"
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.column.strip() or self.column.startswith("_"):
            raise SettingsError("column", f"{self.column!r} names no column", 'column = "label"')
        for name, weight in self.weights.items():
            if not 0 < weight < float("inf"):
                hint = "leave the class out, or reject it before"
                raise SettingsError("weights", f"{name} = {weight} is not above 0", hint)
        if self.max_copies < 1:
            raise SettingsError("max_copies", f"{self.max_copies} leaves no record")
        if self.budget is not None and self.budget < 1:
            raise SettingsError("budget", f"{self.budget} records leave nothing")
        if self.scarce not in ("shrink", "accept"):
            raise SettingsError("scarce", f"{self.scarce!r} is none of 'shrink', 'accept'")

    @property
    def needs(self) -> Columns:
        """The column of the classes."""
        return frozenset({self.column}) - {SOURCE}

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """Each record's class and place in the order of selection."""
        # The arithmetic of mixtures calls what it shares out a source.
        rows = batch.select(
            self._classes(batch).alias(SOURCE),
            pl.col(ADDRESS).alias("address"),
            make_keys(batch, self._salt),
            pl.lit(1, dtype=pl.Int64).alias("units"),
        ).drop_nulls(SOURCE)
        if self.weights:
            rows = rows.filter(pl.col(SOURCE).is_in(list(self.weights)))
        return Observation(deal(rows, partitions))

    def reduce(self, observed: Table) -> Reduced:
        """The partition in order of selection, records counted up by class."""
        rows = observed.sort("key", "address")
        return Reduced(rows.with_columns(pl.col("units").cum_sum().over(SOURCE).alias("end")))

    def resolve(self, rows: Iterator[Table], recall: Recall) -> Reduced:  # noqa: ARG002
        """The counts, and for each class the last record (key, address) before its cut."""
        partitions = [table for table in rows if table.height]
        available = add_up(partitions)
        targets = self._set_targets(available)
        if not targets:
            return Reduced(pl.DataFrame(schema={ADDRESS: pl.UInt64}))
        cuts = find_cuts(partitions, targets, available)
        summary = settle(available, targets, cuts).rename({SOURCE: CLASS}).drop("available")
        return Reduced(pl.DataFrame(schema={ADDRESS: pl.UInt64}), summary.sort(CLASS))

    def decide(self, summaries: Iterable[Table]) -> Table:
        """Target and achieved by class; the columns `_...` say where each class is cut."""
        tables = list(summaries)
        return pl.concat(tables) if tables else pl.DataFrame()

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:
        """Copies of each record: the full passes, and one more before the cut."""
        if not verdict.width:
            verdict = pl.DataFrame(schema=_EMPTY_VERDICT)
        placed = pl.DataFrame([self._classes(batch), make_keys(batch, self._salt), rows[ADDRESS]])
        placed = placed.join(verdict, on=CLASS, how="left", maintain_order="left")
        decided = count_copies(placed).with_columns(placed[CLASS])
        why = (
            pl.when(pl.col(CLASS).is_null())
            .then(pl.lit("no_class"))
            .when(~pl.col("is_named"))
            .then(pl.lit("not_in_mixture"))
            .otherwise(pl.lit("balanced_out"))
        )
        reason = decided.select(why.alias("why")).to_series()
        return Decisions(decided["copies"], reason, placed.select(CLASS, "target", "records"))

    @property
    def _salt(self) -> str:
        return f"mix.balance:{self.seed or 0}"

    def _classes(self, batch: Batch) -> pl.Series:
        values = batch[self.column]
        if values.dtype.is_nested():
            message = f"mix.balance: the column {self.column!r} holds {values.dtype}"
            raise DatakitError(f"{message}, but a record has one class: a text, number or flag")
        return values.cast(pl.String).alias(CLASS)

    def _set_targets(self, available: Table) -> dict[str, Target]:
        counts = dict(available.select(SOURCE, "available").sort(SOURCE).iter_rows())
        if len(counts) > MOST_CLASSES:
            message = (
                f"mix.balance: the column {self.column!r} has {len(counts):,} different values"
            )
            raise DatakitError(f"{message}, more than {MOST_CLASSES:,}; is it a class?")
        for name in self.weights:
            if name not in counts:
                raise DatakitError(
                    f"mix.balance: no record has {self.column} = {name!r}; take it out of weights, "
                    "or see what rejected its records"
                )
        return (
            set_counts(
                self.weights or dict.fromkeys(counts, 1.0),
                counts,
                max_copies=self.max_copies,
                budget=self.budget,
                shrinks=self.scarce == "shrink",
            )
            if counts
            else {}
        )


_EMPTY_VERDICT = {
    CLASS: pl.String,
    "target": pl.Int64,
    "records": pl.Int64,
    "_passes": pl.UInt32,
    "_cut_key": pl.UInt64,
    "_cut_address": pl.UInt64,
}
