"""Keep records with few words of a list."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import polars as pl

from datakit.conversations.roles import check_roles
from datakit.errors import SettingsError
from datakit.records import CONTENT, Batch, Columns, Table, joined_content
from datakit.stages.filter.word_matches import find_words
from datakit.text.lists import read_list

SHOWN_WORDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class WordsFilter:
    """Keep records in which words of a list occur at most `max_count` times, or make up at most
    `max_share` of the characters.

    The list is `words`, or the `files` of which every line is a word (blank lines and lines that
    begin with `#` are none), or both. Words may be phrases. A word that begins or ends in a Latin
    letter or a digit is not found inside a longer one (`ass` in `assassin`); Chinese is searched
    as it stands, so that words of one character find much. With `ignore_case`, `A` to `Z` are `a`
    to `z`. Every occurrence counts; where two overlap, the first and longer one.

    Without a bound, no occurrence is allowed (`max_count = 0`); with both bounds a record must
    keep both. BigScience's ROOTS allows a share of 0.001 to 0.01 of flagged words. Medical texts
    name parts of the body, drugs and acts: look at the rejects before trusting a general list.
    Conversations are searched over all their messages, or those of `roles`.

    Reasons: `bad_words`. Values: how often, the share of the characters, and the first ten words.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()

    words: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    max_count: int | None = None
    max_share: float | None = None
    ignore_case: bool = True
    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_roles(self.roles)
        for path in self.files:
            if not Path(path).is_file():
                raise SettingsError("files", f"there is no file {str(path)!r}")
            try:
                _read_lists((str(path),), (Path(path).stat().st_mtime_ns,))
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError("files", f"{path} cannot be read as UTF-8: {error}") from error
        if not self._list():
            key, where = ("files", " on any line") if self.files else ("words", "")
            hint = 'words = ["..."] or files = ["..."]'
            raise SettingsError(key, f"there is no word{where}", hint)
        if any(not word.strip() for word in self.words):
            raise SettingsError("words", "an empty word is in every text")
        if self.max_count is not None and self.max_count < 0:
            raise SettingsError("max_count", f"{self.max_count} is less than 0")
        if self.max_share is not None and not 0 <= self.max_share <= 1:
            raise SettingsError("max_share", f"{self.max_share} is not between 0 and 1")

    def reject(self, batch: Batch) -> Table:
        """`reason`, `count` and `share` beside their bounds, and the words found."""
        texts = joined_content(batch, roles=self.roles).alias("text")
        hits = find_words(texts, self._list(), ignore_case=self.ignore_case)
        word = pl.col("word")
        counted = hits.group_by("row", maintain_order=True).agg(
            pl.len().cast(pl.Int64).alias("count"),
            word.str.len_chars().sum().alias("chars"),
            word.unique(maintain_order=True).head(SHOWN_WORDS).alias("words"),
        )
        rows = texts.to_frame().with_row_index("row")
        measured = rows.join(counted, on="row", how="left", maintain_order="left").with_columns(
            pl.col("count").fill_null(0),
            (pl.col("chars") / pl.col("text").str.len_chars()).fill_null(0.0).alias("share"),
        )
        most = 0 if self.max_count is None and self.max_share is None else self.max_count
        too_many = pl.col("count") > most if most is not None else pl.lit(False)
        too_much = pl.col("share") > self.max_share if self.max_share is not None else pl.lit(False)
        return measured.select(
            pl.when(too_many | too_much).then(pl.lit("bad_words")).alias("reason"),
            "count",
            pl.lit(most, dtype=pl.Int64).alias("max_count"),
            "share",
            pl.lit(self.max_share, dtype=pl.Float64).alias("max_share"),
            "words",
        )

    def _list(self) -> list[str]:
        marks = tuple(Path(path).stat().st_mtime_ns for path in self.files)
        listed = _read_lists(tuple(map(str, self.files)), marks)
        return list(dict.fromkeys([*self.words, *listed]))


@lru_cache(maxsize=8)
def _read_lists(paths: tuple[str, ...], _marks: tuple[int, ...]) -> list[str]:
    """The words of several files; a file that changed is read again."""
    return [word for path in paths for word in read_list(Path(path))]
