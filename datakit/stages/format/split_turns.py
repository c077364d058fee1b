"""Conversations of several turns become one record for each answer."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.conversations.flat import flatten, nest_messages
from datakit.conversations.judged import judgements
from datakit.records import MESSAGE_TYPES, MESSAGES, PARENT, REJECTED, Batch, Columns
from datakit.stages.format.counts import empty_counts


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitTurnsFormat:
    """Split conversations of several turns into one record for each of the assistant's answers.

    An answer is the last of the assistant's messages before the user speaks again, or at the end:
    with its tool calls before it, it is one turn. `history = "keep"` (the default) leaves all that
    was said before in the record, with the assistant's earlier messages marked not to be trained
    (`train = false`), so that each answer is learnt once; with `"none"` a record holds the system
    message and its own turn alone, as for questions that stand by themselves.
    Marks that messages of the turn itself have stay. What follows the last answer belongs to no
    record; conversations with less than two answers, and documents, stay as they are. So do
    preferences and feedback, what `format.preference` and `format.feedback` made: the worse answer
    and the judgement belong to the last answer alone.

    Counts of tokens are emptied where a conversation is split, so count behind this stage. The
    records of conversation `x` are `x#1`, `x#2` and so on; `format.merge_turns` makes one of
    them again. A layout without a place for that mark refuses such records (`untrained_turn`):
    `prompt_completion` with `conversational = true`, which trains the last answer alone, takes
    them, and so do the sinks that write flags.
    """

    needs: ClassVar[Columns] = frozenset({MESSAGES})
    adds: ClassVar[Columns] = frozenset()

    history: Literal["keep", "none"] = "keep"

    def expand(self, batch: Batch) -> Batch:
        """The records, each with the row it is made of."""
        flat = _with_turns(flatten(batch[MESSAGES]))
        turns = np.zeros(batch.height, dtype=np.int64)
        counted = flat.group_by("row").agg(pl.col("turn").filter("is_answer").n_unique())
        turns[counted["row"].to_numpy()] = counted["turn"].to_numpy()
        is_split = (turns > 1) & ~_is_judged(batch)
        made = np.where(is_split, turns, 1)
        parents = np.repeat(np.arange(batch.height, dtype=np.uint32), made)
        expanded = batch[pl.Series(parents)].with_columns(pl.Series(PARENT, parents))
        of_split = pl.Series(is_split[parents])
        records = pl.DataFrame(
            {"row": parents, "record": np.arange(len(parents), dtype=np.uint32)}
        ).with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("row").alias("nth"))
        lines = records.filter(of_split).join(flat, on="row", how="left", maintain_order="left")
        messages = nest_messages(self._of_record(lines), expanded.height)
        return expanded.with_columns(
            messages.zip_with(of_split, expanded[MESSAGES]), *empty_counts(expanded, of_split)
        )

    def _of_record(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The messages of each record, in order; `row` is then the record's number."""
        is_own, is_before = pl.col("turn") == pl.col("nth"), pl.col("turn") < pl.col("nth")
        is_head = pl.col("turn") == 0
        held = lines.filter(is_own | (is_before if self.history == "keep" else is_head))
        is_old = is_before & (pl.col("role") == "assistant")
        train = pl.when(is_old).then(False).otherwise("train")
        return held.select(
            pl.col("record").alias("row"),
            *(train.alias("train") if name == "train" else pl.col(name) for name in MESSAGE_TYPES),
        )


def _is_judged(batch: Batch) -> NDArray[np.bool_]:
    """Whether a record has a worse answer, or a judgement, beside its last one."""
    judged = judgements(batch).is_not_null()
    if REJECTED in batch.columns:
        judged |= batch[REJECTED].is_not_null()
    return judged.to_numpy()


def _with_turns(flat: pl.DataFrame) -> pl.DataFrame:
    """`turn` of each message: 0 before the first user's, null after the last answer; turns
    without an answer belong to the next one. `is_answer` marks the answers.
    """
    role = pl.col("role")
    goes_on = role.shift(-1).over("row").is_in(["assistant", "tool"]).fill_null(False)
    is_answer = (role == "assistant") & ~goes_on
    flat = flat.with_columns(is_answer.fill_null(False).alias("is_answer"))
    done = pl.col("is_answer").cast(pl.UInt32).cum_sum().over("row")
    turn = done - pl.col("is_answer") + 1
    is_head = (role == "system") & (done == 0)
    last = pl.col("is_answer").sum().over("row")
    turn = pl.when(is_head).then(0).when(turn <= last).then(turn)
    return flat.with_columns(turn.cast(pl.UInt32).alias("turn"))
