"""Tokenizers in the form of tiktoken: a file of tokens and ranks; the rest is known by name.

The file says nothing of how a text is split before the merges, nor of special tokens. Both are
published facts of each model: the patterns of `cl100k_base` and `o200k_base` in tiktoken's
`tiktoken_ext/openai_public.py`, Qwen's in its `tokenization_qwen.py`, Llama 3's in Meta's
`llama/tokenizer.py`.
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from datakit.errors import DatakitError
from datakit.tokens.tokenizer import Encoded

CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN = rf"{CONTRACTION}|{WORDS}|\p{{N}}|{REST}"
CL100K = rf"{CONTRACTION}|{WORDS}|\p{{N}}{{1,3}}|{REST}"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_HEAD = r"[^\r\n\p{L}\p{N}]?"
O200K = "|".join(
    [
        rf"{_HEAD}{_UPPER}*{_LOWER}+{_SUFFIX}",
        rf"{_HEAD}{_UPPER}+{_LOWER}*{_SUFFIX}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+|\s+(?!\S)|\s+",
    ]
)

QWEN_SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    *(f"<|extra_{n}|>" for n in range(205)),
)
LLAMA3_SPECIAL = (
    *("<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>"),
    *("<|reserved_special_token_1|>", "<|finetune_right_pad_id|>", "<|step_id|>"),
    *("<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"),
    *(f"<|reserved_special_token_{n}|>" for n in range(2, 247)),
)
CL100K_SPECIAL = {
    "<|endoftext|>": 100257,
    "<|fim_prefix|>": 100258,
    "<|fim_middle|>": 100259,
    "<|fim_suffix|>": 100260,
    "<|endofprompt|>": 100276,
}
O200K_SPECIAL = {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}

# By the number of ranks, which no two of them share.
KNOWN: dict[int, tuple[str, str, dict[str, int]]] = {
    151_643: ("qwen", QWEN, {token: 151_643 + n for n, token in enumerate(QWEN_SPECIAL)}),
    128_000: ("llama3", CL100K, {token: 128_000 + n for n, token in enumerate(LLAMA3_SPECIAL)}),
    100_256: ("cl100k", CL100K, CL100K_SPECIAL),
    199_998: ("o200k", O200K, O200K_SPECIAL),
}


class TiktokenTokenizer:
    """A tiktoken file of Qwen, Llama 3, cl100k or o200k, told by its number of tokens."""

    def __init__(self, path: Path, *, tokens: Sequence[str] = ()) -> None:
        import tiktoken

        ranks = _read_ranks(path)
        if len(ranks) not in KNOWN:
            known = ", ".join(f"{name} ({size:,})" for size, (name, _, _) in KNOWN.items())
            raise DatakitError(
                f"{path} has {len(ranks):,} tokens, and how it splits texts is in no tiktoken "
                f"file; known by their size: {known}. Convert it to a tokenizers JSON file"
            )
        name, pattern, special = KNOWN[len(ranks)]
        lacking = [token for token in dict.fromkeys(tokens) if token not in special]
        first = 1 + max(*special.values(), len(ranks) - 1)
        self._special = special | {token: first + n for n, token in enumerate(lacking)}
        self._encoding = tiktoken.Encoding(
            name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=self._special
        )
        self._path, self._tokens = path, tuple(tokens)

    @property
    def vocabulary(self) -> int:
        """All ids lie below it."""
        return int(self._encoding.n_vocab)

    def encode(self, texts: Sequence[str], *, special: bool = True) -> Encoded:
        """The ids of the texts."""
        batch = list(texts)
        if special:
            found = self._encoding.encode_batch(
                batch, allowed_special="all", disallowed_special=(), num_threads=1
            )
        else:
            found = self._encoding.encode_ordinary_batch(batch, num_threads=1)
        lengths = np.fromiter((0, *map(len, found)), dtype=np.int64, count=len(found) + 1)
        flat = [np.array(ids, dtype=np.int32) for ids in found]
        ids = np.concatenate(flat) if flat else np.empty(0, np.int32)
        return Encoded(ids, np.cumsum(lengths))

    def token_id(self, token: str) -> int | None:
        """The id of a token as it is written."""
        if token in self._special:
            return self._special[token]
        try:
            return int(self._encoding.encode_single_token(token))
        except KeyError:
            return None

    def extended(self, tokens: Sequence[str]) -> Self:
        """The same tokenizer, with these as special tokens."""
        return type(self)(self._path, tokens=(*self._tokens, *tokens)) if tokens else self


def _read_ranks(path: Path) -> dict[bytes, int]:
    ranks = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if line.strip():
            token, _, rank = line.strip().partition(b" ")
            try:
                ranks[base64.b64decode(token, validate=True)] = int(rank)
            except ValueError as error:
                raise DatakitError(f"{path}:{number} is no line of a tiktoken file") from error
    return ranks
