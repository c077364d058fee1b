"""Choose records that are not alike, so that few of them cover the data."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.barriers import Decisions, Observation, Recall, Reduced
from datakit.conversations.compared import check_part, columns_of_part, select_part
from datakit.errors import SettingsError
from datakit.ranking import order_numbers
from datakit.records import ADDRESS, ID, PARTITION, SOURCE, Batch, Columns, Table, hash_strings
from datakit.stages.select.chosen import (
    IS_TAKEN,
    KEPT_ID,
    NEAREST,
    RECALLED_ROWS,
    SIMILARITY,
    count_by_source,
    is_similar,
    name_nearest,
    recall_vectors,
)
from datakit.stages.select.greedy import BLOCK, Choice, take_dissimilar, take_farthest
from datakit.stages.select.static_model import FILES, check_model, embed_texts
from datakit.stages.select.vectors import (
    Floats,
    Vectors,
    hash_texts,
    read_embeddings,
    subtract_mean,
    to_column,
)

RANK, NOISE = "rank", "noise"
WORDING_THRESHOLD, EMBEDDING_THRESHOLD = 0.5, 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class DiverseSelection:
    """Choose records that are not alike, so that few of them cover the data.

    Records are gone through in an order: by the column `score`, the greatest first (nulls last,
    equal ones by a hash of seed and id), or without it by that hash alone. `budget` is the number
    of records to choose, `fraction` their share of those that can be compared; with neither,
    `threshold` alone decides. `method` is one of:

    - `"score_first"`: a record is taken if its similarity to all taken before is below
      `threshold`, until there are enough (DEITA, arXiv 2312.15685);
    - `"k_center"`: the first record of the order, then always the one that is farthest from all
      taken, until there are enough or the farthest is as near as `threshold` (k-centre greedy,
      arXiv 1708.00489). Odd records come early: clean the data before.

    `on` is what is compared: `"content"`, the text or the contents of all messages; `"prompt"`,
    the first user message; `"response"`, the last assistant message; `"context"`, all messages
    before that one; or the name of a column. Similarity is the cosine of vectors, from -1 to 1, of
    two kinds:

    - of wording: n-grams of 1 to `ngram_size` words (in scripts without spaces, characters),
      hashed to `dimensions` numbers, less what all records have in common. Unrelated records are
      near 0; among short medical questions, pairs from 0.5 up ask nearly the same in the same
      words, from 0.3 up they are of one topic; near-duplicates are at 0.9. One matter in other
      words is not seen. `threshold` is 0.5 unless given;
    - of meaning: `embedding` names a column with the embeddings of a model, lists of numbers (or
      their JSON text, as readers give a mapped field), used as they are; or `model` is the local
      folder of a static model in the form of model2vec, which embeds what `on` names (it needs
      `pip install 'datakit[embeddings]'`). `threshold` is 0.9, as DEITA's, unless given.

    The same records are chosen whatever the batches, shards and workers, and on every machine (a
    `model`'s own sums apart). Disk: 2 bytes a dimension and record. Memory: some 60 bytes a record,
    and 8 bytes a dimension of each record taken (`score_first`) or 4 bytes a dimension of every
    record (`k_center`). Time grows with the records times those taken times the dimensions.

    Reasons: `too_similar`, with the `similarity` to the nearest record taken, its `kept_id`, and
    `threshold`; `beyond_budget` (with `k_center` likewise); `nothing_to_compare`. The report has,
    by source, the records compared, those selected and both kinds of rejects.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars", "model2vec", "tokenizers")
    adds: ClassVar[Columns] = frozenset()

    method: Literal["score_first", "k_center"] = "score_first"
    budget: int | None = None
    fraction: float | None = None
    threshold: float | None = None
    score: str | None = None
    on: str = "content"
    embedding: str | None = None
    model: Path | None = None
    ngram_size: int = 2
    dimensions: int = 512
    seed: int | None = None

    def __post_init__(self) -> None:
        check_part(self.on)
        if self.method not in ("score_first", "k_center"):
            raise SettingsError("method", f"{self.method!r} is none of 'score_first', 'k_center'")
        if self.budget is not None and self.fraction is not None:
            raise SettingsError("fraction", "either `fraction` or `budget` can be given, not both")
        if self.budget is not None and self.budget < 1:
            raise SettingsError("budget", f"{self.budget} records leave nothing")
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise SettingsError("fraction", f"{self.fraction} is not above 0 and at most 1")
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise SettingsError("threshold", f"{self.threshold} is not above 0 and at most 1")
        if self.model is not None:
            if self.embedding is not None:
                raise SettingsError("model", "either `embedding` or `model` can be given, not both")
            check_model(self.model)
        if self.ngram_size < 1:
            raise SettingsError("ngram_size", f"{self.ngram_size} is less than 1")
        if not 16 <= self.dimensions <= 8192:
            raise SettingsError("dimensions", f"{self.dimensions} is not 16 to 8192")

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the model."""
        return () if self.model is None else tuple(self.model / name for name in FILES)

    @property
    def _is_wording(self) -> bool:
        return self.embedding is None and self.model is None

    @property
    def _limit(self) -> float:
        if self.threshold is not None:
            return self.threshold
        return WORDING_THRESHOLD if self._is_wording else EMBEDDING_THRESHOLD

    @property
    def needs(self) -> Columns:
        """What is compared, and the score."""
        compared = columns_of_part(self.on) if self.embedding is None else {self.embedding}
        return frozenset(compared) | ({self.score} if self.score else frozenset())

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """Each record's place in the order; its id and vector are kept for `resolve`."""
        vectors, has_vector = self._vectors(batch)
        noise = hash_strings(batch[ID], seed=self._salt()).alias(NOISE)
        rank = pl.Series(RANK, [0], dtype=pl.UInt64).new_from_index(0, batch.height)
        if self.score is not None:
            rank = order_numbers(batch[self.score]).alias(RANK)
        rows = batch.select(ADDRESS, SOURCE).with_columns(
            rank, noise, (noise % partitions).cast(pl.UInt32).alias(PARTITION)
        )
        kept = pl.DataFrame([batch[ID], to_column(vectors)])
        return Observation(rows.filter(pl.Series(has_vector)), kept)

    def reduce(self, observed: Table) -> Reduced:
        """The records as they are."""
        return Reduced(observed)

    def resolve(self, rows: Iterator[Table], recall: Recall) -> Reduced:
        """Which records are taken, and what the others are like."""
        tables = [table.drop(PARTITION, strict=False) for table in rows if table.height]
        if not tables:
            return Reduced(pl.DataFrame(schema={ADDRESS: pl.UInt64}))
        ranked = pl.concat(tables).sort(RANK, NOISE, ADDRESS).select(ADDRESS, SOURCE)
        choice = self._choose(ranked[ADDRESS], recall)
        seen = choice.is_taken.size
        rest = ranked.height - seen
        decided = ranked.with_columns(
            pl.Series(IS_TAKEN, np.append(choice.is_taken, np.zeros(rest, dtype=np.bool_))),
            pl.Series(SIMILARITY, np.append(choice.similarity, np.full(rest, -np.inf))),
            pl.Series(NEAREST, np.append(choice.nearest, np.full(rest, -1))),
        )
        named = name_nearest(decided, recall)
        summary = count_by_source(named, threshold=self._limit)
        return Reduced(named.select(ADDRESS, IS_TAKEN, SIMILARITY, KEPT_ID), summary)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """The counts by source."""
        tables = list(summaries)
        return pl.concat(tables) if tables else pl.DataFrame()

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Those taken stay."""
        if IS_TAKEN not in rows.columns:
            rows = rows.with_columns(
                pl.lit(None, dtype=pl.Boolean).alias(IS_TAKEN),
                pl.lit(None, dtype=pl.Float64).alias(SIMILARITY),
                pl.lit(None, dtype=pl.String).alias(KEPT_ID),
            )
        reason = (
            pl.when(pl.col(IS_TAKEN).is_null())
            .then(pl.lit("nothing_to_compare"))
            .when(is_similar(self._limit))
            .then(pl.lit("too_similar"))
            .otherwise(pl.lit("beyond_budget"))
        )
        decided = rows.select(
            pl.col(IS_TAKEN).fill_null(False).cast(pl.UInt32).alias("copies"), reason.alias("why")
        )
        threshold = pl.when(pl.col(SIMILARITY).is_not_null()).then(pl.lit(self._limit))
        values = rows.select(SIMILARITY, KEPT_ID, threshold.alias("threshold"))
        return Decisions(decided["copies"], decided["why"], values)

    def _salt(self) -> int:
        salt = pl.Series([f"select.diverse:{self.seed or 0}"], dtype=pl.String)
        return int(hash_strings(salt)[0])

    def _vectors(self, batch: Batch) -> tuple[Vectors, NDArray[np.bool_]]:
        if self.embedding is not None:
            return read_embeddings(batch[self.embedding])
        texts = select_part(batch, self.on).fill_null("")
        if self.model is not None:
            vectors = embed_texts(texts, self.model)
        else:
            vectors = hash_texts(texts, ngram_size=self.ngram_size, dimensions=self.dimensions)
        return vectors, np.abs(vectors).max(axis=1, initial=0) > 0

    def _choose(self, addresses: pl.Series, recall: Recall) -> Choice:
        """The choice among records in this order."""
        mean = self._mean(addresses, recall)
        most = len(addresses) if self.budget is None else self.budget
        if self.fraction is not None:
            most = round(self.fraction * len(addresses))

        def blocks(size: int) -> Iterator[Vectors]:
            for vectors in recall_vectors(addresses, recall, size):
                yield vectors if mean is None else subtract_mean(vectors, mean)

        if self.method == "score_first":
            return take_dissimilar(blocks(BLOCK), threshold=self._limit, budget=most)
        vectors = np.concatenate(list(blocks(RECALLED_ROWS)))
        return take_farthest(vectors, threshold=self._limit, budget=most)

    def _mean(self, addresses: pl.Series, recall: Recall) -> Floats | None:
        """What wordings have in common; None for embeddings. Sums are of whole numbers."""
        if not self._is_wording:
            return None
        total = np.zeros(self.dimensions, dtype=np.int64)
        for vectors in recall_vectors(addresses.sort(), recall, RECALLED_ROWS):
            total += vectors.sum(axis=0, dtype=np.int64)
        mean: Floats = total / len(addresses)
        return mean
