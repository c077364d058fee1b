"""Takes texts through the kernels that measure signals, a stretch that fits the cache at a time."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels import signals_chars, signals_tokens
from datakit.kernels.signals_chars import Chars, Texts
from datakit.kernels.signals_kinds import NEWLINE, PROPERTIES, find_kinds
from datakit.kernels.signals_lists import lower_table
from datakit.kernels.signals_passes import PASSES, Lists, Setting, Stretch
from datakit.kernels.signals_tokens import Tokens
from datakit.kernels.simd import Offsets

Columns: TypeAlias = dict[str, NDArray[Any]]

STRETCH = 1 << 17
"""Bytes of text that are read at a time; a longer text is read whole."""

_NEWLINES = NEWLINE.bit_length() - 1


class _Counts(NamedTuple):
    """What every text is counted for, a row a text."""

    properties: NDArray[np.int64]
    marks: NDArray[np.int64]
    tokens: NDArray[np.int64]


def count_all(texts: Texts, groups: frozenset[str], lists: Lists) -> Columns:
    """What these groups' passes count, by the names of their columns; one value a text.

    Properties of characters (`signals_kinds.PROPERTIES`, `signals_chars.COUNTS`) are always
    counted.
    """
    rows = texts.offsets.size - 1
    kinds = find_kinds(lists["end_marks"], lists["hant"], lists["hans"])
    setting = Setting(kinds, lists, int(np.diff(texts.offsets).max(initial=0)))
    passes = [own for own in PASSES if own.group in groups]
    tables: list[NDArray[Any]] = [
        np.zeros((rows, len(own.columns)), dtype=own.kind) for own in passes
    ]
    runs = [own.prepare(setting) for own in passes]
    counts = _Counts(*(np.zeros((rows, len(names)), dtype=np.int64) for names in _ALWAYS))
    wants_tokens = "tokens" in groups or any(own.reads_tokens for own in passes)
    for stretch in _read(texts, setting, counts, wants_tokens=wants_tokens):
        own_rows = slice(stretch.number, stretch.number + stretch.newlines.size)
        for run, table in zip(runs, tables, strict=True):
            run(stretch, table[own_rows])
    named = [*zip(_ALWAYS, counts, strict=True)]
    named += [(own.columns, table) for own, table in zip(passes, tables, strict=True)]
    return {name: table[:, i] for names, table in named for i, name in enumerate(names)}


_ALWAYS = (PROPERTIES, signals_chars.COUNTS, signals_tokens.COUNTS)


def _read(
    texts: Texts, setting: Setting, counts: _Counts, *, wants_tokens: bool
) -> Iterator[Stretch]:
    """Read the texts, a stretch at a time; the same memory is used for each."""
    size = min(max(STRETCH, setting.longest), texts.data.size) + 1
    is_cut = texts.cuts.size > 0
    chars = _make_chars(size)
    tokens, small = _make_tokens(size if wants_tokens else 1), lower_table()
    for first, stop in _stretches(texts.offsets):
        rows, bounds = slice(first, stop), np.zeros(stop - first + 1, dtype=np.int64)
        chars = chars._replace(bounds=bounds)
        own = texts._replace(offsets=texts.offsets[first : stop + 1])
        signals_chars.read_all(
            own, setting.kinds, chars, counts.properties[rows], counts.marks[rows]
        )
        if wants_tokens:
            tokens = tokens._replace(bounds=bounds.copy())
            signals_tokens.read_tokens(
                chars, setting.kinds, small, tokens, counts.tokens[rows], is_cut=is_cut
            )
        newlines = np.ascontiguousarray(counts.properties[rows, _NEWLINES])
        yield Stretch(chars, tokens, newlines, first)


def _stretches(offsets: Offsets) -> Iterator[tuple[int, int]]:
    """First text and the one behind the last, for stretches of texts."""
    first = 0
    while first < offsets.size - 1:
        limit = offsets[first] + STRETCH
        stop = max(int(np.searchsorted(offsets, limit, side="right")) - 1, first + 1)
        yield first, stop
        first = stop


def _make_chars(size: int) -> Chars:
    begins, codes = np.empty(size, dtype=np.uint8), np.empty(size, dtype=np.uint32)
    kinds = np.empty(size, dtype=np.uint8)
    return Chars(codes, kinds, begins, np.zeros(1, dtype=np.int64))


def _make_tokens(size: int) -> Tokens:
    keys, lower = np.empty(size, dtype=np.uint64), np.empty(size, dtype=np.uint64)
    sizes, flags = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.uint8)
    return Tokens(keys, lower, sizes, flags, np.zeros(1, dtype=np.int64))
