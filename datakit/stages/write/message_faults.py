"""Faults of conversations that depend on the trainer: flags, weights, answers, special tokens."""

from collections.abc import Sequence

import polars as pl

from datakit.conversations.calls import check_tools
from datakit.conversations.flat import flatten
from datakit.conversations.judged import judgements
from datakit.conversations.tokens import said_in, without_end
from datakit.ranking import read_numbers
from datakit.records import (
    LABEL,
    MESSAGES,
    MESSAGES_TYPE,
    REJECTED,
    TEXT,
    TOOLS,
    WEIGHT,
    Batch,
    nest,
)
from datakit.stages.write.faults import Fault
from datakit.stages.write.shapes import has_tools
from datakit.text.special_tokens import SPECIAL_TOKENS


def flag_faults(*, all_answers: bool) -> list[Fault]:
    """Answers that are not to be trained, for layouts that cannot say so."""
    message = pl.element().struct
    off = (message.field("role") == "assistant") & message.field("train").eq(False)
    found = pl.col(MESSAGES) if all_answers else pl.col(MESSAGES).list.tail(1)
    place = found.list.eval(off.fill_null(False)).list.arg_max()
    if not all_answers:
        place = pl.col(MESSAGES).list.len() - 1
    return [Fault("untrained_turn", found.list.eval(off.fill_null(False)).list.any(), place)]


def trained_faults() -> list[Fault]:
    """Conversations none of whose answers is to be trained, for layouts with flags."""
    answer = pl.element().filter(pl.element().struct.field("role") == "assistant").struct
    trained = pl.col(MESSAGES).list.eval(answer.field("train").fill_null(True))
    return [Fault("no_trained_answer", ~trained.list.any())]


def weight_faults() -> list[Fault]:
    """Weights of single answers, for layouts that have no place for them."""
    message = pl.element().struct
    is_learnt = (message.field("role") == "assistant") & message.field("weight").is_not_null()
    weighed = pl.col(MESSAGES).list.eval(is_learnt.fill_null(False))
    return [Fault("turn_weight", weighed.list.any(), weighed.list.arg_max())]


def record_weight_faults(batch: Batch) -> list[Fault]:
    """Weights of whole records, for layouts that have no place for them."""
    if WEIGHT not in batch.columns:
        return []
    return [Fault("record_weight", pl.lit(is_weighed(batch[WEIGHT])), column=WEIGHT)]


def judged_faults(batch: Batch) -> list[Fault]:
    """Answers that `format.feedback` has found bad, for layouts that would have them learnt."""
    is_bad = (~judgements(batch)).fill_null(False)
    if not is_bad.any():
        return []
    return [Fault("judged_bad", pl.lit(is_bad) & pl.col(MESSAGES).is_not_null(), column=LABEL)]


def is_weighed(weights: pl.Series) -> pl.Series:
    """Which records count more or less than one; a null weight is 1."""
    return read_numbers(weights).fill_null(1.0) != 1.0


def tools_faults(batch: Batch, holds_tools: bool) -> list[Fault]:
    """A list of tools, for layouts that have no place for it; for others, one that is none."""
    if batch.schema.get(TOOLS) != pl.String or MESSAGES not in batch.columns:
        return []
    # A document's field of that name is a field like others.
    lists = pl.col(MESSAGES).is_not_null() & has_tools(pl.col(TOOLS))
    if not holds_tools:
        return [Fault("needs_tools", lists, column=TOOLS)]
    # Records share few lists of tools.
    listed = batch.filter(lists)[TOOLS].unique(maintain_order=True)
    broken = [text for text in listed.to_list() if check_tools(text)]
    is_broken = lists & pl.col(TOOLS).is_in(broken)
    return [Fault("broken_tools", is_broken, column=TOOLS)] if broken else []


def answer_faults(batch: Batch, kind: str, *, calls: bool) -> list[Fault]:
    """What a preference or a judgement must have beside a conversation."""
    faults = []
    ends_in_call = pl.col(MESSAGES).list.last().struct.field("tool_calls").fill_null("") != ""
    if kind == "feedback":
        faults.append(Fault("no_label", pl.col(LABEL).is_null(), column=LABEL))
    elif batch.schema[REJECTED] != MESSAGES_TYPE:
        faults.append(Fault("no_rejected", pl.lit(True), column=REJECTED))
    else:
        other = pl.col(REJECTED).list.last().struct
        other_calls = other.field("tool_calls").fill_null("") != ""
        blank = other.field("content").fill_null("").str.strip_chars() == ""
        mine = pl.col(MESSAGES).list.last().struct
        equal = pl.all_horizontal(
            mine.field(name).fill_null("").eq(other.field(name).fill_null(""))
            for name in ("content", "tool_calls")
        )
        faults += [
            Fault("no_rejected", pl.col(REJECTED).list.len().fill_null(0) != 1, column=REJECTED),
            Fault("empty_rejected", blank & ~other_calls, column=REJECTED),
            Fault("equal_answers", equal, column=REJECTED),
        ]
        ends_in_call |= other_calls
    return faults if calls else [*faults, Fault("answer_calls_tool", ends_in_call)]


def token_faults(
    batch: Batch, columns: Sequence[str], tokens: Sequence[str] = SPECIAL_TOKENS
) -> list[Fault]:
    """Tokens that are live wherever they stand in the texts or messages of these columns."""
    if not tokens:
        return []
    live = list(tokens)
    faults = []
    for name in columns:
        if name == TEXT and TEXT in batch.columns:
            found = without_end(pl.col(TEXT), live).str.contains_any(live)
            faults.append(Fault("special_token", found, column=TEXT))
        elif batch.schema.get(name) == MESSAGES_TYPE:
            hits = said_in(flatten(batch[name])).str.contains_any(live).fill_null(False)
            by_record = pl.lit(nest(hits, batch[name].list.len(), name=name)).list
            place = by_record.arg_max() if name == MESSAGES else None
            column = None if name == MESSAGES else REJECTED
            faults.append(Fault("special_token", by_record.any(), place, column))
    return faults
