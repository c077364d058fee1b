"""From flat messages to conversations: repairs, the order of roles, and the reasons for faults.

Messages of a whole batch lie in one flat frame (`FLAT`), so that every step is a column
operation. The order of a conversation is judged on a short string with one letter a message,
by regular expressions.
"""

from collections.abc import Sequence

import polars as pl

from datakit.conversations.flat import count_messages
from datakit.conversations.order import letter_of, order_faults
from datakit.records import MESSAGE_FIELDS, MESSAGE_TYPES, MESSAGES, REASON, VALUES, Batch, nest

FLAT = {"row": pl.UInt32(), "message": pl.UInt32(), "found": pl.String(), **MESSAGE_TYPES}
"""`row`: of the batch; `message`: its place in the input, from 1; `found`: the speaker as named
there; `role`: null where that name is unknown."""

FAULTS = {"row": pl.UInt32, "reason": pl.String, "values": pl.String}


def check_order(flat: pl.DataFrame, rows: int, *, min_turns: int) -> pl.DataFrame:
    """`row`, `reason` and `values` of each row, the latter null where its conversation is valid.

    A conversation is `[system] (user answer)+`, where an answer is an assistant's message, before
    which the assistant may have called tools; the last message is the assistant's. Values name
    the message at fault (from 1, as in the input) and its speaker.
    """
    lengths = count_messages(flat, rows)
    letter = letter_of(pl.col("role"), pl.col("content"), pl.col("tool_calls"))
    codes = nest(flat.select(letter).to_series(), lengths, name="codes").list.join("")
    code = pl.col("codes")
    place = dict(order_faults(code))
    turns = code.str.count_matches("u")
    reason = pl.when(turns < min_turns).then(pl.lit("too_few_turns")).otherwise(None)
    for name, where in reversed(place.items()):
        reason = pl.when(where.is_not_null()).then(pl.lit(name)).otherwise(reason)
    reason = pl.when(_size() == 0).then(pl.lit("empty_conversation")).otherwise(reason)
    where = pl.when(_size() == 0).then(None).otherwise(pl.coalesce(*place.values()))
    verdicts = codes.to_frame().select(
        reason.alias("reason"), where.cast(pl.Int64).alias("where"), turns.alias("turns")
    )
    values = _values(verdicts, flat, lengths, min_turns=min_turns)
    return verdicts.select("reason", values.alias("values")).with_row_index("row")


def _size() -> pl.Expr:
    return pl.col("codes").str.len_bytes()


def _values(
    verdicts: pl.DataFrame, flat: pl.DataFrame, lengths: pl.Series, *, min_turns: int
) -> pl.Series:
    """The JSON text of what was measured, null where there is nothing to tell."""
    starts = lengths.cum_sum() - lengths
    named = flat.select("message", pl.col("found").str.head(40).alias("role"))
    found = verdicts.with_columns(
        named.select(pl.struct(pl.all()).alias("at")).to_series().gather(starts + verdicts["where"])
    )
    turns = pl.struct("turns", pl.lit(min_turns).alias("min_turns")).struct.json_encode()
    message = pl.when(pl.col("where").is_not_null()).then(pl.col("at").struct.json_encode())
    few = pl.when(pl.col("reason") == "too_few_turns").then(turns)
    return found.select(few.otherwise(message)).to_series()


def broken_too(faults: pl.DataFrame, broken: pl.DataFrame) -> pl.DataFrame:
    """The faults of each row with those of a few rows that have none yet."""
    if not broken.height:
        return faults
    more = faults.select("row").join(broken, on="row", how="left", maintain_order="left")
    is_new = faults["reason"].is_null()
    return faults.with_columns(
        more[name].zip_with(is_new, faults[name]) for name in ("reason", "values")
    )


def says(rows: pl.DataFrame, *, place: int, role: str, content: str) -> pl.DataFrame:
    """Flat messages of one role, one for each of `rows`; `content` names a column of theirs."""
    said = {"row": pl.col("row"), "message": pl.lit(place), "role": pl.lit(role)}
    said |= {"found": pl.lit(role), "content": pl.col(content)}
    return rows.select(
        said.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in FLAT.items()
    )


def in_order(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Flat messages from several frames, by row and place."""
    return pl.concat(parts).sort("row", "message", maintain_order=True)


def prepend_system(flat: pl.DataFrame, system: pl.Series) -> pl.DataFrame:
    """Put a system message (one a row, null or blank for none) before each conversation that has
    none of its own.
    """
    if not (system.str.strip_chars() != "").any():
        return flat
    given = pl.DataFrame({"system": system}).with_row_index("row")
    is_first = (pl.col("row") != pl.col("row").shift(1)).fill_null(True)
    lacking = flat.filter(is_first & (pl.col("role") != "system").fill_null(True)).select("row")
    lacking = lacking.join(given, on="row", how="left", maintain_order="left")
    lacking = lacking.filter(pl.col("system").str.strip_chars() != "")
    given_first = pl.concat([says(lacking, place=0, role="system", content="system"), flat])
    # Not by place in the input: repairs may have moved messages.
    return given_first.sort("row", maintain_order=True)


def split_reasoning(flat: pl.DataFrame) -> pl.DataFrame:
    """Take `<think>...</think>` at the start of the assistant's contents for its reasoning."""
    parts = pl.col("content").str.extract_groups(r"(?s)^\s*<think>\n?(.*?)\n?</think>\s*(.*)$")
    thought, said = parts.struct[0], parts.struct[1]
    has = (pl.col("role") == "assistant") & pl.col("reasoning").is_null() & thought.is_not_null()
    is_blank = thought.str.strip_chars() == ""
    reasoning = pl.when(has & ~is_blank).then(thought).otherwise("reasoning")
    content = pl.when(has).then(said).otherwise("content")
    return flat.with_columns(reasoning.alias("reasoning"), content.alias("content"))


def set_conversations(
    batch: Batch, messages: pl.Series, faults: pl.DataFrame, *, raw: pl.Series
) -> Batch:
    """The batch with its conversations. A refused row shows its input, `raw`, as the content of
    its only message, so that the reject can be understood.
    """
    reason, values = faults["reason"], faults["values"]
    if reason.null_count() < len(reason):
        shown = pl.DataFrame({"content": raw}).with_columns(
            pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in MESSAGE_TYPES.items()
            if name != "content"
        )
        ones = pl.Series([1], dtype=pl.Int64).new_from_index(0, len(raw))
        packed = nest(shown.select(MESSAGE_FIELDS).to_struct(), ones, name=MESSAGES)
        messages = messages.zip_with(reason.is_null(), packed)
    return batch.with_columns(messages.alias(MESSAGES), reason.alias(REASON), values.alias(VALUES))
