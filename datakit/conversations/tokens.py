"""Tokens of chat templates in texts: found, or made plain text of."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from datakit.conversations.calls import spelt_out
from datakit.records import SPOKEN, TEXT, Batch, map_fields
from datakit.text.special_tokens import SPECIAL_TOKENS, broken_token


def split_in_batch(batch: Batch, tokens: Sequence[str] = SPECIAL_TOKENS) -> Batch:
    """The batch with the special tokens in its texts and messages made plain text of, in the
    arguments of tool calls too. A document keeps the one at its end.
    """

    def split(texts: pl.Series, _: Any) -> pl.Series:
        return split_tokens(texts, tokens)

    def split_calls(calls: pl.Series, _: Any) -> pl.Series:
        plain = spelt_out(calls)
        changed = split_tokens(plain, tokens)
        return changed.zip_with((changed != plain).fill_null(False), calls)

    rewrites = {**dict.fromkeys(SPOKEN, split), "tool_calls": split_calls}
    done = map_fields(batch.drop(TEXT, strict=False), rewrites)
    texts = [split_documents(batch[TEXT], tokens)] if TEXT in batch.columns else []
    return batch.with_columns(*done.get_columns(), *texts)


def without_end(texts: pl.Expr, tokens: Sequence[str]) -> pl.Expr:
    """Texts without the special token that may stand at their end to say that a document ends."""
    end = "|".join(map(pl.escape_regex, tokens))
    short = texts.str.replace(rf"(\S)\s*(?:{end})\s*$", "${1}")
    return pl.when(texts.str.contains_any(list(tokens))).then(short).otherwise(texts)


def split_documents(texts: pl.Series, tokens: Sequence[str]) -> pl.Series:
    """`split_tokens` of all but the token at the end."""
    text = pl.col("text")
    heads = texts.to_frame("text").select(text, without_end(text, tokens).alias("head"))
    split = heads.with_columns(split_tokens(heads["head"], tokens).alias("split"))
    whole = pl.col("split") + text.str.strip_prefix(pl.col("head"))
    return split.select(whole.alias(texts.name)).to_series()


def said_in(flat: pl.DataFrame) -> pl.Series:
    """All that each message of a flat frame says: reasoning, content and tool calls, in which no
    character is escaped that need not be.
    """
    parts = [flat["content"]]
    if flat["reasoning"].null_count() < flat.height:
        parts.append(flat["reasoning"])
    if flat["tool_calls"].null_count() < flat.height:
        parts.append(spelt_out(flat["tool_calls"]))
    if len(parts) == 1:
        return parts[0]
    return pl.DataFrame(parts).select(
        pl.concat_str(pl.all(), separator="\n", ignore_nulls=True).alias("content")
    )["content"]


def split_tokens(texts: pl.Series, tokens: Sequence[str] = SPECIAL_TOKENS) -> pl.Series:
    """Texts whose special tokens are none any more: they look the same."""
    hit = texts.str.contains_any(list(tokens)).fill_null(False)
    if not hit.any():
        return texts
    whole = [broken_token(token) for token in tokens]
    rewritten = texts
    # Twice: of two tokens that overlap, the first pass sees one.
    for _ in range(2):
        rewritten = rewritten.str.replace_many(list(tokens), whole)
    return rewritten.zip_with(hit, texts)
