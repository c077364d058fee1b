"""The texts of a batch that a barrier looks into, as one array of bytes, and their way back."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from datakit.records import MESSAGES, TEXT, Batch, Table, nest

Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PartTexts:
    """Text i is `data[offsets[i]:offsets[i + 1]]`, UTF-8, of row `rows[i]` of the batch; the first
    `documents` of them are the rows' `text`, then come messages.
    """

    data: Bytes
    offsets: Places
    rows: Places
    documents: int


def take_texts(batch: Batch, roles: tuple[str, ...]) -> PartTexts:
    """The texts of documents, and of conversations the contents of messages of `roles`; whatever
    is not looked into is an empty text.
    """
    parts, rows, documents = [], [], 0
    if _has_documents(batch):
        parts.append(batch[TEXT].fill_null(""))
        rows.append(np.arange(batch.height, dtype=np.int64))
        documents = batch.height
    if roles and _has_conversations(batch):
        flat, owners, wanted = _flatten(batch, roles)
        parts.append(flat["content"].zip_with(wanted, pl.Series([""])).alias(TEXT))
        rows.append(owners)
    none = pl.Series(TEXT, [], dtype=pl.String)
    texts = pl.concat([none, *(part.alias(TEXT) for part in parts)], rechunk=True)
    arrow = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = arrow.buffers()
    places = np.frombuffer(offsets, dtype=np.int64)[arrow.offset :][: len(arrow) + 1]
    found = np.frombuffer(data or b"", dtype=np.uint8)
    for array in (found, places):
        array.flags.writeable = False  # kernels are compiled for one kind of array
    return PartTexts(found, places, np.concatenate([np.empty(0, np.int64), *rows]), documents)


def put_texts(batch: Batch, roles: tuple[str, ...], texts: tuple[Bytes, Places]) -> Table:
    """The columns of a batch with other texts in place of those of `take_texts`."""
    data, offsets = texts
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    values = pl.Series(pa.LargeStringArray.from_buffers(len(offsets) - 1, buffers[1], buffers[2]))
    columns, documents = [], 0
    if _has_documents(batch):
        documents = batch.height
        is_there = batch[TEXT].is_not_null()
        columns.append(values[:documents].zip_with(is_there, batch[TEXT]).alias(TEXT))
    if roles and _has_conversations(batch):
        flat, _, wanted = _flatten(batch, roles)
        content = values[documents:].zip_with(wanted, flat["content"]).alias("content")
        rewritten = flat.with_columns(content).to_struct()
        columns.append(nest(rewritten, batch[MESSAGES].list.len(), name=MESSAGES))
    return pl.DataFrame(columns)


def _has_documents(batch: Batch) -> bool:
    return TEXT in batch.columns and batch.schema[TEXT] == pl.String


def _has_conversations(batch: Batch) -> bool:
    return MESSAGES in batch.columns and batch[MESSAGES].null_count() < batch.height


def _flatten(batch: Batch, roles: tuple[str, ...]) -> tuple[Table, Places, pl.Series]:
    """The messages of a batch, the row of each, and which are looked into."""
    messages = batch[MESSAGES]
    flat = messages.explode(empty_as_null=False, keep_nulls=False).struct.unnest()
    sizes = messages.list.len().fill_null(0).to_numpy()
    owners = np.repeat(np.arange(batch.height, dtype=np.int64), sizes)
    wanted = flat["role"].is_in(roles).fill_null(False) & flat["content"].is_not_null()
    if _has_documents(batch):
        wanted &= batch[TEXT].is_null().gather(pl.Series(owners, dtype=pl.UInt32))
    return flat, owners, wanted
