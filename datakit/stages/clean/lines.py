"""Drop bad lines of texts: menus, notices, counters, lines without an end mark."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from datakit.errors import SettingsError, did_you_mean
from datakit.records import (
    CONTENT,
    LABEL,
    REJECTED,
    RESERVED,
    TOOLS,
    WEIGHT,
    Batch,
    Columns,
    joined_content,
    map_content,
)
from datakit.stages.clean import line_rules as rules

TAKEN = (*RESERVED, REJECTED, LABEL, TOOLS, WEIGHT)


@dataclass(frozen=True, kw_only=True, slots=True)
class LineCleaner:
    r"""Drop the lines of a text that are no prose, by the line rules of C4, FineWeb, RefinedWeb or
    Chinese C4, or by one's own.

    - `preset`: settings of a published set: `"c4-en"`, `"fineweb-en"` (C4's without end marks),
      `"refinedweb-en"`, `"chinese-c4"`. A setting of one's own takes the place of the preset's.
    - `end_with`: only lines stay that end in one of these; `never_end_with`: nor in one of these.
    - `min_words`, `min_chars`: lines with fewer go; words are runs between spaces, so give
      characters for Chinese.
    - `max_word_chars`: a line with a longer word goes.
    - `holding`: lines that hold one of these phrases go; capitals do not matter.
    - `max_upper`: lines with a larger share of upper-case letters among their characters go.
    - `drop_numbers`: lines of nothing but numbers go; `drop_counters`: lines such as `3 likes` or
      `128次浏览`; `drop_garbled`: lines with a replacement or private-use character, □ or ■.
    - `erase`: phrases that are taken out of lines of at most 10 words.
    - `drop_citations`: `[3]`, `[edit]` and `[citation needed]` are taken out, before anything
      else.
    - `keep_blank`: blank lines stay, one at a time, between lines that stay. False: all go.
    - `removed`: name of a column to add: the share of the record's characters (spaces left out)
      that went. `filter.rules` can then reject what lost much: RefinedWeb's bound is 0.05.

    Spaces at the ends of lines are not looked at, and stay. The record stays even if nothing of its
    text does; `filter.length` rejects it.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    preset: str = ""
    end_with: tuple[str, ...] | None = None
    never_end_with: tuple[str, ...] | None = None
    min_words: int | None = None
    min_chars: int | None = None
    max_word_chars: int | None = None
    holding: tuple[str, ...] | None = None
    max_upper: float | None = None
    drop_numbers: bool | None = None
    drop_counters: bool | None = None
    drop_garbled: bool | None = None
    erase: tuple[str, ...] | None = None
    drop_citations: bool | None = None
    keep_blank: bool | None = None
    removed: str = ""

    def __post_init__(self) -> None:
        if self.preset and self.preset not in rules.PRESETS:
            hint = did_you_mean(self.preset, rules.PRESETS)
            raise SettingsError("preset", f"unknown preset {self.preset!r}", hint)
        for key in ("min_words", "min_chars", "max_word_chars"):
            if (bound := getattr(self, key)) is not None and bound < 1:
                raise SettingsError(key, f"{bound} is less than 1")
        if self.max_upper is not None and not 0 <= self.max_upper <= 1:
            raise SettingsError("max_upper", f"{self.max_upper} is not between 0 and 1")
        for key in ("end_with", "never_end_with", "holding", "erase"):
            if any(not phrase.strip() for phrase in getattr(self, key) or ()):
                raise SettingsError(key, "an item is empty")
        if self.removed in TAKEN or self.removed.startswith("_"):
            message = f"{self.removed!r} is a name that datakit uses itself"
            raise SettingsError("removed", message, 'such as removed = "share_removed"')
        if not (self._bad_lines() or self._erased()):
            hint = f'such as preset = "c4-en"; known: {", ".join(rules.PRESETS)}'
            raise SettingsError("preset", "there is no rule for lines", hint)

    @property
    def adds(self) -> Columns:
        """The column `removed`, where it is asked for."""
        return frozenset({self.removed} if self.removed else ())

    def map(self, batch: Batch) -> Batch:
        """The batch with the lines that stay."""
        cleaned = map_content(batch, self._clean)
        if not self.removed:
            return cleaned
        left = _size(joined_content(cleaned)).to_numpy()
        before = _size(joined_content(batch)).to_numpy()
        share = 1 - left / before.clip(min=1)
        return cleaned.with_columns(pl.Series(self.removed, share * (before > 0)).round(6))

    def _get(self, key: str) -> Any:
        own = getattr(self, key)
        return rules.PRESETS.get(self.preset, {}).get(key) if own is None else own

    def _clean(self, texts: pl.Series) -> pl.Series:
        line = pl.col("line")
        lines = texts.alias("line").to_frame().with_row_index("row")
        lines = lines.filter(line.is_not_null()).with_columns(line.str.split("\n")).explode("line")
        lines = lines.with_columns(self._erased(line) if self._erased() is not None else line)
        bare = line.str.strip_chars().alias("bare")
        is_bad = pl.any_horizontal(pl.lit(value=False), *self._bad_lines())
        judged = lines.with_columns(bare).with_columns(
            (is_bad & (pl.col("bare") != "")).alias("bad"), (pl.col("bare") == "").alias("blank")
        )
        kept = _without_bad(judged, keep_blank=self._get("keep_blank") is not False)
        whole = kept.group_by("row", maintain_order=True).agg(line.str.join("\n"))
        found = texts.to_frame("text").with_row_index("row").join(whole, on="row", how="left")
        is_null = pl.col("text").is_null()
        result = pl.when(~is_null).then(line.fill_null(""))
        return found.sort("row").select(result.alias(texts.name)).to_series()

    def _erased(self, line: pl.Expr | None = None) -> pl.Expr | None:
        """The line without citations and phrases; None if nothing is to be erased."""
        phrases, citations = self._get("erase"), self._get("drop_citations")
        if not phrases and not citations:
            return None
        line = pl.col("line") if line is None else line
        if citations:
            line = line.str.replace_all(rules.CITATION, "")
        if phrases:
            pattern = "(?i)" + "|".join(map(re.escape, phrases))
            is_short = line.str.count_matches(rules.WORD) <= rules.ERASED_FROM_WORDS
            line = pl.when(is_short).then(line.str.replace_all(pattern, "")).otherwise(line)
        return line.alias("line")

    def _bad_lines(self) -> list[pl.Expr]:
        """One expression on the column `bare` for each kind of bad line asked for."""
        text = pl.col("bare").str
        tests: dict[str, Callable[[Any], pl.Expr]] = {
            "end_with": lambda ends: ~text.contains(_any_end(ends)),
            "never_end_with": lambda ends: text.contains(_any_end(ends)),
            "min_words": lambda least: text.count_matches(rules.WORD) < least,
            "min_chars": lambda least: text.len_chars() < least,
            "max_word_chars": lambda most: text.contains(rf"\S{{{most + 1}}}"),
            "holding": lambda phrases: text.to_lowercase().str.contains_any(
                [phrase.lower() for phrase in phrases]
            ),
            "max_upper": lambda most: text.count_matches(r"\p{Lu}") > most * text.len_chars(),
            "drop_numbers": lambda _: text.contains(rules.NUMBER),
            "drop_counters": lambda _: text.contains(f"{rules.COUNTER}|{rules.COUNTER_ZH}"),
            "drop_garbled": lambda _: text.contains(rules.GARBLED),
        }
        return [test(value) for key, test in tests.items() if (value := self._get(key))]


def _without_bad(lines: pl.DataFrame, *, keep_blank: bool) -> pl.DataFrame:
    """The lines that stay; of blank ones in a row the first, and only where something went."""
    if not keep_blank:
        return lines.filter(~pl.col("bad") & ~pl.col("blank"))
    had_bad = pl.col("bad").any().over("row")
    kept = lines.with_columns(had_bad.alias("had_bad")).filter(~pl.col("bad"))
    blank = pl.col("blank")
    follows = blank.shift(1).over("row").fill_null(value=True)
    ends = blank.reverse().cum_prod().reverse().cast(pl.Boolean).over("row")
    return kept.filter(~(pl.col("had_bad") & blank & (follows | ends)))


def _any_end(ends: tuple[str, ...]) -> str:
    return f"(?:{'|'.join(map(re.escape, ends))})$"


def _size(texts: pl.Series) -> pl.Series:
    return texts.fill_null("").str.replace_all(r"\s+", "").str.len_chars().cast(pl.Int64)
