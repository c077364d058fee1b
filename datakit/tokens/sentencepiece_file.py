"""Tokenizers in the form of sentencepiece: one binary model file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from datakit.errors import DatakitError
from datakit.tokens.tokenizer import Encoded


class SentencePieceTokenizer:
    """A sentencepiece model. Its control tokens (`<s>`, `</s>`) are never found in a text; those
    that the model lists as user-defined always are.
    """

    def __init__(self, path: Path) -> None:
        import sentencepiece

        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        except (RuntimeError, OSError) as error:
            raise DatakitError(
                f"{path} is no tokenizer: neither JSON, nor a tiktoken file, nor a sentencepiece "
                f"model ({error})"
            ) from error

    @property
    def vocabulary(self) -> int:
        """All ids lie below it."""
        return int(self._processor.vocab_size())

    def encode(self, texts: Sequence[str], *, special: bool = True) -> Encoded:  # noqa: ARG002
        """The ids of the texts."""
        found = self._processor.encode(list(texts), out_type=int, num_threads=1)
        lengths = np.fromiter((0, *map(len, found)), dtype=np.int64, count=len(found) + 1)
        ids = np.fromiter((i for each in found for i in each), np.int32, count=int(lengths.sum()))
        return Encoded(ids, np.cumsum(lengths))

    def token_id(self, token: str) -> int | None:
        """The id of a token as it is written."""
        found = int(self._processor.piece_to_id(token))
        return None if found == self._processor.unk_id() and not self._is_unknown(token) else found

    def extended(self, tokens: Sequence[str]) -> Self:
        """The same tokenizer, if it finds these in texts."""
        lacking = [token for token in tokens if len(self.encode([token]).ids) != 1]
        if lacking:
            raise DatakitError(
                f"a sentencepiece model cannot be given the tokens {', '.join(lacking)}; use the "
                "tokenizer.json of the model"
            )
        return self

    def _is_unknown(self, token: str) -> bool:
        return bool(self._processor.id_to_piece(self._processor.unk_id()) == token)
