"""Messages with tools in OpenAI's form: as nested columns, or as JSON text."""

import orjson
import polars as pl

from datakit.conversations.flat import flatten
from datakit.records import MESSAGES, nest

CALLS = pl.List(
    pl.Struct(
        {
            "id": pl.String,
            "type": pl.String,
            "function": pl.Struct({"name": pl.String, "arguments": pl.String}),
        }
    )
)
"""`arguments` is JSON text: as an object, Arrow would give each the keys of all others."""


def nested_messages(messages: pl.Series, *fields: str) -> pl.Series:
    """Messages as structs with `role`, `content` and these fields, each null where a message has
    none: `tool_calls`, `tool_call_id`, `name`, `reasoning_content`; and `train`, never null.
    """
    flat = flatten(messages)
    made = {
        "tool_calls": pl.col("tool_calls").str.json_decode(CALLS),
        "reasoning_content": pl.col("reasoning"),
        "train": _is_trained(),
    }
    columns = [made.get(name, pl.col(name)).alias(name) for name in fields]
    whole = flat.select("role", pl.col("content").fill_null(""), *columns).to_struct()
    return nest(whole, messages.list.len(), name=messages.name)


def _is_trained() -> pl.Expr:
    return (pl.col("role") == "assistant") & pl.col("train").fill_null(True)


def message_texts(messages: pl.Series, *, weights: bool) -> pl.Series:
    """Each conversation as the JSON text of OpenAI's list; a message has only the keys it needs.

    With `weights`, an answer with a training flag has `weight` 0 or 1.
    """
    flat = flatten(messages)
    said = pl.struct("role", pl.col("content").fill_null("")).struct.json_encode()
    calls = pl.col("tool_calls")
    optional = [
        ',"tool_calls":' + calls,
        "," + _member("tool_call_id"),
        "," + pl.when(pl.col("role") != "tool").then(_member("name")),
    ]
    if weights:
        flag = pl.when(pl.col("role") == "assistant").then(pl.col("train").cast(pl.Int8))
        optional.append(',"weight":' + flag.cast(pl.String))
    text = pl.concat_str(said.str.strip_suffix("}"), *(part.fill_null("") for part in optional))
    texts = flat.select((text + "}").alias("text")).to_series()
    nested = nest(texts, messages.list.len(), name=MESSAGES)
    joined = pl.lit("[") + pl.col(MESSAGES).list.join(",") + "]"
    return nested.to_frame().select(joined).to_series()


def _member(name: str) -> pl.Expr:
    """One member of an object without the braces; null where there is no value."""
    text = pl.struct(name).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
    return pl.when(pl.col(name).is_not_null()).then(text)


def open_ai_tools(tools: pl.Series) -> pl.Series:
    """Lists of tools as OpenAI writes them (`{"type": "function", "function": {...}}`)."""
    wrapped = {text: _wrapped(text) for text in tools.unique().to_list() if text}
    return tools.replace_strict(wrapped, default=None, return_dtype=pl.String)


def _wrapped(text: str) -> str:
    listed = [
        tool if "function" in tool else {"type": "function", "function": tool}
        for tool in orjson.loads(text)
    ]
    return orjson.dumps(listed).decode()
