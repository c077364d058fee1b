"""Reject records that are nearly the same as one that stays."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import polars as pl

from datakit.errors import SettingsError
from datakit.kernels.minhash import Words, make_band_keys, sign_records
from datakit.records import ADDRESS, ID, PARTITION, SOURCE, Batch, Columns, Table
from datakit.stage import Decisions, Observation, Recall, Reduced
from datakit.stages.dedup.bands import choose_bands
from datakit.stages.dedup.compared import check_part, columns_of_part, select_part
from datakit.stages.dedup.keepers import (
    KEPT_ID,
    KEPT_SOURCE,
    Keep,
    add_counts,
    check_keeper,
    count_duplicates,
    decide_duplicates,
    rank_records,
)
from datakit.stages.dedup.shingles import make_shingles
from datakit.stages.dedup.verify import (
    BUCKET,
    DUPLICATE_SCHEMA,
    SHINGLES,
    SIMILARITY,
    find_duplicates,
    number_candidates,
)

# datasketch's default; used where no pipeline gives a seed.
DEFAULT_SEED = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class MinHashDedup:
    """Keep one of the records whose texts are nearly the same.

    A text is taken as the set of its shingles: each `ngram_words` words in a row, or each
    `ngram_chars` characters where characters of scripts without spaces (Han, kana, Thai ...)
    outnumber the words of others. Compared are letters and digits, in lower case; a text shorter
    than a shingle is compared as a whole, an empty one never.

    MinHash signatures of `num_perm` permutations (datasketch 2's, scheme `affine32`), cut into
    bands so that at least 99 % of the pairs whose similarity is just `threshold` share one, give
    candidate pairs, no more. Records are then looked at in keeper order: one goes only if its
    *exact* Jaccard similarity to a candidate that stays is at least `threshold`. So each removal
    names a record that is there and similar enough, no removal goes by way of a third record, and
    no two candidates that stay are that similar.

    A single edit spoils n shingles, so similarity falls faster than the share of text changed:
    with shingles of 5, two edits in 100 characters leave 0.82, four leave 0.67. 0.8 takes
    re-posts and reprints; go to 0.7 for answers and dialogues. Exact copies are cheaper to find
    with `dedup.exact` first.

    `on` is what is compared: `"content"`, the text or the contents of all messages; `"prompt"`,
    the first user message; `"response"`, the last assistant message; or the name of a column.

    `keep` sets the keeper order: the `"first"` read, the `"longest"` in characters, or by
    `"source"`, the one whose source stands first in `source_priority` (sources not named there
    come last). Where `source_priority` is given it also goes before the other two. What is still
    equal goes by reading order.

    Reason: `near_duplicate`, with `kept_id` and `kept_source` of the most similar record that
    stays, the `similarity` and the `threshold`. The report counts, by source, the duplicates and
    the clusters by size.
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("datasketch", "polars")

    threshold: float = 0.8
    num_perm: int = 128
    ngram_words: int = 5
    ngram_chars: int = 5
    on: str = "content"
    keep: Keep = "first"
    source_priority: tuple[str, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        check_part(self.on)
        check_keeper(self.keep, self.source_priority)
        if not 0 < self.threshold <= 1:
            raise SettingsError("threshold", f"{self.threshold} is not above 0 and at most 1")
        for key in ("num_perm", "ngram_words", "ngram_chars"):
            if getattr(self, key) < 1:
                raise SettingsError(key, f"{getattr(self, key)} is less than 1")
        if choose_bands(self.threshold, self.num_perm) is None:
            message = f"{self.num_perm} permutations cannot find 99 % of the pairs at a threshold"
            hint = "raise num_perm or threshold"
            raise SettingsError("num_perm", f"{message} of {self.threshold}", hint)

    @property
    def needs(self) -> Columns:
        """What `on` reads."""
        return columns_of_part(self.on)

    @property
    def sources(self) -> frozenset[str]:
        """The sources that the settings name."""
        return frozenset(self.source_priority)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """A row for each band of each record; kept are the shingles, to verify by."""
        shingles = make_shingles(
            select_part(batch, self.on),
            ngram_words=self.ngram_words,
            ngram_chars=self.ngram_chars,
        )
        kept = batch.select(ID, SOURCE).with_columns(shingles.alias(SHINGLES))
        rank = rank_records(batch, self.keep, self.source_priority)
        records = batch.select(ADDRESS).with_columns(rank).filter(shingles.is_not_null())
        keys = self._band_keys(shingles.drop_nulls())
        rows = records.select(pl.all().repeat_by(keys.shape[1]).explode())
        bucket = pl.Series(BUCKET, keys.reshape(-1))
        partition = (pl.col(BUCKET) % partitions).cast(pl.UInt32).alias(PARTITION)
        return Observation(rows.with_columns(bucket).with_columns(partition), kept)

    def reduce(self, observed: Table) -> Reduced:
        """The rows of buckets that have more than one record."""
        return Reduced(observed.filter(pl.len().over(BUCKET) > 1))

    def resolve(self, rows: Iterator[Table], recall: Recall) -> Reduced:
        """The duplicates, verified, each with the record that stays."""
        members = [table for table in rows if table.height]
        if not members:
            return Reduced(pl.DataFrame(schema=DUPLICATE_SCHEMA))
        candidates = number_candidates(pl.concat(members))
        duplicates = find_duplicates(candidates, self.threshold, recall)
        decided = duplicates.select(ADDRESS, KEPT_ID, KEPT_SOURCE, SIMILARITY)
        return Reduced(decided, count_duplicates(duplicates))

    def decide(self, summaries: Iterable[Table]) -> Table:
        """The counts by source."""
        return add_counts(summaries)

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Reject the duplicates, naming the record that stays and the similarity."""
        values = rows.drop(ADDRESS).with_columns(pl.lit(self.threshold).alias("threshold"))
        return decide_duplicates(rows, "near_duplicate", values)

    def _band_keys(self, shingles: pl.Series) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
        chosen = choose_bands(self.threshold, self.num_perm)
        assert chosen is not None, "settings are checked"
        bands, rows = chosen
        # numpy takes 32 bits of a seed.
        seed = DEFAULT_SEED if self.seed is None else self.seed % (1 << 32)
        offsets = np.zeros(len(shingles) + 1, dtype=np.int64)
        np.cumsum(shingles.list.len().to_numpy(), out=offsets[1:])
        flat = shingles.explode(empty_as_null=False).to_numpy()
        permutations = load_permutations(self.num_perm, seed)
        return make_band_keys(sign_records(flat, offsets, permutations), bands, rows)


@cache
def load_permutations(num_perm: int, seed: int) -> tuple[Words, Words]:
    """Multipliers and addends of `num_perm` permutations, as datasketch makes them (UInt32)."""
    from datasketch import MinHash

    a, b = MinHash(num_perm=num_perm, seed=seed, scheme="affine32").permutations
    return np.asarray(a, dtype=np.uint32), np.asarray(b, dtype=np.uint32)
