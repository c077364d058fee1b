"""Short conversations become longer ones."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from datakit.barriers import Decisions, KeptShard, Observation, Reduced, Regrouped
from datakit.errors import SettingsError
from datakit.records import (
    ID,
    MARKS,
    MESSAGES,
    MESSAGES_TYPE,
    NUMBERED,
    PARTITION,
    SOURCE,
    Batch,
    Columns,
    Table,
)
from datakit.stages.format.counts import empty_counts
from datakit.stages.format.merging import INTO, MERGED_IDS, NEW_ID, Joining, join_records
from datakit.stages.format.merging_groups import (
    PLACE,
    count_outcomes,
    deal_classes,
    order_partition,
)
from datakit.stages.format.merging_records import deal_records

NO_ROW: dict[str, pl.DataType] = {
    MESSAGES: MESSAGES_TYPE,
    MERGED_IDS: pl.List(pl.String()),
    NEW_ID: pl.String(),
    INTO: pl.String(),
    PLACE: pl.UInt32(),
}
"""The columns of reduced rows, where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeTurnsFormat:
    """Join conversations of few turns into conversations of several: those that belong together,
    or any, up to `turns` answers each.

    `by` names the column that records share which belong together (a session, a dialogue, a
    thread); they are joined in reading order, or in that of the column `order_by` (numbers
    first, then texts such as ISO dates, then records without). `by = "id"` joins what
    `format.split_turns` parted: records whose ids differ in the number behind the last `#` alone;
    the conversation gets the id without it. Where a record repeats all that the one before it
    said and goes on, as with `history = "keep"` and as logs of requests do, only what is new is
    added, with the marks it has there; so each answer is trained as often as before.

    Without `by`, single questions become dialogues: `turns` or `max_chars` (characters of all
    contents, reasoning and tool calls) then says how many. Records are taken in an order that a
    hash of `seed` and id decides, or with `shuffle = false` in reading order. With `by`,
    `shuffle = true` and `turns`, dialogues are made at random of records that share a value (a
    topic, a department). Both limits hold for every conversation of two records or more, with
    `by` as well.

    Only records of one source are joined, with equal system prompts, tools and weights, and on one
    side of a split (column `split`). The system prompt stands in front once. Later records must
    begin with the user; each must end with an answer. These stay as they are, and the report
    counts them: documents, preferences, feedback, records that end without an answer
    (`last_not_assistant`), at random also those that begin without a user (`first_not_user`), and
    those without a value in `by` (`no_value`).

    The first record of a conversation stays and gets all messages, and in `merged_ids`, a list,
    the ids of all, in order (null where nothing was joined); its meta and annotations are kept as
    they are, but for counts of tokens, which are emptied: count behind this stage. The others are
    rejected. The report shows, by source, the records of each outcome and the conversations made.

    Reason: `merged`, with the id of the first record (`into`) and the record's `place`, from 1.

    Memory: 12 bytes a record that is joined; and where most share one value, system prompt and
    tools, some 150 bytes for each of those.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    adds: ClassVar[Columns] = frozenset({MERGED_IDS})

    by: str = ""
    order_by: str = ""
    turns: int | None = None
    max_chars: int | None = None
    shuffle: bool | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        has_limit = self.turns is not None or self.max_chars is not None
        for key in ("by", "order_by"):
            if getattr(self, key).startswith("_"):
                raise SettingsError(key, f"{getattr(self, key)!r} names no column")
        if not self.by and not has_limit:
            hint = 'by = "session_id" joins what shares a value, turns = 4 any four'
            raise SettingsError("by", "nothing says which records to join", hint)
        if self.turns is not None and self.turns < 2:
            raise SettingsError("turns", f"{self.turns} joins nothing")
        if self.max_chars is not None and self.max_chars < 2:
            raise SettingsError("max_chars", f"{self.max_chars} joins nothing")
        if self._shuffles and not has_limit:
            raise SettingsError("shuffle", "a random order needs `turns` or `max_chars`")
        if self.order_by and (self._shuffles or not self.by or self.by == ID):
            raise SettingsError("order_by", "it orders the records that share a value of `by`")

    @property
    def needs(self) -> Columns:
        """Conversations, and the columns that are named."""
        return frozenset({MESSAGES, self.by, self.order_by}) - {"", ID}

    @property
    def _shuffles(self) -> bool:
        return not self.by if self.shuffle is None else self.shuffle

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """What each record can be joined with, its order there, and its size."""
        salt = f"format.merge_turns:{self.seed or 0}" if self._shuffles else ""
        rows = deal_records(batch, by=self.by, order_by=self.order_by, salt=salt)
        part = (pl.col("class_a") // 2**32 * partitions // 2**32).cast(pl.UInt32)
        return Observation(
            rows.with_columns(part.alias(PARTITION)), batch.select(ID, SOURCE, MESSAGES)
        )

    def reduce(self, observed: Table) -> Reduced:
        """The records class by class, in the order to join them in."""
        return Reduced(order_partition(observed))

    def regroup(
        self, rows: Callable[[], Iterator[Table]], shards: Sequence[KeptShard]
    ) -> Regrouped:
        """Classes of two records and more, in groups of bounded size."""
        return deal_classes(rows, [shard.source or "" for shard in shards])

    def settle(self, members: Table, kept: Table) -> Reduced:
        """The conversations of a group."""
        how = Joining(
            turns=self.turns,
            max_chars=self.max_chars,
            continues=bool(self.by) and not self._shuffles,
        )
        return join_records(members, kept, how)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """Records by source and outcome."""
        return count_outcomes(summaries)

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Put the whole conversation into its first record and reject the others."""
        if INTO not in rows.columns:
            rows = rows.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in NO_ROW.items())
        joined = rows[MESSAGES].is_not_null()
        columns = [
            rows[NEW_ID].fill_null(batch[ID]).alias(ID),
            *_marks(batch, rows),
            rows[MESSAGES].zip_with(joined, batch[MESSAGES]),
            rows[MERGED_IDS],
            *empty_counts(batch, joined),
        ]
        goes = rows[INTO].is_not_null()
        reason = pl.Series(["merged"], dtype=pl.String).new_from_index(0, batch.height)
        values = rows.select(INTO, PLACE)
        return Decisions((~goes).cast(pl.UInt32), reason, values, pl.DataFrame(columns))


def _marks(batch: Batch, rows: Table) -> list[pl.Series]:
    """What the engine notes of ids, where the parts have got the id back that they had as one: the
    number of the part is gone from it, and later copies go on counting behind the parts.
    """
    if MARKS not in batch.columns:
        return []
    is_back = rows[NEW_ID].is_not_null()
    marks = batch[MARKS] - (batch[MARKS] > 0).cast(pl.UInt8)
    parts = rows[MERGED_IDS].list.len().cast(pl.UInt32).alias(NUMBERED)
    return [marks.zip_with(is_back, batch[MARKS]), parts.zip_with(is_back, batch[NUMBERED])]
