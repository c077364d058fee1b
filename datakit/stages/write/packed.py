"""Tokenised records packed into sequences of one length."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datakit.conversations.tokens import split_in_batch
from datakit.errors import SettingsError
from datakit.records import CONTENT, MESSAGES, TEXT, Batch, Columns, Table
from datakit.stages.write.bins import pack_window, windows
from datakit.stages.write.faults import Fault, verdicts
from datakit.stages.write.message_faults import (
    judged_faults,
    record_weight_faults,
    token_faults,
    weight_faults,
)
from datakit.stages.write.token_rows import encode_rows, measure_rows, render_rows
from datakit.text.special_tokens import SPECIAL_TOKENS
from datakit.tokens.chat_template import (
    ChatTemplate,
    TemplateRefusalError,
    open_template,
    template_files,
)
from datakit.tokens.ending import find_end
from datakit.tokens.settings import check_columns, check_tokenizer
from datakit.tokens.tokenizer import Opened, open_tokenizer

GROUP_ROWS = 1_000
TOKEN_BYTES = 8
"""Of an id and its label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedSink:
    """Write tokenised records, packed into sequences of `length` tokens, as Parquet.

    Whole records are put together by best-fit decreasing, in windows of 65,536 records or 8
    million tokens, so that little of a sequence stays empty and no conversation is cut. A document
    that is longer than a sequence is cut into several parts, which need not stand in order.
    Sequences are not padded. Columns, as TRL reads tokenised data:

    - `input_ids`;
    - `labels`: the same, but -100 where there is no loss: all of a conversation but its answers;
    - `seq_lengths`: where one record ends and the next begins, for attention that keeps them
      apart and positions that start anew;
    - `records`: which record each part is of: the row, from 0, in the file's lineage.

    `tokenizer` and `template` are those of `annotate.tokens`; a document, and a conversation with
    `end_conversations`, gets the token `eod` behind it (left out: the tokenizer's end token). What
    is learnt is tokenised apart from what is not. The file's metadata say how full the sequences
    are. A run's counts, and the rows of its report, are of records.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass.

    Reasons: `no_content`, `template_refused`, `nothing_learnt` (no part of the conversation is, or
    the template does not say which), `too_many_tokens` (a conversation longer than a sequence),
    `turn_weight` and `record_weight` (there is no place for them), `special_token`, `judged_bad` (a
    conversation whose `label` is false).
    """

    libraries: ClassVar[tuple[str, ...]] = (
        *("tokenizers", "tiktoken", "sentencepiece", "jinja2", "pyarrow"),
    )
    suffix: ClassVar[str] = ".parquet"
    needs: ClassVar[Columns] = frozenset({CONTENT})

    tokenizer: Path
    template: str | None = None
    length: int = 4096
    eod: str | None = None
    end_conversations: bool = False
    special_tokens: Literal["refuse", "split", "allow"] = "refuse"

    def __post_init__(self) -> None:
        if self.length < 2:
            raise SettingsError("length", f"{self.length} is less than 2")
        object.__setattr__(self, "tokenizer", check_tokenizer(self.tokenizer, self.template))
        find_end(open_tokenizer(self.tokenizer), self.eod)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the template comes from, beside the tokenizer's own."""
        return template_files(self.template, self.tokenizer)

    def check_columns(self, have: Columns) -> None:
        """Refuse conversations without a template."""
        check_columns(have, self.tokenizer, self.template)

    def reject(self, batch: Batch) -> Table:
        """`reason`, and `n_tokens` and `length`, the template's `error`, or the place."""
        batch = self._prepared(batch)
        opened, template = self._open()
        rows = render_rows(batch, template)
        refused = [str(r) if isinstance(r, TemplateRefusalError) else None for r in rows]
        learnt = [not isinstance(r, TemplateRefusalError) and bool(r and r.trained) for r in rows]
        measured = pl.DataFrame(
            {
                "n_tokens": measure_rows(rows, opened.tokenizer) + self._is_ended(batch),
                "length": pl.Series([self.length]).new_from_index(0, batch.height),
                "error": pl.Series(refused, dtype=pl.String),
            }
        )
        is_long = self._are_conversations(batch) & (measured["n_tokens"] > self.length)
        misfits = {
            "template_refused": measured["error"].is_not_null(),
            "no_content": measured["n_tokens"].is_null(),
            "nothing_learnt": ~pl.Series(learnt, dtype=pl.Boolean),
            "too_many_tokens": is_long,
        }
        faults = [Fault(reason, pl.lit(applies)) for reason, applies in misfits.items()]
        return verdicts(batch, [*faults, *self._faults(batch)]).hstack(measured.get_columns())

    def _faults(self, batch: Batch) -> list[Fault]:
        """What is refused of that which can be tokenised."""
        faults = record_weight_faults(batch)
        if MESSAGES in batch.columns:
            faults += [*judged_faults(batch), *weight_faults()]
        refused = SPECIAL_TOKENS if self.special_tokens == "refuse" else ()
        return [*faults, *token_faults(batch, (TEXT, MESSAGES), refused)]

    def encode(self, batch: Batch) -> pa.Table:
        """Each record by itself: `input_ids`, `labels`, and `_size`."""
        batch = self._prepared(batch)
        opened, template = self._open()
        end = find_end(opened, self.eod)
        ends = [end if ended else None for ended in self._is_ended(batch)]
        rows = encode_rows(render_rows(batch, template), opened.tokenizer, ends=ends)
        sizes = np.diff(rows.offsets).astype(np.uint64) * TOKEN_BYTES
        offsets = pl.Series(rows.offsets).to_arrow()
        lists = [_large_lists(offsets, values) for values in (rows.ids, rows.labels)]
        return pa.Table.from_arrays(
            [*lists, pl.Series(sizes).to_arrow()], names=["input_ids", "labels", "_size"]
        )

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Pack window by window."""
        writer = None
        records = sequences = tokens = 0
        for window in windows(tables):
            packed = pack_window(window, self.length, records)
            writer = writer or pq.ParquetWriter(path, packed.schema, compression="zstd")
            writer.write_table(packed, row_group_size=GROUP_ROWS)
            records, sequences = records + window.num_rows, sequences + packed.num_rows
            tokens += len(packed["input_ids"].combine_chunks().flatten())
        if writer is not None:
            said = {"length": self.length, "records": records, "sequences": sequences}
            said |= {"tokens": tokens}
            empty = round(1 - tokens / (sequences * self.length), 6)
            writer.add_key_value_metadata({"packing": json.dumps({**said, "empty": empty})})
            writer.close()

    def _prepared(self, batch: Batch) -> Batch:
        return split_in_batch(batch) if self.special_tokens == "split" else batch

    def _are_conversations(self, batch: Batch) -> pl.Series:
        if MESSAGES in batch.columns:
            return batch[MESSAGES].is_not_null()
        return pl.Series([False]).new_from_index(0, batch.height)

    def _is_ended(self, batch: Batch) -> pl.Series:
        """Which records get an end token."""
        return ~self._are_conversations(batch) | self.end_conversations

    def _open(self) -> tuple[Opened, ChatTemplate | None]:
        opened = open_tokenizer(self.tokenizer)
        return opened, open_template(self.template, opened)


def _large_lists(offsets: pa.Array, values: NDArray[np.int32]) -> pa.Array:
    child = pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(values)])
    return pa.LargeListArray.from_arrays(offsets, child)
