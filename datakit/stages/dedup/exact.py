"""Reject records whose normalised text occurs more than once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from datakit.barriers import Decisions, Observation, Recall, Reduced
from datakit.conversations.compared import check_part, columns_of_part
from datakit.errors import SettingsError
from datakit.ranking import KEEPER_ORDER, check_keeper, columns_of_keeper
from datakit.records import (
    ADDRESS,
    ID,
    SOURCE,
    Batch,
    Columns,
    Table,
)
from datakit.same_text import HASH, observe_hashes
from datakit.stages.dedup.account import add_counts, add_excerpts, count_duplicates, count_records
from datakit.stages.dedup.keepers import KEPT_ADDRESS, KEPT_ID, KEPT_SOURCE, decide_duplicates


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactDedup:
    """Keep one of the records that have the same text.

    Two records are the same when the 128-bit hashes (two XXH64) of their normalised texts are
    equal. Normalised: Unicode NFC; with `fold_case` in lower case; with `fold_width` full-width
    letters, digits and signs (Ａ１，) as their ASCII forms; with `fold_space` any run of white
    space as one space, none at the ends; with `ignore_punctuation` (off by default) without
    punctuation, save what can be part of a number. Digits always count: 5 mg is not 8 mg. The
    text that is written stays as it was.

    `on` is what is compared: `"content"`, the text or the whole conversation with its roles and
    tool calls; `"prompt"`, the first user message; `"response"`, the last assistant message;
    `"context"`, all messages before that one; or the name of a column. A record where it is missing
    or empty is never compared and stays.

    `keep` picks the record that stays: the `"first"` read, the `"longest"` in characters,
    `"best:<column>"`, the one with the greatest number in a column, or by `"source"`, the one
    whose source stands first in `source_priority` (sources not named there come last). Where
    `source_priority` is given it also goes before the others. What is still equal goes by reading
    order.

    Reason: `exact_duplicate`, with `kept_id` and `kept_source` of the record that stays. The
    report has, by source, the records compared, the duplicates and their share, with an alarm
    where it is above `alarm_share`; the clusters by size; and the largest ones with the beginning
    of their text.
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    on: str = "content"
    keep: str = "first"
    source_priority: tuple[str, ...] = ()
    alarm_share: float = 0.5
    fold_case: bool = True
    fold_width: bool = True
    fold_space: bool = True
    ignore_punctuation: bool = False

    def __post_init__(self) -> None:
        check_part(self.on)
        check_keeper(self.keep, self.source_priority)
        if not 0 < self.alarm_share <= 1:
            raise SettingsError("alarm_share", f"{self.alarm_share} is not above 0 and at most 1")

    @property
    def needs(self) -> Columns:
        """What `on` and `keep` read."""
        return columns_of_part(self.on) | columns_of_keeper(self.keep)

    @property
    def sources(self) -> frozenset[str]:
        """The sources that the settings name."""
        return frozenset(self.source_priority)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """The hashes of each record that has something to compare, and its place in the order."""
        return observe_hashes(batch, self, partitions)

    def reduce(self, observed: Table) -> Reduced:
        """The records that are not the first of their hash in keeper order, with that first."""
        cluster = observed.sort(*HASH, *KEEPER_ORDER).filter(pl.len().over(HASH) > 1)
        rows = cluster.with_columns(
            pl.col(ID).first().over(HASH).alias(KEPT_ID),
            pl.col(SOURCE).first().over(HASH).alias(KEPT_SOURCE),
            pl.col(ADDRESS).first().over(HASH).alias(KEPT_ADDRESS),
        )
        duplicates = rows.filter(pl.col(ADDRESS) != pl.col(KEPT_ADDRESS))
        records = count_records(observed[SOURCE].value_counts().iter_rows())
        summary = pl.concat([records, count_duplicates(duplicates)])
        return Reduced(duplicates.select(ADDRESS, KEPT_ID, KEPT_SOURCE), summary)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """The account of all partitions."""
        return add_counts(summaries, alarm_share=self.alarm_share)

    def illustrate(self, verdict: Table, recall: Recall) -> Table:
        """The account with the beginnings of the largest clusters' texts."""
        return add_excerpts(verdict, recall)

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Reject the duplicates, naming the record that stays."""
        values = rows.drop(ADDRESS)
        return decide_duplicates(rows, "exact_duplicate", values)
