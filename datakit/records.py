"""What is in a row: the columns of a batch, and how a stage reads and writes a record's text.

A batch is a `polars.DataFrame`. Columns with fixed names and types:

| column | type | meaning |
|---|---|---|
| `id` | String | the record's own id, else `<source>/<file>:<line>` |
| `source` | String | the `[[source]]` it came from; the same for all rows of a batch |
| `text` | String | a document, or null |
| `messages` | List[Struct] | a conversation (`MESSAGES_TYPE`), or null |
| `rejected` | List[Struct] | of a preference: the worse answer, one message; the better one is the
last of `messages` |
| `label` | Boolean | of unpaired feedback: whether the last answer of `messages` is a good one |
| `tools` | String | the JSON text of the list of tools that a conversation may call, or null |
| `weight` | Float64 | how much a record counts; null is 1 |
| `meta` | String | every other field of the input record: the JSON text of one object |
| `_file`, `_line` | String, UInt64 | where the record came from: file as named in ids, first line |
| `_nested` | List[String] | the columns that hold the JSON text of a list or an object of the
input, not a text; null for none |

Stages add annotation columns, each declared in the stage's `adds`. Columns that start with an
underscore belong to the engine.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

Batch: TypeAlias = pl.DataFrame
Table: TypeAlias = pl.DataFrame
Columns: TypeAlias = frozenset[str]

ID, SOURCE, TEXT, MESSAGES, META = "id", "source", "text", "messages", "meta"
FILE, LINE = "_file", "_line"
# What no setting may name a column of the user's own: nor what starts with an underscore.
RESERVED = (ID, SOURCE, TEXT, MESSAGES, META)
# Of readers that map fields: a text of the input may look like JSON too, and is a text.
NESTED, NESTED_TYPE = "_nested", pl.List(pl.String())
# A stage that may refuse rows (a reader, a formatter) sets these two; the runner parts the rows.
REASON, VALUES = "_reason", "_values"
# Which row of its input an expander made a row of: UInt32.
PARENT = "_parent"
# Of the id, how many numbers (`x#2`) the engine put at its end: UInt8; and the highest that it put
# behind the whole of it, to name copies or parts of the record: UInt32.
MARKS, NUMBERED = "_marks", "_numbered"
# (shard << 32) | row of the spill before a barrier; given to `Barrier.observe`.
ADDRESS = "_address"
# Which reduce partition a row of an observation goes to: UInt32, see `Barrier.observe`.
PARTITION = "_partition"

# Written in a stage's `needs`: either of the two will do.
CONTENT = "text|messages"

MESSAGE_TYPES = {
    **dict.fromkeys(("role", "content", "tool_calls", "tool_call_id", "name"), pl.String()),
    "reasoning": pl.String(),
    "train": pl.Boolean(),
    "weight": pl.Float64(),
}
MESSAGE_FIELDS = tuple(MESSAGE_TYPES)
MESSAGE_TYPE = pl.Struct(MESSAGE_TYPES)
"""`tool_calls` is the JSON text of the OpenAI list; `reasoning` is what the assistant thought,
kept apart from `content`. `train` says whether a message is to be learnt (null: the assistant's
are), `weight` how much (null: 1). Fields other than `role` and `content` are null where a message
has none."""
MESSAGES_TYPE = pl.List(MESSAGE_TYPE)

REJECTED, LABEL, TOOLS, WEIGHT = "rejected", "label", "tools", "weight"
"""Columns that a conversation may have beside its messages."""

ROLES = ("system", "user", "assistant", "tool")


def make_addresses(shard: int, first_row: int, rows: int) -> pl.Series:
    """Addresses of `rows` consecutive rows of a shard: UInt64, shard in the upper 32 bits."""
    start = (shard << 32) | first_row
    return pl.Series(ADDRESS, np.arange(start, start + rows, dtype=np.uint64))


def original_ids(batch: Batch) -> pl.Series:
    """The ids with which records were read: those of copies and parts without what they end in."""
    ids = batch[ID]
    if MARKS not in batch.columns:
        return ids
    for marks in range(int(batch[MARKS].max() or 0)):  # type: ignore[arg-type]
        ids = ids.zip_with(batch[MARKS] <= marks, ids.str.replace(r"#[0-9]+$", ""))
    return ids


Rewrite: TypeAlias = Callable[[pl.Series, NDArray[np.int64]], pl.Series]
"""Rewrites texts, a String series, given the row of the record that each belongs to."""

SPOKEN = ("content", "reasoning")
"""The fields of a message that are text."""


def map_content(
    batch: Batch, clean: Callable[[pl.Series], pl.Series], *, roles: tuple[str, ...] = ()
) -> Batch:
    """Rewrite every text of a batch with `clean`, a function from String to String series.

    Documents: the `text` column. Conversations: the contents and the reasoning of all messages
    (only those of `roles`, where given), and of a rejected answer, flattened into one series, so
    that `clean` sees plain text either way. Nulls are handed over as nulls and must come back as
    nulls.
    """
    return map_fields(batch, dict.fromkeys(SPOKEN, lambda texts, _: clean(texts)), roles=roles)


def map_fields(
    batch: Batch, rewrites: Mapping[str, Rewrite], *, roles: tuple[str, ...] = ()
) -> Batch:
    """As `map_content`, each field of the messages by its own function; documents by that of
    `content`. Fields of which all values are null are passed over.
    """
    if TEXT in batch.columns and batch.schema[TEXT] == pl.String:
        rewritten = rewrites["content"](batch[TEXT], np.arange(batch.height))
        batch = batch.with_columns(rewritten.alias(TEXT))
    for name in _conversations(batch):
        if batch[name].null_count() < batch.height:
            batch = batch.with_columns(_map_messages(batch[name], rewrites, roles))
    return batch


def _conversations(batch: Batch) -> list[str]:
    """The columns that hold messages: a column `rejected` may still be a text of the input."""
    return [name for name in (MESSAGES, REJECTED) if batch.schema.get(name) == MESSAGES_TYPE]


def _map_messages(
    messages: pl.Series, rewrites: Mapping[str, Rewrite], roles: tuple[str, ...]
) -> pl.Series:
    lengths = messages.list.len()
    owners = np.repeat(np.arange(len(messages)), lengths.fill_null(0).to_numpy())
    flat = messages.explode(empty_as_null=False, keep_nulls=False).struct.unnest()
    for name, rewrite in rewrites.items():
        if flat[name].null_count() == flat.height:
            continue
        rewritten = rewrite(flat[name], owners)
        if roles:
            rewritten = rewritten.zip_with(flat["role"].is_in(roles).fill_null(False), flat[name])
        flat = flat.with_columns(rewritten.alias(name))
    return nest(flat.to_struct(), lengths, name=messages.name)


def rewrite_where(
    texts: pl.Series, wanted: pl.Series, rewrite: Callable[[pl.Series], pl.Series]
) -> pl.Series:
    """Rewrite the texts for which `wanted` is true; the others, and nulls, stay as they are.

    `rewrite` gets those texts as one series without nulls and gives as many back. Strings are
    not copied, so few rewritten rows among many cost little.
    """
    rows = (wanted.fill_null(False) & texts.is_not_null()).arg_true()
    if not len(rows):
        return texts
    if len(rows) == len(texts):
        return rewrite(texts).alias(texts.name)
    order = np.arange(len(texts), dtype=np.uint32)
    order[rows.to_numpy()] = np.arange(len(texts), len(texts) + len(rows), dtype=np.uint32)
    rewritten = rewrite(texts.gather(rows)).alias(texts.name)
    return pl.concat([texts, rewritten], rechunk=True).gather(pl.Series(order))


def nest(values: pl.Series, lengths: pl.Series, *, name: str) -> pl.Series:
    """Cut a flat series into lists of the given lengths; a null length gives a null list."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths.fill_null(0).to_numpy(), out=offsets[1:])
    child = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    mask = lengths.is_null().to_arrow()
    lists = pa.LargeListArray.from_arrays(pl.Series(offsets).to_arrow(), child, mask=mask)
    return pl.Series(name, pl.from_arrow(lists), dtype=pl.List(values.dtype))


