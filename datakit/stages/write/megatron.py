"""Megatron's indexed datasets: tokens back to back, and an index beside them."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from datakit.errors import DatakitError, SettingsError
from datakit.records import TEXT, WEIGHT, Batch, Columns, Table
from datakit.stages.write.message_faults import is_weighed
from datakit.tokens.ending import find_end
from datakit.tokens.tokenizer import Opened, find_tokenizer, open_tokenizer

TokenType: TypeAlias = np.dtype[np.uint16] | np.dtype[np.int32]

MAGIC, VERSION = b"MMIDIDX\x00\x00", 1
INT32_CODE, UINT16_CODE = 4, 8
SMALL_VOCABULARY = 65_500
"""Below it Megatron's own tool writes 16 bits (`DType.optimal_dtype`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MegatronSink:
    """Write documents as tokens for Megatron-LM and NeMo: a `.bin` and an `.idx` for each file.

    `tokenizer` is a local file, as of `annotate.tokens`. Each document is one sequence, with the
    token `eod` behind it (left out: the tokenizer's end token). Tokens have 16 bits where the
    vocabulary is below 65,500, as Megatron's own tool writes them, else 32. The name of a special
    token inside a text is read as the characters it is made of, unless `live_special_tokens`.
    The trainer's path is that of a pair without its suffix: `train/train-00000-of-00001`.

    These are for pretraining (`--data-path`). Conversations for Megatron's `--sft`, and text that
    its own `preprocess_data.py` is to make tokens of, are JSON Lines: `write.megatron_jsonl`.

    Reasons: `no_text`, `empty_text`, `record_weight`.
    """

    libraries: ClassVar[tuple[str, ...]] = ("tokenizers", "tiktoken", "sentencepiece")
    suffix: ClassVar[str] = ".bin"
    pair_suffix: ClassVar[str] = ".idx"
    needs: ClassVar[Columns] = frozenset({TEXT})

    tokenizer: Path
    eod: str | None = None
    live_special_tokens: bool = False

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "tokenizer", find_tokenizer(self.tokenizer))
            opened = self._open()
        except DatakitError as error:
            raise SettingsError("tokenizer", str(error)) from error
        find_end(opened, self.eod)

    def reject(self, batch: Batch) -> Table:
        """`reason`: a record without text."""
        text = pl.col(TEXT)
        reason = (
            pl.when(text.is_null())
            .then(pl.lit("no_text"))
            .when(text.str.strip_chars() == "")
            .then(pl.lit("empty_text"))
        )
        if WEIGHT in batch.columns:
            reason = reason.when(is_weighed(batch[WEIGHT])).then(pl.lit("record_weight"))
        return batch.select(reason.alias("reason"))

    def encode(self, batch: Batch) -> pa.Table:
        """Column `tokens`: the bytes of a document's tokens, its end included; and `_size`."""
        opened = self._open()
        end = find_end(opened, self.eod)
        texts = batch[TEXT].to_list()
        found = opened.tokenizer.encode(texts, special=self.live_special_tokens)
        # Each document's last place is behind its tokens: the end goes there.
        ids = np.insert(found.ids, found.offsets[1:], end).astype(self._dtype)
        bounds = (found.offsets + np.arange(len(texts) + 1)) * self._dtype.itemsize
        tokens = pa.Array.from_buffers(
            pa.large_binary(), len(texts), [None, pa.py_buffer(bounds), pa.py_buffer(ids)]
        )
        sizes = pl.Series(np.diff(bounds).astype(np.uint64)).to_arrow()
        return pa.Table.from_arrays([tokens, sizes], names=["tokens", "_size"])

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Write the tokens, then their index."""
        lengths = [np.empty(0, dtype=np.int64)]
        with path.open("wb") as file:
            for table in tables:
                for tokens in table["tokens"].chunks:
                    bounds = np.frombuffer(tokens.buffers()[1], dtype=np.int64)
                    bounds = bounds[tokens.offset : tokens.offset + len(tokens) + 1]
                    file.write(memoryview(tokens.buffers()[2])[bounds[0] : bounds[-1]])
                    lengths.append(np.diff(bounds) // self._dtype.itemsize)
        index = path.with_suffix(self.pair_suffix)
        index.write_bytes(encode_index(np.concatenate(lengths), self._dtype))

    @property
    def _dtype(self) -> TokenType:
        is_small = self._open().tokenizer.vocabulary < SMALL_VOCABULARY
        return np.dtype("<u2") if is_small else np.dtype("<i4")

    def _open(self) -> Opened:
        return open_tokenizer(self.tokenizer)


def encode_index(lengths: NDArray[np.int64], dtype: TokenType) -> bytes:
    """The `.idx` of sequences of these lengths, each a document.

    Little-endian: magic, u64 version, u8 type code, u64 sequences, u64 documents + 1; int32
    lengths, int64 byte positions, int64 first sequence of each document, and their number.
    """
    code = UINT16_CODE if dtype.itemsize == 2 else INT32_CODE
    head = MAGIC + struct.pack("<QBQQ", VERSION, code, len(lengths), len(lengths) + 1)
    starts = np.cumsum(lengths) - lengths
    return b"".join(
        [
            head,
            lengths.astype("<i4").tobytes(),
            (starts * dtype.itemsize).astype("<i8").tobytes(),
            np.arange(len(lengths) + 1, dtype="<i8").tobytes(),
        ]
    )
