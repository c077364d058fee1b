"""From a record to the columns of a layout; no value is null, and types never vary.

The records have passed the layout's checks, so that each has what is asked for here.
"""

import polars as pl

from datakit.conversations.order import code_of
from datakit.records import ID, MESSAGE_TYPES, MESSAGES, SOURCE, TEXT, TOOLS, Batch, nest
from datakit.stages.write.tool_turns import share_gpt_turns

MESSAGE_FIELDS = ("role", "content", "tool_calls", "tool_call_id", "name")
LEARNING_FIELDS = ("reasoning", "train", "weight")
Shape = list[pl.Series]


def messages(batch: Batch, *, tools: bool) -> Shape:
    """`messages`; with tools, every message has every field, and `tools` is the JSON text."""
    if not tools:
        return batch.select(_with_fields("role", "content")).get_columns()
    return [*batch.select(_with_fields(*MESSAGE_FIELDS)).get_columns(), tools_of(batch)]


def share_gpt(batch: Batch, *, tools: bool) -> Shape:
    """`conversations` and `system`; with tools, their turns and `tools`, the JSON text."""
    if tools and calls_tools(batch[MESSAGES]):
        return [share_gpt_turns(batch[MESSAGES]), system_of(batch), tools_of(batch)]
    message = pl.element().filter(pl.element().struct.field("role") != "system").struct
    speaker = pl.when(message.field("role") == "user").then(pl.lit("human"))
    turn = pl.struct(
        speaker.otherwise(pl.lit("gpt")).alias("from"), message.field("content").alias("value")
    )
    turns = batch.select(pl.col(MESSAGES).list.eval(turn).alias("conversations"))
    return [turns.to_series(), system_of(batch), *([tools_of(batch)] if tools else [])]


def calls_tools(messages: pl.Series) -> bool:
    """Whether any of the conversations calls a tool."""
    flat = messages.explode(empty_as_null=False, keep_nulls=False).struct
    return bool(
        (flat.field("role") == "tool").any() or flat.field("tool_calls").is_not_null().any()
    )


def alpaca(batch: Batch, *, system: bool, history: bool) -> Shape:
    """`instruction` (the last question), `input` (always `""`) and `output` (its answer); with
    the settings `system` and `history`, the earlier turns as pairs.
    """
    spoken = pl.element().filter(pl.element().struct.field("role") != "system")
    contents = pl.col(MESSAGES).list.eval(spoken.struct.field("content"))
    texts = batch.select(contents.alias("texts"))
    shape = texts.select(
        pl.col("texts").list.get(-2).alias("instruction"),
        pl.lit("").alias("input"),
        pl.col("texts").list.get(-1).alias("output"),
    ).get_columns()
    if system:
        shape.append(system_of(batch))
    if history:
        earlier = pl.col("texts").list.head(pl.col("texts").list.len() - 2)
        shape.append(_pairs(texts.select(earlier).to_series()))
    return shape


def prompt_completion(batch: Batch, *, conversational: bool) -> Shape:
    """`prompt` and `completion`, the last answer: texts, or lists of messages."""
    if conversational:
        parts = batch.select(_with_fields("role", "content")).select(
            pl.col(MESSAGES).list.head(pl.col(MESSAGES).list.len() - 1).alias("prompt"),
            pl.col(MESSAGES).list.tail(1).alias("completion"),
        )
        return parts.get_columns()
    content = pl.col(MESSAGES).list
    return batch.select(
        content.get(0).struct.field("content").alias("prompt"),
        content.get(1).struct.field("content").alias("completion"),
    ).get_columns()


def records(batch: Batch, *, tools: bool) -> Shape:
    """`id`, `source`, `text`, and `messages` as JSON text, `""` for the one a record has not; with
    the setting, also `tools`.
    """
    text = pl.col(TEXT).fill_null("") if TEXT in batch.columns else pl.lit("")
    named = batch.select(ID, SOURCE, text.alias(TEXT)).get_columns()
    listed = [tools_of(batch)] if tools else []
    if MESSAGES not in batch.columns:
        return [*named, pl.Series(MESSAGES, [""]).new_from_index(0, batch.height), *listed]
    said = _message_texts(batch).zip_with(batch[MESSAGES].is_not_null(), pl.Series([""]))
    return [*named, said, *listed]


def _message_texts(batch: Batch) -> pl.Series:
    """JSON text, in which the messages of a record have the fields that one of them needs."""
    texts = _json_text(batch.select(_with_fields("role", "content")))
    has_tools = code_of(batch[MESSAGES]).str.contains("[ct]").fill_null(False)
    message = pl.element().struct
    told = pl.any_horizontal(message.field(name).is_not_null() for name in LEARNING_FIELDS)
    has_more = batch.select(pl.col(MESSAGES).list.eval(told).list.any().fill_null(False))
    for wanted, fields in (
        (has_tools, MESSAGE_FIELDS),
        (has_more.to_series(), (*MESSAGE_FIELDS, *LEARNING_FIELDS)),
    ):
        if wanted.any():
            texts = texts.zip_with(~wanted, _json_text(batch.select(_with_fields(*fields))))
    return texts


def _with_fields(*names: str) -> pl.Expr:
    message = pl.element().struct
    fields = {name: message.field(name) for name in names}
    filled = (
        field.fill_null("") if MESSAGE_TYPES[name] == pl.String else field
        for name, field in fields.items()
    )
    return pl.col(MESSAGES).list.eval(pl.struct(filled))


def _json_text(conversations: pl.DataFrame) -> pl.Series:
    member = pl.struct(MESSAGES).struct.json_encode()
    text = member.str.strip_prefix('{"messages":').str.strip_suffix("}")
    return conversations.select(text.alias(MESSAGES)).to_series()


def system_of(batch: Batch) -> pl.Series:
    """The system message of each conversation, `""` for none."""
    first = pl.col(MESSAGES).list.first().struct
    content = pl.when(first.field("role") == "system").then(first.field("content"))
    return batch.select(content.otherwise(pl.lit("")).alias("system")).to_series()


def tools_of(batch: Batch) -> pl.Series:
    """The JSON text of each record's list of tools, `""` for none."""
    if TOOLS not in batch.columns:
        return pl.Series(TOOLS, [""]).new_from_index(0, batch.height)
    # An empty list makes LLaMA-Factory write an empty system message.
    tools = pl.when(has_tools(pl.col(TOOLS).cast(pl.String))).then(pl.col(TOOLS).cast(pl.String))
    return batch.select(tools.fill_null("").alias(TOOLS)).to_series()


def has_tools(tools: pl.Expr) -> pl.Expr:
    """Whether a text lists any tools; false for null."""
    return ~tools.fill_null("").str.contains(r"^\s*(?:\[\s*\]|null|\{\s*\})?\s*$")


def _pairs(texts: pl.Series) -> pl.Series:
    flat = texts.explode(empty_as_null=False, keep_nulls=False)
    twos = pl.Series([2], dtype=pl.Int64).new_from_index(0, len(flat) // 2)
    pairs = nest(flat, twos, name="pair")
    return nest(pairs, texts.list.len() // 2, name="history")
