"""Long documents become several, cut at the ends of sentences."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from datakit.errors import DatakitError, SettingsError
from datakit.records import PARENT, TEXT, Batch, Columns, nest
from datakit.stages.format.counts import empty_counts
from datakit.stages.format.sentences import cut_parts
from datakit.tokens.tokenizer import find_tokenizer, open_tokenizer

BYTES_A_CHAR = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkFormat:
    """Cut long documents at the ends of sentences into several records, which may overlap.

    A document of more than `max_chars` characters (code points) becomes pieces of as many whole
    sentences as fit; with `max_tokens` instead, and a `tokenizer` as of `annotate.tokens`, they
    are measured in tokens, those of the sentences added up. A sentence that is too long by itself
    is cut at commas and white space, and what is still too long, anywhere. Each piece but the
    first begins with the last sentences of the one before that come to `overlap` or less, in the
    same unit. Every character of the document is in some piece; white space between two pieces
    stays with the first. Other documents, and conversations, stay as they are.

    The pieces of record `x` are `x#1`, `x#2` and so on, and have its other columns; counts of
    tokens are emptied, so count behind this stage. Rows grow by the pieces beyond the first, which
    the books show as copies. Overlapping pieces of one document are near-duplicates: split and
    deduplicate before this stage.
    """

    needs: ClassVar[Columns] = frozenset({TEXT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars", "tokenizers", "tiktoken", "sentencepiece")

    max_chars: int | None = None
    max_tokens: int | None = None
    tokenizer: Path | None = None
    overlap: int = 0

    def __post_init__(self) -> None:
        if (self.max_chars is None) == (self.max_tokens is None):
            hint = "max_chars = 2000, or max_tokens = 1024 and a tokenizer"
            raise SettingsError("max_chars", "give one of max_chars and max_tokens", hint)
        name = "max_chars" if self.max_tokens is None else "max_tokens"
        if self._most < BYTES_A_CHAR:
            raise SettingsError(name, f"{self._most} is less than {BYTES_A_CHAR}")
        if not 0 <= self.overlap < self._most:
            raise SettingsError("overlap", f"{self.overlap} is not from 0 to below {name}")
        if (self.max_tokens is None) != (self.tokenizer is None):
            message = "max_tokens and tokenizer go together"
            raise SettingsError("tokenizer", message)
        if self.tokenizer is not None:
            try:
                object.__setattr__(self, "tokenizer", find_tokenizer(self.tokenizer))
                open_tokenizer(self.tokenizer)
            except DatakitError as error:
                raise SettingsError("tokenizer", str(error)) from error

    @property
    def _most(self) -> int:
        return self.max_chars or self.max_tokens or 0

    def expand(self, batch: Batch) -> Batch:
        """The documents' pieces, each with the row it is made of."""
        long = (self._measure(batch[TEXT].fill_null("")) > self._most).arg_true()
        pieces = self._cut(batch[TEXT].gather(long))
        counts = np.ones(batch.height, dtype=np.int64)
        counts[long.to_numpy()] = pieces.list.len().to_numpy()
        parents = np.repeat(np.arange(batch.height, dtype=np.uint32), counts)
        expanded = batch[pl.Series(parents)].with_columns(pl.Series(PARENT, parents))
        is_cut = np.repeat(counts > 1, counts)
        texts = pieces.explode(empty_as_null=False, keep_nulls=False)
        return expanded.with_columns(
            expanded[TEXT].scatter(np.flatnonzero(is_cut), texts).alias(TEXT),
            *empty_counts(expanded, pl.Series(is_cut)),
        )

    def _measure(self, texts: pl.Series) -> pl.Series:
        if self.tokenizer is None:
            return texts.str.len_chars().cast(pl.Int64)
        lengths = open_tokenizer(self.tokenizer).tokenizer.encode(texts.to_list()).lengths
        return pl.Series(lengths, dtype=pl.Int64)

    def _cut(self, texts: pl.Series) -> pl.Series:
        """The pieces of each text: a series of lists."""
        if not len(texts):
            return pl.Series(TEXT, [], dtype=pl.List(pl.String))
        from datakit.kernels.pieces import fill_pieces

        # A character is at most four tokens: one for each of its bytes.
        chars = self._most if self.tokenizer is None else self._most // BYTES_A_CHAR
        parts = cut_parts(texts, self._measure, most=self._most, chars=chars)
        bounds = np.searchsorted(parts["row"].to_numpy(), np.arange(len(texts) + 1))
        spans, counts = fill_pieces(
            parts["size"].to_numpy(), bounds.astype(np.int64), self._most, self.overlap
        )
        lengths = spans[:, 1] - spans[:, 0]
        # Piece by piece, the numbers of its parts; overlapping pieces share some.
        starts = np.repeat(spans[:, 0] - np.cumsum(lengths) + lengths, lengths)
        order = pl.Series(starts + np.arange(len(starts)))
        joined = nest(parts["part"].gather(order), pl.Series(lengths), name=TEXT).list.join("")
        return nest(joined, pl.Series(counts), name=TEXT)
