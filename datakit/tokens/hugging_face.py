"""Tokenizers in the JSON form of Hugging Face's library `tokenizers`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from datakit.errors import DatakitError
from datakit.tokens.tokenizer import Encoded

BATCH = 1_000


class HuggingFaceTokenizer:
    """A `tokenizer.json`. Added tokens are found in every text, as all trainers that use the
    library have it; with `special=False` they are read as the characters they are made of.
    """

    def __init__(self, path: Path, *, tokens: Sequence[str] = ()) -> None:
        from tokenizers import AddedToken, Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing more special
            raise DatakitError(f"{path} is no tokenizers file: {error}") from error
        # A file may ask for cutting and padding; here a text has the tokens that it has.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in tokens])
        # Ids may have gaps: the number of tokens does not say it.
        ids = self._tokenizer.get_vocab(with_added_tokens=True).values()
        self._vocabulary = 1 + max(ids, default=-1)
        self._path, self._tokens = path, tuple(tokens)

    @property
    def vocabulary(self) -> int:
        """All ids lie below it."""
        return self._vocabulary

    def encode(self, texts: Sequence[str], *, special: bool = True) -> Encoded:
        """The ids of the texts."""
        self._tokenizer.encode_special_tokens = not special
        ids: list[int] = []
        lengths = [0]
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            for found in self._tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                ids += found.ids
                lengths.append(len(found))
        return Encoded(np.array(ids, dtype=np.int32), np.cumsum(lengths, dtype=np.int64))

    def token_id(self, token: str) -> int | None:
        """The id of a token as it is written."""
        found: int | None = self._tokenizer.token_to_id(token)
        return found

    def extended(self, tokens: Sequence[str]) -> Self:
        """The same tokenizer, with these as special tokens."""
        return type(self)(self._path, tokens=(*self._tokens, *tokens)) if tokens else self
