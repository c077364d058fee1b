"""Keep the best answers to each prompt."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from datakit.barriers import Decisions, Observation, Reduced
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

PLACE, ANSWERS, KEPT_ID = "place", "answers", "kept_id"
COUNTS = ("records", "prompts", "prompts_above", "rejected")


@dataclass(frozen=True, kw_only=True, slots=True)
class PerPromptSelection:
    """Keep at most `most` answers to each prompt: the best, or the first read.

    `on` is the prompt: `"context"`, all messages before the last answer, so that two chats that
    only begin alike are two prompts; `"prompt"`, the first user message alone; or the name of a
    column. Prompts are the same when the 128-bit hashes of their normalised texts are equal:
    Unicode NFC, and with `fold_case`, `fold_width`, `fold_space` and `ignore_punctuation` as in
    `dedup.exact`. A record without a prompt stays.

    `keep` sets the order of a prompt's answers: the `"first"` read, the `"longest"` in characters
    (of the whole record), `"best:<column>"`, the greatest number in a column first, or by
    `"source"`, as `source_priority` has them (sources not named there come last). Where
    `source_priority` is given it also goes before the others. What is still equal goes by reading
    order. Equal answers are not looked for: `dedup.exact` before takes them out.

    Reason: `beyond_most`, with the record's `place` among the prompt's `answers`, `most`, and the
    `kept_id` of the first of them. The report has, by source, the records with a prompt, the
    prompts, those with more than `most` answers (both counted where their first answer is), and
    the rejected.
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    most: int = 1
    on: str = "context"
    keep: str = "first"
    source_priority: tuple[str, ...] = ()
    fold_case: bool = True
    fold_width: bool = True
    fold_space: bool = True
    ignore_punctuation: bool = False

    def __post_init__(self) -> None:
        if self.most < 1:
            raise SettingsError("most", f"{self.most} answers leave nothing")
        check_part(self.on)
        check_keeper(self.keep, self.source_priority)

    @property
    def needs(self) -> Columns:
        """What `on` and `keep` read."""
        return columns_of_part(self.on) | columns_of_keeper(self.keep)

    @property
    def sources(self) -> frozenset[str]:
        """The sources that the settings name."""
        return frozenset(self.source_priority)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """The hashes of each record's prompt, and its place in the order."""
        return observe_hashes(batch, self, partitions)

    def reduce(self, observed: Table) -> Reduced:
        """The answers beyond the first `most` of their prompt, and counts by source."""
        ranked = observed.sort(*HASH, *KEEPER_ORDER).with_columns(
            pl.int_range(1, pl.len() + 1).over(HASH).alias(PLACE),
            pl.len().over(HASH).cast(pl.Int64).alias(ANSWERS),
            pl.col(ID).first().over(HASH).alias(KEPT_ID),
        )
        is_first, is_above = pl.col(PLACE) == 1, pl.col(ANSWERS) > self.most
        beyond = pl.col(PLACE) > self.most
        counts = (pl.len(), is_first.sum(), (is_first & is_above).sum(), beyond.sum())
        summary = ranked.group_by(SOURCE).agg(
            count.cast(pl.Int64).alias(name) for name, count in zip(COUNTS, counts, strict=True)
        )
        rows = ranked.filter(beyond).select(ADDRESS, PLACE, ANSWERS, KEPT_ID)
        return Reduced(rows, summary)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """The counts of all partitions."""
        tables = list(summaries)
        if not tables:
            return pl.DataFrame()
        return pl.concat(tables).group_by(SOURCE).agg(pl.col(COUNTS).sum()).sort(SOURCE)

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Reject what is beyond the first `most` answers."""
        if PLACE not in rows.columns:
            rows = rows.with_columns(pl.lit(None, dtype=pl.Int64).alias(PLACE))
        decided = rows.select(
            pl.col(PLACE).is_null().cast(pl.UInt32).alias("copies"),
            pl.lit("beyond_most").alias("reason"),
        )
        values = rows.drop(ADDRESS).with_columns(pl.lit(self.most).alias("most"))
        return Decisions(decided["copies"], decided["reason"], values)
