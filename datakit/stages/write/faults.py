"""Why a record does not fit a layout: reasons, and the message or column that decided."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from datakit.conversations.order import code_of, order_faults
from datakit.records import MESSAGES, TEXT, Batch, Table

CODE = "_code"


class Fault(NamedTuple):
    """A reason, when it applies, and where: the place of a message (from 0) or a column."""

    reason: str
    applies: pl.Expr
    message: pl.Expr | None = None
    column: str | None = None


def text_faults() -> list[Fault]:
    """For layouts of documents."""
    text = pl.col(TEXT)
    return [
        Fault("no_text", text.is_null()),
        Fault("empty_text", text.str.strip_chars() == ""),
    ]


def content_faults(batch: Batch) -> list[Fault]:
    """For layouts of records of both kinds."""
    kinds = [pl.col(name).is_null() for name in (TEXT, MESSAGES) if name in batch.columns]
    return [Fault("no_content", pl.all_horizontal(kinds))]


def conversation_faults(*, tools: bool, one_turn: bool, system: bool) -> list[Fault]:
    """For layouts of conversations, on a batch with their code: order and emptiness, and what the
    layout has no place for.
    """
    code = pl.col(CODE)
    faults = [
        Fault("no_messages", code.is_null()),
        Fault("empty_conversation", code == ""),
        *(Fault(name, place.is_not_null(), place) for name, place in order_faults(code)),
    ]
    if not tools:
        faults.append(Fault("needs_tools", code.str.contains("[ct]"), code.str.find("[ct]")))
    if not system:
        faults.append(Fault("has_system", code.str.starts_with("s")))
    if one_turn:
        faults.append(Fault("multi_turn", code.str.count_matches("u") > 1))
    return faults


def spoken_call_fault() -> Fault:
    """A tool call with text beside it, for which ShareGPT's turns have no place."""
    message = pl.element().struct
    has_calls = message.field("tool_calls").fill_null("") != ""
    spoken = has_calls & (message.field("content").fill_null("").str.strip_chars() != "")
    found = pl.col(MESSAGES).list.eval(spoken)
    return Fault("content_with_tool_call", found.list.any(), found.list.arg_max())


def column_faults(batch: Batch, columns: Sequence[str]) -> Iterator[Fault]:
    """Columns carried along that hold no value; a String column then holds `""`."""
    for name in columns:
        dtype = batch.schema[name]
        if dtype == pl.String:
            continue
        lacks = pl.col(name).is_null()
        if dtype.is_float():
            lacks |= ~pl.col(name).is_finite()
        yield Fault("null_in_column", lacks, column=name)


def verdicts(batch: Batch, faults: Sequence[Fault]) -> Table:
    """The first fault of each record: `reason`, `message` (from 1) and `role`, or `column`."""
    reason = column = pl.lit(None, dtype=pl.String)
    place = nowhere = pl.lit(None, dtype=pl.UInt32)
    for fault in reversed(faults):
        here = nowhere if fault.message is None else fault.message.cast(pl.UInt32)
        named = pl.lit(fault.column, dtype=pl.String)
        reason = pl.when(fault.applies).then(pl.lit(fault.reason)).otherwise(reason)
        place = pl.when(fault.applies).then(here).otherwise(place)
        column = pl.when(fault.applies).then(named).otherwise(column)
    found = batch.with_columns(reason.alias("reason"))
    if found["reason"].null_count() == batch.height:
        return found.select("reason")
    role = pl.lit(None, dtype=pl.String)
    if MESSAGES in batch.columns:
        role = pl.col(MESSAGES).list.get(place, null_on_oob=True).struct.field("role")
    return found.select(
        "reason", (place + 1).alias("message"), role.alias("role"), column.alias("column")
    )


def with_code(batch: Batch) -> Batch:
    """The batch with the code of its conversations."""
    return batch.with_columns(code_of(batch[MESSAGES]).alias(CODE))
