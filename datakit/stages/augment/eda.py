"""Further wordings of Chinese instructions."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.conversations.flat import flatten, nest_messages
from datakit.conversations.roles import check_roles
from datakit.errors import SettingsError
from datakit.records import ID, MESSAGES, PARENT, REASON, VALUES, Batch, Columns
from datakit.stages.augment.protected import read_patterns
from datakit.stages.augment.variants import OPERATIONS, Edits, Operation, Variants, find_variants
from datakit.text.lists import read_list


@dataclass(frozen=True, kw_only=True, slots=True)
class EdaAugment:
    """Add copies of Chinese conversations in which the instructions are worded a little
    differently (easy data augmentation, EDA, arXiv 1901.11196).

    Each copy applies one of the `operations`, chosen by a hash of `seed` and id, to the messages
    of `roles`; where it finds nothing to change, the next one. `share` of a text's words, at least
    one, are changed. Words are those that jieba cuts, runs of Han characters each by itself.

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
        check_roles(self.roles, at_least_one=True)
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
        found = self._variants(batch[ID], flat[places])
        first = 1 if self.keep_original else 0
        counts = np.maximum(first + found.counts(batch.height), 1)
        parents = np.repeat(np.arange(batch.height, dtype=np.uint32), counts)
        expanded = batch[pl.Series(parents)].with_columns(pl.Series(PARENT, parents))
        starts = np.cumsum(counts) - counts + first - 1
        lines = _write_variants((flat, places), parents, found, starts=starts)
        changed = nest_messages(lines, parents.size)
        expanded = expanded.with_columns(
            changed.zip_with(expanded[MESSAGES].is_not_null(), expanded[MESSAGES])
        )
        if self.keep_original:
            return expanded
        has_none = pl.Series(found.counts(batch.height) == 0)
        goes = has_none.gather(pl.Series(parents)) & expanded[MESSAGES].is_not_null()
        reason = pl.when(pl.lit(goes)).then(pl.lit("no_variant"))
        return expanded.with_columns(
            reason.alias(REASON), pl.lit(None, dtype=pl.String).alias(VALUES)
        )

    def _variants(self, ids: pl.Series, asked: pl.DataFrame) -> Variants:
        edits = Edits(
            operations=tuple(self.operations),
            careful=self.careful,
            share=self.share,
            copies=self.copies,
            seed=self.seed or 0,
        )
        return find_variants(
            ids, asked, edits, patterns=read_patterns(self.protected), synonyms=self.synonyms
        )


def _write_variants(
    asked_of: tuple[pl.DataFrame, pl.Series],
    parents: NDArray[np.uint32],
    found: Variants,
    *,
    starts: NDArray[np.int64],
) -> pl.DataFrame:
    """The messages of all records, with `row` the record's number: those of its parent, but for
    the texts of a variant. `asked_of`: the flat messages, and which of them are asked about. The
    nth variant of row r, from 1, is record `starts[r] + n`.
    """
    flat, places = asked_of
    lengths = np.bincount(flat["row"].to_numpy(), minlength=starts.size)
    firsts = np.cumsum(lengths) - lengths
    sizes = lengths[parents]
    begins = np.cumsum(sizes) - sizes
    record = np.repeat(np.arange(parents.size, dtype=np.uint32), sizes)
    line = np.arange(record.size) - np.repeat(begins - firsts[parents], sizes)
    lines: pl.DataFrame = flat[line].with_columns(pl.Series("row", record))
    if not found.texts.len():
        return lines
    asked = places.to_numpy()[found.asked].astype(np.int64)
    row = flat["row"].to_numpy()[asked]
    where = begins[starts[row] + found.nth] + asked - firsts[row]
    return lines.with_columns(lines["content"].scatter(where, found.texts).alias("content"))
