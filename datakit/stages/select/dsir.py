"""Choose the records that are most like a target corpus."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from datakit.barriers import Decisions, Observation, Recall, Reduced
from datakit.errors import DatakitError, SettingsError
from datakit.records import (
    ADDRESS,
    CONTENT,
    ID,
    PARTITION,
    SOURCE,
    Batch,
    Columns,
    Table,
    hash_strings,
    joined_content,
)
from datakit.stages.select.choice import choose
from datakit.stages.select.features import (
    Features,
    Ints,
    count_buckets,
    from_table,
    log_ratios,
    make_features,
    to_table,
    weigh,
)
from datakit.stages.select.tables import (
    EXCHANGE,
    ROWS,
    WEIGHT,
    count_rows,
    make_gumbel,
    summarise,
)
from datakit.text.tokens_estimate import estimate_tokens

RECALLED_ROWS = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class DsirSelection:
    """Choose the records that are most like the sources `target`, by importance resampling over
    hashed n-grams (DSIR, arXiv 2302.03169).

    Records of the target sources stay. All others are candidates: each is weighed by how much more
    often its words and pairs of words stand in the target than among the candidates, and drawn
    with a chance that grows with its weight. `fraction` of the candidates (0.1: a tenth) or
    `budget` records, characters or estimated tokens (`unit`) are chosen.

    Words are runs of letters and digits, in Chinese and other scripts without spaces single
    characters; the published code makes a whole Chinese clause one word. Other figures:

    - `buckets` (10,000) and `ngram_size` (2: single words and pairs), as published;
    - `chunk_units`: a record weighs as a piece of it of so many words would, so that length alone
      decides nothing (128, the paper's length of a piece); 0 adds up over the whole record, as
      the published code does, and favours long records or short ones;
    - `min_units`: candidates with fewer words are not chosen (100, as published);
    - `noise`: `false` takes the heaviest instead of drawing.

    The draw is Gumbel top-k, its noise a hash of seed and id: the same records on every machine,
    however many workers. Adds `dsir_weight` (the logarithm of the weight; null for the target).
    Disk: some 0.7 (English) to 1.3 (Chinese) times the text. Memory: 50 bytes a candidate.

    Reasons: `not_selected`, `too_few_units`. The report shows by source how far the target's words
    are from all candidates and from the chosen (Kullback-Leibler divergence in nats), and the mean
    weights.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset({WEIGHT})
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    target: tuple[str, ...]
    fraction: float | None = None
    budget: int | None = None
    unit: Literal["records", "chars", "tokens"] = "records"
    buckets: int = 10_000
    ngram_size: int = 2
    chunk_units: int = 128
    min_units: int = 100
    noise: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.target:
            raise SettingsError("target", "names no source", 'target = ["medical"]')
        if (self.fraction is None) == (self.budget is None):
            raise SettingsError("fraction", "either `fraction` or `budget` is needed, and not both")
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise SettingsError("fraction", f"{self.fraction} is not above 0 and at most 1")
        least = {"budget": 1, "buckets": 2, "ngram_size": 1, "chunk_units": 0, "min_units": 1}
        for key, bound in least.items():
            value = getattr(self, key)
            if value is not None and value < bound:
                raise SettingsError(key, f"{value} is less than {bound}")
        if self.unit not in ("records", "chars", "tokens"):
            raise SettingsError("unit", f"{self.unit!r} is none of 'records', 'chars', 'tokens'")

    @property
    def sources(self) -> frozenset[str]:
        """The sources that the settings name."""
        return frozenset(self.target)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """Bucket counts of each source in the batch; size and noise of each candidate. Its
        features are kept for `resolve`.
        """
        content = joined_content(batch).fill_null("")
        features = make_features(content, ngram_size=self.ngram_size, buckets=self.buckets)
        kept = to_table(features, self.buckets)
        counts = [
            count_rows(
                str(source),
                list(from_table(kept.filter(batch[SOURCE] == source))),
                buckets=self.buckets,
                partitions=partitions,
            )
            for source in batch[SOURCE].unique(maintain_order=True)
        ]
        numbers = hash_strings(batch[ID], seed=self._salt())
        candidates = batch.select(ADDRESS, SOURCE).with_columns(
            pl.Series("units", features[0].lengths),
            self._sizes(content),
            make_gumbel(numbers) if self.noise else pl.lit(0.0).alias("noise"),
            (numbers % partitions).cast(pl.UInt32).alias(PARTITION),
        )
        rows = candidates.filter(~pl.col(SOURCE).is_in(list(self.target)))
        return Observation(pl.concat([rows, *counts], how="diagonal").select(*EXCHANGE), kept)

    def reduce(self, observed: Table) -> Reduced:
        """The candidates as they are, counts added up."""
        counts = observed.filter(pl.col(ADDRESS).is_null())
        sums = counts.group_by(SOURCE, "bucket", maintain_order=True).agg(pl.col("count").sum())
        candidates = observed.filter(pl.col(ADDRESS).is_not_null())
        return Reduced(pl.concat([candidates, sums], how="diagonal"))

    def resolve(self, rows: Iterator[Table], recall: Recall) -> Reduced:
        """The weight of each candidate, and whether it is chosen."""
        tables = [table.drop(PARTITION, strict=False) for table in rows if table.width]
        observed = pl.concat([pl.DataFrame(schema=ROWS), *tables], how="diagonal")
        counts = self._add_up(observed.filter(pl.col(ADDRESS).is_null()))
        candidates = observed.filter(pl.col(ADDRESS).is_not_null()).sort(ADDRESS)
        target = sum((counts[s] for s in self.target), np.zeros(self.buckets, dtype=np.int64))
        raw = sum((counts[s] for s in counts.keys() - self.sources), np.zeros_like(target))
        ratios = log_ratios(target, raw)
        weights = [
            weigh(features, ratios, chunk_units=self.chunk_units)
            for _, features in _recalled(candidates, recall)
        ]
        weighed = candidates.with_columns(
            pl.Series(WEIGHT, np.concatenate([*weights, np.zeros(0)]), dtype=pl.Float64)
        )
        chosen = choose(
            weighed, min_units=self.min_units, fraction=self.fraction, budget=self.budget
        )
        taken = self._count_chosen(chosen, recall)
        summary = summarise(chosen, target, counts, taken)
        return Reduced(chosen.select(ADDRESS, WEIGHT, "is_long", "is_chosen"), summary)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """What there was and what was chosen, by source."""
        tables = list(summaries)
        return pl.concat(tables) if tables else pl.DataFrame()

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """The target and the chosen stay."""
        found = rows if WEIGHT in rows.columns else rows.with_columns(*_UNDECIDED)
        decided = found.with_columns(batch[SOURCE].is_in(list(self.target)).alias("is_target"))
        stays = pl.col("is_target") | pl.col("is_chosen").fill_null(False)
        reason = pl.when(~pl.col("is_long")).then(pl.lit("too_few_units"))
        decided = decided.with_columns(
            stays.cast(pl.UInt32).alias("copies"),
            reason.otherwise(pl.lit("not_selected")).alias("why"),
        )
        columns = decided.select(WEIGHT)
        return Decisions(decided["copies"], decided["why"], columns, columns)

    def _salt(self) -> int:
        salt = pl.Series([f"select.dsir:{self.seed or 0}"], dtype=pl.String)
        return int(hash_strings(salt)[0])

    def _sizes(self, content: pl.Series) -> pl.Series:
        if self.unit == "tokens":
            return estimate_tokens(content).alias("size")
        if self.unit == "chars":
            return content.str.len_chars().cast(pl.Int64).alias("size")
        return pl.Series("size", [1], dtype=pl.Int64).new_from_index(0, len(content))

    def _add_up(self, counts: Table) -> dict[str, Ints]:
        """The bucket counts of each source.

        Raises:
            DatakitError: a target source has no text.
        """
        totals: dict[str, Ints] = {}
        for source, bucket, count in counts.select(SOURCE, "bucket", "count").iter_rows():
            totals.setdefault(source, np.zeros(self.buckets, dtype=np.int64))[bucket] += count
        for source in self.target:
            if source not in totals:
                raise DatakitError(
                    f"select.dsir: target source {source!r} has no text; take it out of target, "
                    "or see what rejected its records (with `only`, name it there too)"
                )
        return totals

    def _count_chosen(self, chosen: Table, recall: Recall) -> dict[str, Ints]:
        """The bucket counts of what was chosen of each source."""
        totals: dict[str, Ints] = {}
        for (source,), rows in (
            chosen.filter("is_chosen")
            .partition_by(SOURCE, as_dict=True, maintain_order=True)
            .items()
        ):
            totals[str(source)] = sum(
                (count_buckets(f, self.buckets) for _, f in _recalled(rows, recall)),
                np.zeros(self.buckets, dtype=np.int64),
            )
        return totals


_UNDECIDED = (
    pl.lit(None, dtype=pl.Float64).alias(WEIGHT),
    pl.lit(None, dtype=pl.Boolean).alias("is_long"),
    pl.lit(None, dtype=pl.Boolean).alias("is_chosen"),
)


def _recalled(rows: Table, recall: Recall) -> Iterator[tuple[Table, list[Features]]]:
    """Rows with their kept features, some at a time."""
    for start in range(0, rows.height, RECALLED_ROWS):
        piece = rows[start : start + RECALLED_ROWS]
        yield piece, list(from_table(recall(piece[ADDRESS].to_list())))
