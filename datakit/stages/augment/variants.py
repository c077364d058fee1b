"""Variants of conversations: edit after edit is tried until there are enough that differ."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from datakit.kernels import word_edits as kinds
from datakit.kernels.word_edits import Words
from datakit.records import hash_strings, nest
from datakit.stages.augment.protected import Patterns, find_protected
from datakit.stages.augment.vocabulary import Vocabulary, read_vocabulary, read_words

Operation = Literal["synonym", "swap", "delete", "insert"]
OPERATIONS: tuple[Operation, ...] = ("synonym", "swap", "delete", "insert")
CAREFUL = {
    "synonym": kinds.SYNONYM,
    "swap": kinds.SWAP_ITEMS,
    "delete": kinds.DELETE_FILLERS,
    "insert": kinds.OPENER,
}
BOLD = {
    "synonym": kinds.SYNONYM,
    "swap": kinds.SWAP_WORDS,
    "delete": kinds.DELETE_WORDS,
    "insert": kinds.INSERT_WORDS,
}
ATTEMPTS = 4
ADDRESSES = "好|请问|医生|大夫"
"""A text with one of these needs no opening."""
_END, _PART = "\x1e", "\x1f"

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Edits:
    """What is tried: see the settings of `augment.eda`."""

    operations: tuple[Operation, ...]
    careful: bool
    share: float
    copies: int
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Variants:
    """Texts that stand for those asked about: `asked` is the number of the text each stands for,
    `row` that of its record, and `nth` of which of the record's variants it is part, from 1.
    """

    texts: pl.Series
    asked: Numbers
    row: Numbers
    nth: Numbers

    def counts(self, rows: int) -> Numbers:
        """How many variants each of `rows` records has."""
        most = np.zeros(rows, dtype=np.int64)
        np.maximum.at(most, self.row, self.nth)
        return most


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """The texts asked about, in order of their records: `texts[first[c]:first[c + 1]]` are those
    of conversation c, which is the record `rows[c]`; `row_of` has the record of each text.
    """

    texts: pl.Series
    words: Words
    counts: Numbers
    opened: NDArray[np.bool_]
    first: Numbers
    rows: Numbers
    row_of: Numbers

    def of(self, conversations: Numbers) -> Numbers:
        """The numbers of the texts of some conversations."""
        sizes = self.sizes(conversations)
        begins = np.cumsum(sizes) - sizes
        starts = np.repeat(self.first[conversations] - begins, sizes)
        found: Numbers = starts + np.arange(sizes.sum())
        return found

    def join(self, texts: pl.Series, conversations: Numbers) -> pl.Series:
        """The texts of some conversations, those of one as one."""
        if self.counts.size == self.rows.size:
            return texts
        return nest(texts, pl.Series(self.sizes(conversations)), name="texts").list.join(_END)

    def sizes(self, conversations: Numbers) -> Numbers:
        """How many texts some conversations have."""
        return self.first[conversations + 1] - self.first[conversations]


def find_variants(
    ids: pl.Series, asked: pl.DataFrame, edits: Edits, *, patterns: Patterns, synonyms: Path | None
) -> Variants:
    """Variants of records, each other than the record and than each other, and with the same
    matches of `patterns` in the same order. `asked` has `row` and `content` of the texts to edit.
    """
    if not asked.height:
        nothing = np.zeros(0, dtype=np.int64)
        return Variants(
            texts=pl.Series([], dtype=pl.String), asked=nothing, row=nothing, nth=nothing
        )
    mark = (synonyms.stat().st_mtime_ns,) if synonyms is not None else ()
    vocabulary = read_vocabulary(synonyms, mark, patterns)
    words = read_words(asked["content"], patterns, vocabulary)
    rows, first = np.unique(asked["row"].to_numpy(), return_index=True)
    texts = _Asked(
        texts=asked["content"],
        words=words,
        counts=np.maximum(1, np.rint(edits.share * np.diff(words.first))).astype(np.int64),
        opened=asked["content"].str.contains(ADDRESSES).to_numpy(),
        first=np.append(first, asked.height).astype(np.int64),
        rows=rows.astype(np.int64),
        row_of=asked["row"].to_numpy().astype(np.int64),
    )
    return _Search(texts, vocabulary, edits, patterns).run(ids)


class _Search:
    """One search: what is known of the variants so far."""

    def __init__(
        self, asked: _Asked, vocabulary: Vocabulary, edits: Edits, patterns: Patterns
    ) -> None:
        self._asked, self._vocabulary, self._edits = asked, vocabulary, edits
        self._patterns = patterns
        every = np.arange(asked.rows.size)
        self._held = self._protected(asked.texts, every)
        # Each its own: `scatter` writes into a series where it lies.
        nothing = [pl.Series([None] * every.size, dtype=pl.String) for _ in range(edits.copies)]
        self._seen = [asked.join(asked.texts, every), *nothing]
        self._many = np.zeros(every.size, dtype=np.int64)
        self._can_change = np.zeros(every.size, dtype=np.bool_)
        self._found: list[tuple[pl.Series, Numbers, Numbers]] = []

    def run(self, ids: pl.Series) -> Variants:
        """Try so many times for each variant that is wanted, with other choices."""
        edits, own = self._edits, ids.gather(self._asked.rows)
        ways = len(edits.operations)
        waiting = np.arange(self._many.size)
        for number in range(edits.copies * ATTEMPTS):
            keys = "augment.eda " + own.gather(waiting) + f" {number}"
            draws = hash_strings(keys, seed=edits.seed).to_numpy()
            turned = (draws % np.uint64(ways)).astype(np.int64)
            trying = np.arange(waiting.size)
            for turn in range(ways):
                way = (turned[trying] + turn) % ways
                trying = trying[~self._try(waiting[trying], way, draws[trying])]
            waiting = waiting[self._many[waiting] < edits.copies]
            if edits.careful:
                # Where no edit finds a place, none will with other choices.
                waiting = waiting[self._can_change[waiting]]
        return self._all_found()

    def _try(self, conversations: Numbers, ways: Numbers, draws: NDArray[np.uint64]) -> Flags:
        """Edit conversations, and keep what has become a variant; true for each of these."""
        if not conversations.size:
            return np.zeros(0, dtype=np.bool_)
        asked, sizes = self._asked, self._asked.sizes(conversations)
        table = CAREFUL if self._edits.careful else BOLD
        edit_of = np.array([table[name] for name in self._edits.operations], dtype=np.int64)
        texts = asked.of(conversations)
        edited = self._edit(texts, np.repeat(edit_of[ways], sizes), np.repeat(draws, sizes))
        joined = asked.join(edited, conversations)
        is_made = self._differs(joined, conversations, nth=0)
        self._can_change[conversations] |= is_made
        is_made &= np.minimum.reduceat((edited != "").to_numpy(), np.cumsum(sizes) - sizes)
        for nth in range(1, int(self._many.max()) + 1):
            is_made &= self._differs(joined, conversations, nth=nth)
        changed = edited.filter(pl.Series(np.repeat(is_made, sizes)))
        held = self._protected(changed, conversations[is_made])
        is_same = (held == self._held.gather(conversations[is_made])).to_numpy()
        is_made[is_made] = is_same
        made = edited.filter(pl.Series(np.repeat(is_made, sizes)))
        self._enter(conversations[is_made], made, joined.filter(pl.Series(is_made)))
        return is_made

    def _differs(self, joined: pl.Series, conversations: Numbers, *, nth: int) -> Flags:
        """Which conversations are another text now than as their nth variant, if they have one."""
        seen = self._seen[nth].gather(conversations)
        return (joined != seen).fill_null(True).to_numpy().copy()

    def _enter(self, conversations: Numbers, texts: pl.Series, joined: pl.Series) -> None:
        """Note variants that were made: their texts, and each as one."""
        self._many[conversations] += 1
        nth = self._many[conversations]
        for number in np.unique(nth).tolist():
            mine = nth == number
            others = joined.filter(pl.Series(mine))
            self._seen[number] = self._seen[number].scatter(conversations[mine], others)
        asked = self._asked.of(conversations)
        self._found.append((texts, asked, np.repeat(nth, self._asked.sizes(conversations))))

    def _edit(self, texts: Numbers, edits: Numbers, draws: NDArray[np.uint64]) -> pl.Series:
        """An edited copy of each of these texts."""
        asked, lists = self._asked, self._vocabulary.lists
        bounds, first = asked.words.bounds, asked.words.first
        counts = np.where((edits == kinds.OPENER) & asked.opened[texts], 0, asked.counts[texts])
        sizes = bounds[first[texts + 1]] - bounds[first[texts]]
        room = int((sizes + np.maximum(counts, 1) * self._vocabulary.longest).sum())
        data, offsets = np.empty(room, dtype=np.uint8), np.zeros(texts.size + 1, dtype=np.int64)
        kinds.edit_texts(asked.words, lists, (texts, edits, counts, draws), (data, offsets))
        array = pa.LargeStringArray.from_buffers(
            texts.size, pa.py_buffer(offsets), pa.py_buffer(data[: offsets[-1]])
        )
        return pl.Series("content", pl.from_arrow(array), dtype=pl.String)

    def _protected(self, texts: pl.Series, conversations: Numbers) -> pl.Series:
        """All that is protected in each of some conversations, as one text."""
        found = find_protected(texts, self._patterns)
        joined = pl.select(
            pl.concat_str((pl.lit(part).list.join(_PART) for part in found), separator=_END)
        )
        return self._asked.join(joined.to_series(), conversations)

    def _all_found(self) -> Variants:
        texts, asked, nth = zip(*self._found, strict=True)
        every = np.concatenate(asked)
        return Variants(
            texts=pl.concat(texts),
            asked=every,
            row=self._asked.row_of[every],
            nth=np.concatenate(nth),
        )
