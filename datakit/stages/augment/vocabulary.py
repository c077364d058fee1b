"""Texts as words: which may be changed, and what for."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from datakit.kernels.scripts import Bytes, Offsets
from datakit.kernels.word_edits import FILLER, FREE, HAN, ITEM, SEPARATOR, Lists, Words
from datakit.records import utf8_buffers
from datakit.stages.augment.protected import Patterns, find_protected
from datakit.stages.augment.word_lists import FILLERS, GROUPS, OPENERS, SEPARATORS
from datakit.text.lists import read_list

IS_HAN = "^[\u3400-\u9fff]+$"
_RUN = np.zeros(256, dtype=np.bool_)
_RUN[np.frombuffer(b"+#&._%-", dtype=np.uint8)] = True
_RUN[[*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)]] = True


class Vocabulary(NamedTuple):
    """Words that have others of their sense: `groups` has `word` and `group`, its list in `lists`,
    the last of which holds openings; `longest` is the most bytes of any text of the lists.
    """

    groups: pl.DataFrame
    lists: Lists
    longest: int


@lru_cache(maxsize=8)
def read_vocabulary(path: Path | None, _mark: tuple[int, ...], patterns: Patterns) -> Vocabulary:
    """The words of a file of groups, and datakit's own; those with something protected in them
    stand for none.
    """
    known = _known(path)
    others = pl.Series([other for found in known.values() for other in found], dtype=pl.String)
    found_in = [others.str.contains(pattern) for pattern in patterns]
    is_free = iter((~pl.Series(np.any(found_in, axis=0))).to_list())
    free = {word: [other for other in found if next(is_free)] for word, found in known.items()}
    usable = {word: found for word, found in free.items() if found}
    groups = pl.DataFrame(
        {"word": list(usable), "group": range(len(usable))},
        schema={"word": pl.String, "group": pl.Int64},
    )
    lists = _lists_of([*usable.values(), list(OPENERS)])
    return Vocabulary(groups, lists, int(np.diff(lists.bounds).max()))


def _known(path: Path | None) -> Mapping[str, Sequence[str]]:
    """The other words of the groups that a word is in, those of the file before datakit's own."""
    groups = [line.split() for line in read_list(path)] if path is not None else []
    groups = [group[1:] if group[0][-1] in "=#@" else group for group in groups]
    known: dict[str, dict[str, None]] = {}
    for group in [*groups, *GROUPS]:
        for word in group:
            known.setdefault(word, {}).update(dict.fromkeys(o for o in group if o != word))
    return {word: tuple(others) for word, others in known.items() if others}


def _lists_of(lists: Sequence[Sequence[str]]) -> Lists:
    texts = pl.Series([text for found in lists for text in found], dtype=pl.String)
    return Lists(*_packed(texts), np.cumsum([0, *map(len, lists)], dtype=np.int64))


def read_words(texts: pl.Series, patterns: Patterns, vocabulary: Vocabulary) -> Words:
    """The words of texts as jieba cuts them; a run of ASCII letters and digits is one, and every
    other character. What is protected, and the words on either side of it, are not free.
    """
    from datakit.kernels.segmentation import mark_words
    from datakit.kernels.word_locks import lock_words

    data, offsets = _packed(texts)
    starts = (mark_words(data, offsets) == 1) & (data & 0xC0 != 0x80)
    in_run = _RUN[data]
    starts[1:] &= ~(in_run[1:] & in_run[:-1])
    starts[offsets[:-1][np.diff(offsets) > 0]] = True
    bounds = np.append(np.flatnonzero(starts), data.size).astype(np.int64)
    first = np.searchsorted(bounds[:-1], offsets).astype(np.int64)
    looked_up = _look_up(data, bounds, vocabulary)
    spoken = looked_up["spoken"].to_numpy()
    kinds = looked_up["kinds"].to_numpy().copy()
    for found in find_protected(texts, patterns):
        pieces = _packed(found.explode(empty_as_null=False))
        first_piece = np.append(0, found.list.len().to_numpy().cumsum(dtype=np.int64))
        locked = lock_words((data, offsets, bounds, first), (*pieces, first_piece), spoken)
        kinds[locked == 1] &= ~np.uint8(FREE | ITEM)
    return Words(data, bounds, first, kinds, looked_up["group"].to_numpy())


def _packed(texts: pl.Series) -> tuple[Bytes, Offsets]:
    """The bytes of texts and where each begins, from 0; always read-only: a kernel is compiled for
    either kind of array.
    """
    data, offsets = utf8_buffers(texts)
    data, offsets = data[offsets[0] : offsets[-1]].view(), offsets - offsets[0]
    data.flags.writeable = False
    return data, offsets


def _look_up(data: Bytes, bounds: Offsets, vocabulary: Vocabulary) -> pl.DataFrame:
    """`kinds` (as if nothing were protected), `group`, and `spoken` of each word."""
    array = pa.LargeStringArray.from_buffers(
        bounds.size - 1, pa.py_buffer(bounds), pa.py_buffer(data)
    )
    words = pl.Series("word", pl.from_arrow(array), dtype=pl.String).to_frame()
    word = pl.col("word")
    is_han = word.str.contains(IS_HAN)
    kinds = [
        (is_han, FREE | HAN),
        (word.is_in(FILLERS), FILLER),
        (word.is_in(SEPARATORS), SEPARATOR),
        (is_han & (word.str.len_chars() > 1), ITEM),
    ]
    known = words.unique().with_columns(
        pl.sum_horizontal(has.cast(pl.UInt8) * bits for has, bits in kinds)
        .cast(pl.UInt8)
        .alias("kinds"),
        word.str.contains(r"[\p{L}\p{N}]").cast(pl.UInt8).alias("spoken"),
    )
    known = known.join(vocabulary.groups, on="word", how="left").with_columns(
        pl.col("group").fill_null(-1)
    )
    return words.join(known, on="word", how="left", maintain_order="left")
