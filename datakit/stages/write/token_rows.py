"""Records as token ids, with the labels that say which of them are learnt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.records import TEXT, Batch
from datakit.tokens.chat_template import ChatTemplate, Rendered, TemplateRefusalError
from datakit.tokens.conversations import RefusedOr, render_batch
from datakit.tokens.tokenizer import Tokenizer

IGNORED = -100
"""The label of a token without loss, to every trainer that builds on PyTorch."""


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Tokens of several records: ids and labels, one after the other, and where each begins."""

    ids: NDArray[np.int32]
    labels: NDArray[np.int32]
    offsets: NDArray[np.int64]


def render_rows(batch: Batch, template: ChatTemplate | None) -> list[RefusedOr]:
    """Each record as the text that is tokenised, with what is learnt of it: a conversation's
    answers, the whole of a document.
    """
    rendered = render_batch(batch, template)
    if TEXT not in batch.columns:
        return rendered
    texts = batch[TEXT].to_list()
    return [
        Rendered(text, ((0, len(text)),)) if found is None and text is not None else found
        for found, text in zip(rendered, texts, strict=True)
    ]


def measure_rows(rows: Sequence[RefusedOr], tokenizer: Tokenizer) -> pl.Series:
    """Tokens of each row, without an end; null where there is none. Int64."""
    pieces, counts = _cut(rows)
    lengths = tokenizer.encode([text for text, _ in pieces]).lengths
    ends = np.cumsum([0, *counts])
    sums = np.concatenate([[0], np.cumsum(lengths)])[ends]
    has = pl.Series([isinstance(row, Rendered) for row in rows], dtype=pl.Boolean)
    return pl.Series(np.diff(sums)).zip_with(has, pl.Series([None], dtype=pl.Int64))


def encode_rows(
    rows: Sequence[RefusedOr], tokenizer: Tokenizer, *, ends: Sequence[int | None]
) -> TokenRows:
    """Ids and labels of rendered rows; `ends` gives the token put behind each (learnt), or None.

    What is learnt and what is not are tokenised apart, so that no token belongs to both.
    """
    pieces, counts = _cut(rows)
    encoded = tokenizer.encode([text for text, _ in pieces])
    learnt = np.repeat(np.array([is_learnt for _, is_learnt in pieces], bool), encoded.lengths)
    labels = np.where(learnt, encoded.ids, IGNORED).astype(np.int32)
    stops = encoded.offsets[np.cumsum(counts, dtype=np.int64)]
    with_end = np.array([end is not None for end in ends], dtype=bool)
    ending = np.array([end for end in ends if end is not None], dtype=np.int32)
    ids = np.insert(encoded.ids, stops[with_end], ending)
    offsets = np.concatenate([[0], stops + np.cumsum(with_end)]).astype(np.int64)
    return TokenRows(ids, np.insert(labels, stops[with_end], ending), offsets)


def _cut(rows: Sequence[RefusedOr]) -> tuple[list[tuple[str, bool]], list[int]]:
    """The rows' texts cut where what is learnt begins and ends, and how many pieces each has."""
    pieces: list[tuple[str, bool]] = []
    counts = []
    for row in rows:
        before = len(pieces)
        if row is not None and not isinstance(row, TemplateRefusalError):
            done = 0
            for start, stop in row.trained or ():
                pieces += [(row.text[done:start], False), (row.text[start:stop], True)]
                done = stop
            pieces.append((row.text[done:], False))
        counts.append(len(pieces) - before)
    return pieces, counts