COMPILED_HASH_BYTES = 1 << 20
"""Fewer are hashed one by one, before Numba is loaded. The hashes are the same."""


def hash_strings(values: pl.Series, *, seed: int = 0) -> pl.Series:
    """XXH64 of each string's UTF-8 bytes: UInt64, the same on every machine and version; null
    gives null. Two seeds give 128 independent bits. (Polars' own `hash` may change.)
    """
    texts = values.cast(pl.String).to_arrow(compat_level=pl.CompatLevel.oldest())
    if texts.nbytes >= COMPILED_HASH_BYTES:
        from datakit.kernels.hashing import hash_values

        _, offsets, text = texts.buffers()
        places = np.frombuffer(offsets, dtype=np.int64)[texts.offset :][: len(texts) + 1]
        found = hash_values(np.frombuffer(text or b"", dtype=np.uint8), places, seed)
        hashes = pl.Series(values.name, found, dtype=pl.UInt64)
        return hashes.set(values.is_null(), None) if texts.null_count else hashes
    digest = xxhash.xxh64_intdigest
    digests = [None if v is None else digest(v.encode(), seed) for v in values.to_list()]
    return pl.Series(values.name, digests, dtype=pl.UInt64)


def joined_content(batch: Batch, *, roles: tuple[str, ...] = ()) -> pl.Series:
    """The text a filter judges, one String a row: `text`, else the contents of the messages
    (only those of `roles`, where given) joined by line ends, with the reasoning before a content
    and a rejected answer at the end; null where a record has neither.
    """
    parts = []
    if TEXT in batch.columns:
        parts.append(batch[TEXT])
    names = _conversations(batch)
    if MESSAGES in names:
        joined = [_join_messages(batch[name], roles) for name in names]
        parts.append(joined[0] if len(joined) == 1 else _join_answers(*joined))
    if not parts:
        return pl.Series(TEXT, [None] * batch.height, dtype=pl.String)
    return parts[0] if len(parts) == 1 else parts[0].fill_null(parts[1])


