"""Further wordings of Chinese instructions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.conversations.flat import flatten, nest_messages
from datakit.errors import SettingsError
from datakit.records import ID, MESSAGES, PARENT, REASON, ROLES, VALUES, Batch, Columns
from datakit.stages.augment import edits
from datakit.stages.augment.protected import (
    find_protected,
    is_free_of,
    lock_words,
    protected_pattern,
)
from datakit.text.lists import read_list
from datakit.text.segmentation import cut_words

Operation = Literal["synonym", "swap", "delete", "insert"]
OPERATIONS: tuple[Operation, ...] = ("synonym", "swap", "delete", "insert")
CAREFUL = {
    "synonym": edits.replace_words,
    "swap": edits.swap_items,
    "delete": edits.delete_fillers,
    "insert": edits.insert_opener,
}
BOLD = {
    "synonym": edits.replace_words,
    "swap": edits.swap_words,
    "delete": edits.delete_words,
    "insert": edits.insert_words,
}
ATTEMPTS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class EdaAugment:
    """Add copies of Chinese conversations in which the instructions are worded a little
    differently (easy data augmentation, EDA, arXiv 1901.11196).

    Each copy applies one of the `operations`, chosen by a hash of `seed` and id, to the messages
    of `roles`; where it finds nothing to change, the next one. `share` of a text's words, at least
    one, are changed. Words are those that jieba cuts.

    `synonym` replaces a word by another of its group: groups are the lines of the file `synonyms`
    (words separated by white space; a first field that ends in `=`, `#` or `@`, as of Cilin, is
    left out), and a small list of datakit's own. With `careful` (the default) `swap` exchanges
    neighbours of an enumeration (头痛、恶心), `delete` takes out fillers (一下, 呢), and `insert`
    puts a polite opening first; without, the three do as the paper does: any two words are
    exchanged, any word is left out, a synonym comes in anywhere. That breaks sentences.

    Never touched, and found in every copy unchanged and in the same order: numbers with their
    units, Latin words, the words in the files `protected` (drug names, one a line), and characters
    of negation, side, time, direction and sex (不, 无, 禁, 忌, 勿, 左, 上, 前, 高, 男 ...); nor are
    the words on either side of these.

    `copies` is the most that are made of one record; all differ from it and from each other, so
    there may be fewer. The record keeps its id and its copies are `x#2`, `x#3` ... Without
    `keep_original` only copies stay, the first under the record's own id. Documents stay as they
    are. Copies are near-duplicates: deduplicate and split before this stage.

    Reasons: `no_variant` (without `keep_original`: nothing could be changed).
    """

    needs: ClassVar[Columns] = frozenset({MESSAGES})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("jieba",)
    keep_first_id: ClassVar[bool] = True

    copies: int = 1
    keep_original: bool = True
    operations: tuple[Operation, ...] = OPERATIONS
    roles: tuple[str, ...] = ("user",)
    share: float = 0.1
    careful: bool = True
    synonyms: Path | None = None
    protected: tuple[Path, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise SettingsError("copies", f"{self.copies} is less than 1")
        if not self.operations:
            raise SettingsError("operations", "there is none", f"known: {', '.join(OPERATIONS)}")
        if not 0 < self.share <= 0.5:
            raise SettingsError("share", f"{self.share} is not above 0 and at most 0.5")
        if unknown := [role for role in self.roles if role not in ROLES]:
            raise SettingsError("roles", f"unknown role {unknown[0]!r}", f"known: {ROLES}")
        if not self.roles:
            raise SettingsError("roles", "name at least one", f"known: {', '.join(ROLES)}")
        named = [("protected", path) for path in self.protected]
        named += [("synonyms", self.synonyms)] if self.synonyms is not None else []
        for key, path in named:
            try:
                read_list(Path(path))
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(
                    key, f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
                ) from error

    def expand(self, batch: Batch) -> Batch:
        """The records and their copies, each with the row it is made of."""
        flat = flatten(batch[MESSAGES])
        asked = flat["role"].is_in(list(self.roles)) & (flat["content"].fill_null("") != "")
        places = asked.fill_null(False).arg_true()
        variants = self._variants(batch[ID], flat[places])
        first = 1 if self.keep_original else 0
        counts = np.array([max(first + len(found), 1) for found in variants], dtype=np.int64)
        parents = np.repeat(np.arange(batch.height, dtype=np.uint32), counts)
        expanded = batch[pl.Series(parents)].with_columns(pl.Series(PARENT, parents))
        changed = self._changed(flat, places, variants, parents)
        expanded = expanded.with_columns(
            changed.zip_with(expanded[MESSAGES].is_not_null(), expanded[MESSAGES])
        )
        if self.keep_original:
            return expanded
        has_none = pl.Series([not found for found in variants])
        goes = has_none.gather(pl.Series(parents)) & expanded[MESSAGES].is_not_null()
        reason = pl.when(pl.lit(goes)).then(pl.lit("no_variant"))
        return expanded.with_columns(
            reason.alias(REASON), pl.lit(None, dtype=pl.String).alias(VALUES)
        )

    def _variants(self, ids: pl.Series, asked: pl.DataFrame) -> list[list[list[str]]]:
        """For each row its variants: the contents of its messages of `roles`, edited."""
        protected = _protected(self.protected, _marks(self.protected))
        known = _synonyms(self.synonyms, _marks((self.synonyms,) if self.synonyms else ()))
        synonyms = _usable(known, protected)
        by_row: dict[int, list[edits.Turn]] = {}
        words = cut_words(asked["content"])
        for row, cut in zip(asked["row"].to_list(), words, strict=True):
            locked = lock_words(cut, protected)
            turn = edits.Turn(cut, locked, edits.free_places(cut, locked), synonyms)
            by_row.setdefault(row, []).append(turn)
        return [
            self._copies_of(key, by_row[row], protected) if row in by_row else []
            for row, key in enumerate(ids.to_list())
        ]

    def _copies_of(
        self, key: str, turns: list[edits.Turn], protected: re.Pattern[str]
    ) -> list[list[str]]:
        before = ["".join(turn.words) for turn in turns]
        held = [find_protected(text, protected) for text in before]
        found = [before]
        table = CAREFUL if self.careful else BOLD
        for number in range(self.copies * ATTEMPTS):
            choose = edits.chooser(f"augment.eda {key} {number}", self.seed or 0)
            turned = choose("operation", len(self.operations))
            for name in (*self.operations[turned:], *self.operations[:turned]):
                after = [self._edit(table[name], turn, choose) for turn in turns]
                if after in found or not all(after):
                    continue
                if [find_protected(text, protected) for text in after] == held:
                    found.append(after)
                    break
            if len(found) > self.copies:
                break
        return found[1:]

    def _edit(self, edit: edits.Edit, turn: edits.Turn, choose: edits.Choose) -> str:
        count = max(1, round(self.share * len(turn.words)))
        return "".join(edit(turn, count, choose))

    def _changed(
        self,
        flat: pl.DataFrame,
        places: pl.Series,
        variants: list[list[list[str]]],
        parents: NDArray[np.uint32],
    ) -> pl.Series:
        """The messages of each record made."""
        originals: dict[int, list[str]] = {}
        for row, text in zip(
            flat["row"].gather(places).to_list(),
            flat["content"].gather(places).to_list(),
            strict=True,
        ):
            originals.setdefault(row, []).append(text)
        contents: list[str] = []
        for row, found in enumerate(variants):
            own = originals.get(row, [])
            for texts in [own, *found] if self.keep_original else found or [own]:
                contents += texts
        lines = pl.DataFrame({"row": parents}).with_row_index("record")
        marked = flat.with_row_index("line").with_columns(
            pl.col("line").is_in(places.implode()).alias("asked")
        )
        lines = lines.join(marked, on="row", how="inner", maintain_order="left_right")
        where = lines["asked"].arg_true()
        lines = lines.with_columns(
            lines["content"].scatter(where, contents).alias("content"),
            pl.col("record").alias("row"),
        )
        return nest_messages(lines, len(parents))


def _marks(paths: tuple[Path, ...]) -> tuple[int, ...]:
    return tuple(Path(path).stat().st_mtime_ns for path in paths)


@lru_cache(maxsize=8)
def _protected(paths: tuple[Path, ...], _marks: tuple[int, ...]) -> re.Pattern[str]:
    return protected_pattern(tuple(word for path in paths for word in read_list(Path(path))))


@lru_cache(maxsize=8)
def _synonyms(path: Path | None, _marks: tuple[int, ...]) -> Mapping[str, tuple[str, ...]]:
    """The other words of the groups that a word is in, those of the file before datakit's own."""
    groups = [line.split() for line in read_list(Path(path))] if path is not None else []
    groups = [group[1:] if group[0][-1] in "=#@" else group for group in groups]
    known: dict[str, dict[str, None]] = {}
    for group in [*groups, *edits.GROUPS]:
        for word in group:
            known.setdefault(word, {}).update(dict.fromkeys(o for o in group if o != word))
    return {word: tuple(others) for word, others in known.items() if others}


def _usable(
    known: Mapping[str, tuple[str, ...]], protected: re.Pattern[str]
) -> Mapping[str, tuple[str, ...]]:
    free = {word: tuple(is_free_of(others, protected)) for word, others in known.items()}
    return {word: others for word, others in free.items() if others}
