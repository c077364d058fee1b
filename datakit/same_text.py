"""Records that are the same in what is compared: 128-bit hashes of it, in keeper order."""

from typing import Protocol

import polars as pl

from datakit.barriers import Observation
from datakit.conversations.compared import normalise, select_part
from datakit.ranking import rank_records
from datakit.records import ADDRESS, ID, PARTITION, SOURCE, Batch, hash_strings

HASH = ("hash_a", "hash_b")


class Comparing(Protocol):
    """The settings that say what is compared, how it is folded, and which record comes first."""

    @property
    def on(self) -> str: ...  # noqa: D102
    @property
    def keep(self) -> str: ...  # noqa: D102
    @property
    def source_priority(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def fold_case(self) -> bool: ...  # noqa: D102
    @property
    def fold_width(self) -> bool: ...  # noqa: D102
    @property
    def fold_space(self) -> bool: ...  # noqa: D102
    @property
    def ignore_punctuation(self) -> bool: ...  # noqa: D102


def observe_hashes(batch: Batch, how: Comparing, partitions: int) -> Observation:
    """For each record that has something to compare: its hashes (`HASH`, two XXH64), address, id,
    source and place in keeper order, dealt by the first hash.
    """
    compared = normalise(
        select_part(batch, how.on, has_roles=True),
        fold_case=how.fold_case,
        fold_width=how.fold_width,
        fold_space=how.fold_space,
        ignore_punctuation=how.ignore_punctuation,
    )
    hashes = [hash_strings(compared, seed=seed).alias(HASH[seed]) for seed in (0, 1)]
    rank = rank_records(batch, how.keep, how.source_priority)
    partition = (pl.col(HASH[0]) % partitions).cast(pl.UInt32).alias(PARTITION)
    rows = batch.select(ADDRESS, ID, SOURCE).with_columns(*hashes, rank)
    return Observation(rows.drop_nulls(HASH[0]).with_columns(partition))
