"""What two records are compared by: a part of the record, normalised (never written out)."""

import polars as pl

from datakit.errors import SettingsError
from datakit.records import (
    CONTENT,
    MESSAGES,
    TEXT,
    Batch,
    Columns,
    joined_content,
    rewrite_where,
)
from datakit.text.characters import NOT_NFC

# Part the roles, contents and messages of a conversation.
FIELD_END, MESSAGE_END = "\x1f", "\x1e"

CONTENT_PART, PROMPT, RESPONSE, CONTEXT = "content", "prompt", "response", "context"

# Full-width forms of the printable ASCII characters, U+FF01 to U+FF5E. NFKC would do more: it
# makes 10² equal to 102.
WIDE = [chr(code) for code in range(0xFF01, 0xFF5F)]
NARROW = [chr(ord(character) - 0xFEE0) for character in WIDE]

# What lower case changes, with letters newer than the tables of the pattern engine; a test goes
# through all of Unicode.
CASED = r"[\p{Uppercase}\p{Lt}\u{a7ce}-\u{a7dc}\u{16ea0}-\u{16eb8}]"

# Punctuation that can be part of a number stays: 5.5 mg is not 55 mg.
PUNCTUATION = r"[\p{P}--[.,:/%~\-–+]]"
LOOSE_POINTS = r"[.,:]+([^\d]|$)"


def check_part(on: str) -> None:
    """Raise SettingsError unless `on` can name a part of a record."""
    if not on.strip() or on.startswith("_"):
        hint = "content, prompt, response, context, or the name of a column"
        raise SettingsError("on", f"{on!r} names no part of a record", hint)


def columns_of_part(on: str) -> Columns:
    """The columns that a comparison by `on` reads."""
    if on == CONTENT_PART:
        return frozenset({CONTENT})
    return frozenset({MESSAGES if on in (PROMPT, RESPONSE, CONTEXT) else on})


def select_part(batch: Batch, on: str, *, has_roles: bool = False) -> pl.Series:
    """The part to compare, one String a row; null where the record has none.

    `"content"`: the text, or the contents of all messages, with `has_roles` each with its role
    and tool calls. `"prompt"`: the first user message. `"response"`: the last assistant message.
    `"context"`: the contents of all messages before that one, with `has_roles` likewise. Any other
    name: that column as text.
    """
    if on == CONTENT_PART:
        return _with_roles(batch) if has_roles else joined_content(batch)
    if on in (PROMPT, RESPONSE):
        return _select_message(batch, on)
    if on == CONTEXT:
        return _select_context(batch, has_roles=has_roles)
    column = batch[on]
    if column.dtype.is_nested():
        encoded = pl.struct(on).struct.json_encode()
        return batch.select(pl.when(pl.col(on).is_not_null()).then(encoded)).to_series()
    return column.cast(pl.String)


def _select_message(batch: Batch, on: str) -> pl.Series:
    if MESSAGES not in batch.columns:
        return pl.Series(MESSAGES, [None], dtype=pl.String).new_from_index(0, batch.height)
    message = pl.element().struct
    role = "user" if on == PROMPT else "assistant"
    contents = pl.col(MESSAGES).list.eval(
        pl.element().filter(message.field("role") == role).struct.field("content")
    )
    chosen = contents.list.first() if on == PROMPT else contents.list.last()
    return batch.select(chosen).to_series()


def _select_context(batch: Batch, *, has_roles: bool) -> pl.Series:
    if MESSAGES not in batch.columns:
        return _select_message(batch, PROMPT)
    is_answer = pl.element().struct.field("role") == "assistant"
    answers = pl.col(MESSAGES).list.eval(is_answer.fill_null(False)).list.reverse()
    has_answer = answers.list.any().cast(pl.UInt32)
    before = pl.col(MESSAGES).list.len() - has_answer * (answers.list.arg_max() + 1)
    context = batch.select(pl.col(MESSAGES).list.head(before))
    if not has_roles:
        return joined_content(context)
    return context.select(_join_with_roles(pl.col(MESSAGES))).to_series()


def _join_with_roles(messages: pl.Expr) -> pl.Expr:
    message = pl.element().struct
    fields = [message.field(name).fill_null("") for name in ("role", "content", "tool_calls")]
    return messages.list.eval(pl.concat_str(fields, separator=FIELD_END)).list.join(MESSAGE_END)


def _with_roles(batch: Batch) -> pl.Series:
    content = joined_content(batch)
    if MESSAGES not in batch.columns:
        return content
    whole = _join_with_roles(pl.col(MESSAGES))
    if TEXT in batch.columns:
        whole = pl.when(pl.col(TEXT).is_null()).then(whole).otherwise(TEXT)
    # Roles alone are no content: a conversation of empty messages is left out.
    blank = content.str.strip_chars() == ""
    return batch.select(pl.when(~blank).then(whole)).to_series()


def normalise(
    texts: pl.Series,
    *,
    fold_case: bool = True,
    fold_width: bool = True,
    fold_space: bool = True,
    ignore_punctuation: bool = False,
) -> pl.Series:
    """The form to compare by, in Unicode NFC; null where nothing is left to compare."""
    # Most texts need few of the steps, and looking is ten times faster than doing.
    texts = rewrite_where(texts, texts.str.contains(NOT_NFC), lambda t: t.str.normalize("NFC"))
    if fold_width:
        is_wide = texts.str.contains(f"[{WIDE[0]}-{WIDE[-1]}]")
        texts = rewrite_where(texts, is_wide, lambda t: t.str.replace_many(WIDE, NARROW))
    if fold_case:
        has_case = texts.str.contains(CASED)
        texts = rewrite_where(texts, has_case, lambda t: t.str.to_lowercase())
    text = pl.col("text")
    if ignore_punctuation:
        text = text.str.replace_all(PUNCTUATION, "").str.replace_all(LOOSE_POINTS, "${1}")
    if fold_space:
        # A single space stays as it is: nearly all white space is that.
        text = text.str.replace_all(r"[^\S ]\s*| \s+", " ").str.strip_chars(" ")
        text = text.str.replace_all(f" ?([{FIELD_END}{MESSAGE_END}]) ?", "${1}")
    is_blank = text.str.strip_chars() == ""
    return texts.to_frame("text").select(pl.when(~is_blank).then(text).alias("text")).to_series()
