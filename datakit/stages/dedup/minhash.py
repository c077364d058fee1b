"""Reject records that are nearly the same as one that stays."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from datakit.barriers import Decisions, KeptShard, Observation, Recall, Reduced, Regrouped
from datakit.conversations.compared import check_part, columns_of_part, select_part
from datakit.errors import SettingsError
from datakit.ranking import RANK, check_keeper, columns_of_keeper, rank_records
from datakit.records import (
    ADDRESS,
    ID,
    SOURCE,
    Batch,
    Columns,
    Table,
    make_addresses,
    nest,
)
from datakit.stage import WRITES
from datakit.stages.dedup.account import add_counts, add_excerpts, count_duplicates, count_records
from datakit.stages.dedup.bands import choose_bands
from datakit.stages.dedup.buckets import bucket_rows, find_heads
from datakit.stages.dedup.groups import SHINGLES, count_compared, group_candidates
from datakit.stages.dedup.index import (
    Piece,
    check_paths,
    describe,
    list_pieces,
    read_piece,
    write_index,
)
from datakit.stages.dedup.keepers import (
    KEPT_ID,
    KEPT_IN,
    KEPT_SOURCE,
    decide_duplicates,
    reject_also,
)
from datakit.stages.dedup.settle import FIXED, INDEX, NO_INDEX, SIMILARITY, find_duplicates
from datakit.stages.dedup.shingles import Bounds, Hashes, make_shingles
from datakit.stages.dedup.signatures import make_band_keys

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
    the first user message; `"response"`, the last assistant message; `"context"`, all messages
    before that one; or the name of a column.

    `keep` sets the keeper order: the `"first"` read, the `"longest"` in characters,
    `"best:<column>"`, the one with the greatest number in a column, or by `"source"`, the one
    whose source stands first in `source_priority` (sources not named there come last). Where
    `source_priority` is given it also goes before the others. What is still equal goes by reading
    order.

    Reason: `near_duplicate`, with `kept_id` and `kept_source` of the most similar record that
    stays, the `similarity` and the `threshold`. The report has, by source, the records compared,
    the duplicates and their share, with an alarm where it is above `alarm_share`; the clusters by
    size; and the largest ones with the beginning of their text.

    `against` names sources of the pipeline that are there to be compared with, such as an earlier
    release or a benchmark: their records stay before all others, come into no output (reason
    `reference`), and what resembles one of them goes, naming it by id. `against_index` does the
    same with index files, which `save_index` writes: the shingles of the records that stay, so
    that the next batch need not read this one again. A record that goes because of an index has
    its file in `kept_in`: the id in `kept_id` is then one of an earlier run. The report counts
    these apart (`of_indexes`). An index fits where `on` and the sizes of the shingles are the
    same. `save_index` names a file of its own, which has no records of the indexes
    compared with: the batch after that lists them all.

    Memory: 5 bytes a record, and per worker one group of candidates that hang together (some 100
    MB; more only where one component is larger). On disk, while it runs: 16 bytes for each record
    and band, four for each shingle. Measured: 20 million records of 250 bytes, 1.2 GB in all
    processes, 30 GB on disk, 13 µs of CPU a record; a billion would ask for 6 GB, 1.5 TB and 4
    hours of CPU.
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    threshold: float = 0.8
    num_perm: int = 128
    ngram_words: int = 5
    ngram_chars: int = 5
    on: str = "content"
    keep: str = "first"
    source_priority: tuple[str, ...] = ()
    alarm_share: float = 0.5
    against: tuple[str, ...] = ()
    against_index: tuple[Path, ...] = ()
    save_index: Path | None = field(default=None, metadata={WRITES: True})
    seed: int | None = None

    def __post_init__(self) -> None:
        check_part(self.on)
        check_keeper(self.keep, self.source_priority)
        for key in ("threshold", "alarm_share"):
            if not 0 < getattr(self, key) <= 1:
                raise SettingsError(key, f"{getattr(self, key)} is not above 0 and at most 1")
        for key in ("num_perm", "ngram_words", "ngram_chars"):
            if getattr(self, key) < 1:
                raise SettingsError(key, f"{getattr(self, key)} is less than 1")
        check_paths(self.against_index, self.save_index, self._description())
        if choose_bands(self.threshold, self.num_perm) is None:
            message = f"{self.num_perm} permutations cannot find 99 % of the pairs at a threshold"
            hint = "raise num_perm or threshold"
            raise SettingsError("num_perm", f"{message} of {self.threshold}", hint)

    @property
    def needs(self) -> Columns:
        """What `on` and `keep` read."""
        return columns_of_part(self.on) | columns_of_keeper(self.keep)

    @property
    def sources(self) -> frozenset[str]:
        """The sources that the settings name."""
        return frozenset(self.source_priority) | frozenset(self.against)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """A row for each band of each record; kept are the shingles, to verify by."""
        hashes, bounds = make_shingles(
            select_part(batch, self.on),
            ngram_words=self.ngram_words,
            ngram_chars=self.ngram_chars,
        )
        fixed = batch[SOURCE].is_in(self.against).alias(FIXED)
        rank = rank_records(batch, self.keep, self.source_priority)
        kept = batch.select(ID, SOURCE).with_columns(
            # References come before all others.
            pl.select(pl.when(fixed).then(0).otherwise(rank + 1).alias(RANK)).to_series(),
            fixed,
            pl.lit(NO_INDEX, dtype=pl.Int32).alias(INDEX),
            nest(pl.Series(hashes), pl.Series(np.diff(bounds)), name=SHINGLES),
        )
        rows = self._bucket_rows(batch[ADDRESS], (hashes, bounds), partitions)
        return Observation(rows, kept)

    def references(self) -> Sequence[Piece]:
        """The pieces of the indexes."""
        return [piece for path in self.against_index for piece in list_pieces(path)]

    def refer(self, piece: Piece, shard: int, partitions: int) -> Observation:
        """As `observe`, of a piece of an index."""
        found = read_piece(piece)
        lists = found[SHINGLES]
        bounds = np.zeros(found.height + 1, dtype=np.int64)
        np.cumsum(lists.list.len().to_numpy(), out=bounds[1:])
        hashes = lists.explode(empty_as_null=False).to_numpy().copy()
        rank, fixed = pl.lit(0, dtype=pl.UInt64).alias(RANK), pl.lit(True).alias(FIXED)
        number = self.against_index.index(piece.path)
        index = pl.lit(number, dtype=pl.Int32).alias(INDEX)
        kept = found.select(ID, SOURCE, rank, fixed, index, SHINGLES)
        addresses = make_addresses(shard, 0, found.height)
        return Observation(self._bucket_rows(addresses, (hashes, bounds), partitions), kept)

    def save(self, staying: Callable[[], Iterator[Table]]) -> None:
        """Write the index that `save_index` asks for."""
        if self.save_index is not None:
            write_index(self.save_index, staying(), self._description())

    def _description(self) -> dict[str, Any]:
        return describe(
            ngram_words=self.ngram_words,
            ngram_chars=self.ngram_chars,
            on=self.on,
            seed=self._seed,
        )

    @property
    def _seed(self) -> int:
        return DEFAULT_SEED if self.seed is None else self.seed

    def _bucket_rows(
        self, addresses: pl.Series, shingles: tuple[Hashes, Bounds], partitions: int
    ) -> Table:
        keys = make_band_keys(*shingles, self.threshold, num_perm=self.num_perm, seed=self._seed)
        has_any = np.diff(shingles[1]) > 0
        return bucket_rows(addresses.filter(pl.Series(has_any)), keys[has_any], partitions)

    def reduce(self, observed: Table) -> Reduced:
        """For each record in a bucket with others, the first of the bucket."""
        return Reduced(find_heads(observed))

    def regroup(
        self, rows: Callable[[], Iterator[Table]], shards: Sequence[KeptShard]
    ) -> Regrouped:
        """The candidates in groups that no bucket connects."""
        return replace(
            group_candidates(rows, shards),
            summary=count_records(
                (s.source, count_compared(s)) for s in shards if s.source and s.rows
            ),
        )

    def settle(self, members: Table, kept: Table) -> Reduced:
        """The duplicates, verified, each with the record that stays."""
        names = {number: str(path) for number, path in enumerate(self.against_index)}
        duplicates = find_duplicates(members, kept, self.threshold).with_columns(
            pl.col(INDEX).replace_strict(names, default=None, return_dtype=pl.String).alias(KEPT_IN)
        )
        decided = duplicates.select(ADDRESS, KEPT_ID, KEPT_SOURCE, KEPT_IN, SIMILARITY)
        return Reduced(decided, count_duplicates(duplicates))

    def decide(self, summaries: Iterable[Table]) -> Table:
        """The account of all groups."""
        return add_counts(summaries, alarm_share=self.alarm_share)

    def illustrate(self, verdict: Table, recall: Recall) -> Table:
        """The account with the beginnings of texts."""
        return add_excerpts(verdict, recall)

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Reject the duplicates, naming who stays; and what is only there to be compared with."""
        values = rows.drop(ADDRESS).with_columns(pl.lit(self.threshold).alias("threshold"))
        decisions = decide_duplicates(rows, "near_duplicate", values)
        return reject_also(decisions, batch[SOURCE].is_in(self.against), "reference")
