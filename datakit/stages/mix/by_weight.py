"""Turn the weights of records into copies."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from datakit.barriers import Decisions, Observation, Reduced
from datakit.errors import DatakitError, SettingsError
from datakit.ranking import read_numbers
from datakit.records import ADDRESS, SOURCE, WEIGHT, Batch, Columns, Table
from datakit.stages.mix.selection import deal, make_keys

STEPS = 1 << 24
"""Chances are taken to 1 / STEPS, weights are added up to it."""
COUNTS = ("records", "weight", "achieved", "rejected")


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightMix:
    """Turn the weights of records into copies, for trainers that know no weights.

    A record of weight 2.3 is there twice, and with a chance of 0.3 once more; one of weight 0.1
    stays with a chance of 0.1. The chance is a hash of seed and id. Copies have ids of their own
    (`x#2`), and all records that stay have weight 1 from then on. A null weight is 1. A weight
    above `max_copies`, or below 0, is an error.

    Reason: `weighed_out`, with the `weight`. The report has, by source, the records, the sum of
    their weights, what was achieved (records with copies), and the rejected.
    """

    needs: ClassVar[Columns] = frozenset({WEIGHT})
    adds: ClassVar[Columns] = frozenset({WEIGHT})
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    max_copies: int = 10
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.max_copies < 1:
            raise SettingsError("max_copies", f"{self.max_copies} leaves no record")

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """Each record's weight and copies, to be added up."""
        rows = batch.select(SOURCE, pl.col(ADDRESS), make_keys(batch, self._salt)).with_columns(
            self._weights(batch), self._copies(batch)
        )
        return Observation(deal(rows, partitions).drop("key"))

    def reduce(self, observed: Table) -> Reduced:
        """Sums by source; every record is decided by itself."""
        copies = pl.col("copies").cast(pl.Int64)
        # Whole numbers add up to the same in any order.
        weights = (pl.col(WEIGHT) * STEPS).round().cast(pl.Int64)
        sums = (pl.len(), weights.sum(), copies.sum(), (copies == 0).sum())
        summary = observed.group_by(SOURCE).agg(
            each.cast(pl.Int64).alias(name) for name, each in zip(COUNTS, sums, strict=True)
        )
        return Reduced(pl.DataFrame(schema={ADDRESS: pl.UInt64}), summary)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """The sums of all partitions."""
        tables = list(summaries)
        if not tables:
            return pl.DataFrame()
        sums = pl.concat(tables).group_by(SOURCE).agg(pl.col(COUNTS).sum()).sort(SOURCE)
        return sums.with_columns(pl.col(WEIGHT) / STEPS)

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Copies of each record."""
        copies = self._copies(batch)
        reason = pl.Series(["weighed_out"], dtype=pl.String).new_from_index(0, batch.height)
        ones = pl.Series(WEIGHT, [1.0]).new_from_index(0, batch.height)
        return Decisions(copies, reason, self._weights(batch).to_frame(), ones.to_frame())

    @property
    def _salt(self) -> str:
        return f"mix.by_weight:{self.seed or 0}"

    def _weights(self, batch: Batch) -> pl.Series:
        weights = read_numbers(batch[WEIGHT]).fill_null(1.0)
        wrong = weights.filter(~weights.is_between(0, self.max_copies))
        if len(wrong):
            message = f"mix.by_weight: a weight is {wrong[0]}, not 0 to max_copies"
            raise DatakitError(f"{message} = {self.max_copies}; see annotate.weight's bounds")
        return weights

    def _copies(self, batch: Batch) -> pl.Series:
        chance = (make_keys(batch, self._salt) % STEPS).cast(pl.Float64) / STEPS
        rows = pl.DataFrame([self._weights(batch), chance.alias("chance")])
        whole = pl.col(WEIGHT).floor()
        is_more = pl.col("chance") < pl.col(WEIGHT) - whole
        copies = whole.cast(pl.UInt32) + is_more.cast(pl.UInt32)
        return rows.select(copies.alias("copies")).to_series()
