"""Bring sources to given shares of a mixture."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal

import polars as pl

from datakit.barriers import Decisions, Observation, Recall, Reduced
from datakit.errors import DatakitError, SettingsError
from datakit.records import (
    ADDRESS,
    CONTENT,
    SOURCE,
    Batch,
    Columns,
    Table,
    joined_content,
)
from datakit.stages.mix.cuts import add_up, find_cuts, settle
from datakit.stages.mix.selection import count_copies, deal, make_keys
from datakit.stages.mix.shares import Target, set_targets
from datakit.text.tokens_estimate import estimate_tokens

N_TOKENS = "n_tokens"


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightedMix:
    """Bring the sources to given shares of a mixture, by tokens, characters or records.

    `weights` gives each source its share (`{ medical = 1, general = 4 }`: a fifth and four
    fifths). `unit` is what is shared out: `"tokens"` (the column `n_tokens` where it is there,
    else an estimate from the script of the characters), `"chars"` or `"records"`. `max_epochs` is
    how often a source may be passed over, one number or one for each source (1 for those left
    out): 0.5 takes at most half of it, 2 lets each record occur twice. `budget` is the size of
    the whole mixture, in the unit; left out, the mixture is as large as the scarcest source
    allows. A budget that some source is too small for is lowered, and the report names the
    source.

    Which records are taken is decided by a hash of seed and id; the cut lies where the target is
    reached, to within half a record. Where a source is passed over more than once, whole records
    are repeated, each copy with its own id: `x#2`, or the next number that no copy or part of `x`
    has from an earlier stage.

    Records of a source that `weights` does not name are rejected; to let them pass untouched,
    restrict the stage to the others (`only = ["medical", "general"]`). A named source that has
    nothing to give is an error.

    Reasons: `mixed_out` (beyond the target), `not_in_mixture`. The report shows for each source
    what there was, target and achieved, and its epochs.
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    weights: dict[str, float]
    unit: Literal["tokens", "chars", "records"] = "tokens"
    max_epochs: float | dict[str, float] = 1.0
    budget: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.weights:
            hint = "weights = { medical = 1, general = 4 }"
            raise SettingsError("weights", "names no source", hint)
        _check_positive("weights", self.weights)
        if isinstance(self.max_epochs, Mapping):
            _check_positive("max_epochs", self.max_epochs)
            if unknown := sorted(set(self.max_epochs) - set(self.weights)):
                raise SettingsError("max_epochs", f"{unknown[0]!r} is not among the weights")
        elif not 0 < self.max_epochs < float("inf"):
            raise SettingsError("max_epochs", f"{self.max_epochs} is not above 0")
        if self.budget is not None and self.budget < 1:
            raise SettingsError("budget", f"{self.budget} {self.unit} leave nothing")

    @property
    def needs(self) -> Columns:
        """The content, unless records are counted."""
        return frozenset() if self.unit == "records" else frozenset({CONTENT})

    @property
    def sources(self) -> frozenset[str]:
        """The sources that the settings name."""
        return frozenset(self.weights)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """Each record's place in the order of selection, and its size."""
        key = make_keys(batch, self._salt)
        rows = batch.select(SOURCE, pl.col(ADDRESS).alias("address"), key, self._units(batch))
        chosen = rows.filter(pl.col(SOURCE).is_in(list(self.weights)))
        return Observation(deal(chosen, partitions))

    def reduce(self, observed: Table) -> Reduced:
        """The partition in order of selection, sizes added up by source."""
        rows = observed.sort("key", "address")
        return Reduced(rows.with_columns(pl.col("units").cum_sum().over(SOURCE).alias("end")))

    def resolve(self, rows: Iterator[Table], recall: Recall) -> Reduced:  # noqa: ARG002
        """The targets, and for each source the last record (key, address) before its cut.

        Nothing is kept for each record: `apply` knows by the key on which side it lies.
        """
        partitions = [table for table in rows if table.height]
        available = add_up(partitions)
        targets = self._set_targets(available)
        cuts = find_cuts(partitions, targets, available)
        weights = pl.DataFrame(
            {SOURCE: list(self.weights), "weight": map(float, self.weights.values())},
            schema={SOURCE: pl.String, "weight": pl.Float64},
        ).with_columns(pl.lit(self.unit).alias("unit"))
        summary = weights.join(settle(available, targets, cuts), on=SOURCE).sort(SOURCE)
        return Reduced(pl.DataFrame(schema={ADDRESS: pl.UInt64}), summary)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """Target and achieved by source; the columns `_...` say where each source is cut."""
        tables = list(summaries)
        return pl.concat(tables) if tables else pl.DataFrame()

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:
        """Copies of each record: the full passes, and one more before the cut."""
        key = make_keys(batch, self._salt)
        placed = batch.select(SOURCE, key).with_columns(rows[ADDRESS])
        placed = placed.join(verdict, on=SOURCE, how="left", maintain_order="left")
        decided = count_copies(placed)
        why = pl.when("is_named").then(pl.lit("mixed_out")).otherwise(pl.lit("not_in_mixture"))
        reason = decided.select(why.alias("why")).to_series()
        values = placed.select(SOURCE, "unit", "target", "available")
        return Decisions(decided["copies"], reason, values)

    @property
    def _salt(self) -> str:
        return f"mix.weighted:{self.seed or 0}"

    def _units(self, batch: Batch) -> pl.Series:
        if self.unit == "records":
            return pl.Series("units", [1], dtype=pl.Int64).new_from_index(0, batch.height)
        content = joined_content(batch)
        if self.unit == "chars":
            return content.str.len_chars().fill_null(0).cast(pl.Int64).alias("units")
        if N_TOKENS not in batch.columns:
            return estimate_tokens(content).alias("units")
        counted = batch[N_TOKENS].cast(pl.Int64)
        if counted.null_count():
            counted = counted.zip_with(counted.is_not_null(), estimate_tokens(content))
        return counted.alias("units")

    def _set_targets(self, available: Table) -> dict[str, Target]:
        units = dict(available.select(SOURCE, "available").iter_rows())
        for source in self.weights:
            if not units.get(source):
                raise DatakitError(
                    f"mix.weighted: source {source!r} has no {self.unit} to give; "
                    f"take it out of weights, or see what rejected its records"
                )
        epochs = self.max_epochs
        caps = epochs if isinstance(epochs, Mapping) else dict.fromkeys(self.weights, epochs)
        most = {s: int(units[s] * Fraction(str(caps.get(s, 1.0)))) for s in self.weights}
        return set_targets(self.weights, most, self.budget)


def _check_positive(key: str, numbers: Mapping[str, float]) -> None:
    for source, number in numbers.items():
        if not 0 < number < float("inf"):
            hint = "leave the source out, or reject it before" if key == "weights" else ""
            raise SettingsError(key, f"{source} = {number} is not above 0", hint)
