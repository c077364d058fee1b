"""Tokens of chat templates in texts: found, or made plain text of."""

from collections.abc import Sequence

import polars as pl

from datakit.records import Batch, map_content
from datakit.text.special_tokens import SPECIAL_TOKENS, broken_token


def split_in_batch(batch: Batch, tokens: Sequence[str] = SPECIAL_TOKENS) -> Batch:
    """The batch with the special tokens in its texts and messages made plain text of."""
    return map_content(batch, lambda texts: split_tokens(texts, tokens))


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