def _join_messages(messages: pl.Series, roles: tuple[str, ...]) -> pl.Series:
    message = pl.element()
    if roles:
        message = message.filter(message.struct.field("role").is_in(roles))
    content = message.struct.field("content").fill_null("")
    reasoning = messages.explode(empty_as_null=False, keep_nulls=False).struct.field("reasoning")
    if reasoning.null_count() < len(reasoning):
        content = (message.struct.field("reasoning") + "\n").fill_null("") + content
    contents = pl.col(messages.name).list.eval(content).list.join("\n")
    return messages.to_frame().select(contents).to_series().alias(TEXT)


def _join_answers(messages: pl.Series, rejected: pl.Series) -> pl.Series:
    both = pl.concat_str("messages", pl.lit("\n") + pl.col("rejected"), ignore_nulls=True)
    frame = pl.DataFrame({"messages": messages, "rejected": rejected})
    whole = pl.when(pl.col("messages").is_not_null()).then(both)
    return frame.select(whole).to_series().alias(TEXT)


def utf8_buffers(texts: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A String series as kernels take it: all its UTF-8 bytes, and where each text begins (and
    the last ends). Null counts as empty.
    """
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    if offsets is None or not len(texts):
        return np.zeros(0, dtype=np.uint8), np.zeros(len(texts) + 1, dtype=np.int64)
    places = np.frombuffer(offsets, dtype=np.int64)[array.offset :][: len(texts) + 1]
    return np.frombuffer(data or b"", dtype=np.uint8), places
