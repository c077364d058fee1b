"""Keep the share of records that a fastText classifier likes best."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import polars as pl

from datakit.barriers import Decisions, Observation, Reduced
from datakit.errors import SettingsError
from datakit.records import ADDRESS, CONTENT, PARTITION, SOURCE, Batch, Columns, Table
from datakit.stages.filter.classifying import TokensSetting, complete_card, score_batch
from datakit.text.classifier_tokens import Card

GROUP = "group"
SCHEMA = {GROUP: pl.String, "score": pl.Float64, "records": pl.Int64}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifierTop:
    """Keep the share `keep` of all records with the highest scores of a fastText classifier.

    `model`, `label`, `tokens` and `max_chars` are as for `filter.classifier`. `keep` is a share of
    the records that reach this stage, above 0 and below 1: 0.1 keeps the best tenth, as DCLM does
    (its threshold came out at 0.018112). With `per_source` it is the share of each source, which
    keeps a mixture's shares. The number kept is exact; of records with equal scores (6 decimal
    places count) those that were read first stay. All records must be seen before the first can
    leave: the texts wait on disk meanwhile.

    Reason: `below_top`. The report shows how many were kept, and from which score on.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("jieba", "polars")

    model: Path
    keep: float
    per_source: bool = False
    label: str | None = None
    tokens: TokensSetting = "auto"
    max_chars: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.keep < 1:
            raise SettingsError("keep", f"{self.keep} is not between 0 and 1", "0.1: a tenth")
        card = complete_card(self.model, self.label, self.tokens, self.max_chars)
        for name in ("label", "tokens", "max_chars"):
            object.__setattr__(self, name, getattr(card, name))

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """Each record's score; equal scores go to one partition."""
        assert self.label is not None
        assert self.tokens != "auto"
        assert self.max_chars is not None
        card = Card(tokens=self.tokens, max_chars=self.max_chars, label=self.label)
        scores = score_batch(batch, self.model, card)
        group = pl.col(SOURCE) if self.per_source else pl.lit("all")
        # Scores crowd at both ends; their last places do not.
        partition = ((scores * 1e6).round().cast(pl.UInt32) % partitions).alias(PARTITION)
        return Observation(batch.select(ADDRESS, group.alias(GROUP), scores, partition))

    def reduce(self, observed: Table) -> Reduced:
        """Each record's place among those of equal score, and how many there are of each."""
        place = pl.int_range(pl.len(), dtype=pl.UInt32).over(GROUP, "score").alias("place")
        counts = observed.group_by(GROUP, "score").agg(pl.len().cast(pl.Int64).alias("records"))
        return Reduced(observed.with_columns(place), counts)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """For each group the lowest score kept (null if none is), and how many of the records that
        have it stay.
        """
        counts = pl.concat([pl.DataFrame(schema=SCHEMA), *summaries])
        counts = counts.sort(GROUP, "score", descending=[False, True])
        share = Fraction(str(self.keep))
        rows = []
        for (group,), scores in counts.group_by(GROUP, maintain_order=True):
            total = int(scores["records"].sum())
            target = int(share * total + Fraction(1, 2))
            before = scores["records"].cum_sum() - scores["records"]
            at = max(int((before < target).sum()) - 1, 0)
            kept_there = min(target - int(before[at]), int(scores["records"][at]))
            lowest = scores["score"][at] if target else None
            rows.append((group, total, target, target / total, lowest, kept_there))
        names = (GROUP, "records", "kept", "share", "lowest_score", "_kept_there")
        kinds = (pl.String, pl.Int64, pl.Int64, pl.Float64, pl.Float64, pl.Int64)
        return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """One copy of what lies above the cut."""
        placed = rows.join(verdict, on=GROUP, how="left", maintain_order="left")
        score, lowest = pl.col("score"), pl.col("lowest_score")
        is_kept = (score > lowest) | ((score == lowest) & (pl.col("place") < pl.col("_kept_there")))
        decided = placed.select(
            is_kept.fill_null(False).cast(pl.UInt32).alias("copies"),
            pl.lit("below_top").alias("reason"),
        )
        values = placed.select(
            pl.lit(self.label).alias("label"), score, lowest, pl.lit(self.keep).alias("keep")
        )
        return Decisions(decided["copies"], decided["reason"], values)
