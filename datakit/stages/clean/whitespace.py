"""Tidy white space: line ends, odd spaces, runs, blank lines, hard wraps."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, Literal

import polars as pl

from datakit.errors import SettingsError
from datakit.records import CONTENT, Batch, Columns, map_content, rewrite_where
from datakit.text.characters import LINE_BREAK
from datakit.text.wraps import (
    GOES_ON_HAN,
    GOES_ON_LATIN,
    LIST_MARK,
    OPEN_END_HAN,
    OPEN_END_LATIN,
    WHOLE_LINE,
)

# Space characters (Zs) that are neither the plain nor the ideographic one.
ODD_SPACE = r"[\u{a0}\u{1680}\u{2000}-\u{200a}\u{202f}\u{205f}]"
WIDE_SPACE = r"\u{3000}"
# No clean text has one of these: any white space but plain spaces and line ends, a space before a
# line end, two spaces, white space at either end.
UNTIDY = r"[^\S\n ]| \n|  |\A\s|\s\z"

Rewrite = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class WhitespaceCleaner:
    r"""Tidy white space: line ends, odd spaces, runs of spaces, blank lines, hard wraps.

    Always: every kind of line break becomes `\n`; no-break and typographic spaces become plain
    ones; spaces at the end of lines and white space around the text go.

    - `wide_space`: what becomes of the ideographic space U+3000 inside a line: `"fold"` makes it
      a plain space, `"keep"` leaves it, `"drop"` removes it. At the start of a line, where it
      indents a Chinese paragraph, it goes in any case.
    - `fold_runs`: a run of spaces and tabs inside a line becomes one space, a single tab too.
    - `keep_indent`: spaces and tabs at the start of a line stay, as code and nested lists need
      them. `false` removes them.
    - `max_blank_lines`: so many blank lines in a row stay, further ones go.
    - `unwrap`: joins lines that were broken for the page. `"none"`: no joins. `"chinese"`: a line
      that ends in a Han character, kana or one of ，、；, and a next line that begins with a Han
      character, kana or a mark that cannot begin a sentence, are joined without a space.
      `"all"`: also a line that ends in a Latin letter, a digit or a comma and a next line that
      begins with a small Latin letter, joined with a space.
    - `min_wrap_chars`: only a line at least this long is joined to the next (twice as long for
      Latin), so that verse, headings and entries stay as they are. Measured on the line as it
      stands in the text: unwrap once, a second time would join more.

    Never joined: lines that begin with a mark of lists, headings, tables, quotations or tags
    (`-`, `1.`, `（一）`, `第三章`, `#`, `|`, `>`, `<`), with the line before, and headings,
    table rows and tags with the line after.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()

    wide_space: Literal["fold", "keep", "drop"] = "fold"
    fold_runs: bool = True
    keep_indent: bool = True
    max_blank_lines: int = 1
    unwrap: Literal["none", "chinese", "all"] = "none"
    min_wrap_chars: int = 20

    def __post_init__(self) -> None:
        if self.wide_space not in ("fold", "keep", "drop"):
            message = f"{self.wide_space!r} is none of 'fold', 'keep', 'drop'"
            raise SettingsError("wide_space", message)
        if self.unwrap not in ("none", "chinese", "all"):
            raise SettingsError("unwrap", f"{self.unwrap!r} is none of 'none', 'chinese', 'all'")
        if self.max_blank_lines < 0:
            raise SettingsError("max_blank_lines", f"{self.max_blank_lines} is less than 0")
        if self.min_wrap_chars < 1:
            raise SettingsError("min_wrap_chars", f"{self.min_wrap_chars} is less than 1")

    def map(self, batch: Batch) -> Batch:
        """The batch with tidied texts."""
        return map_content(batch, self._clean)

    def _clean(self, texts: pl.Series) -> pl.Series:
        blank = rf"\n{{{self.max_blank_lines + 2}}}"
        untidy = f"{UNTIDY}|{blank}" + ("" if self.keep_indent else r"|\n ")
        tidied = rewrite_where(texts, texts.str.contains(untidy), self._tidy)
        if self.unwrap == "none":
            return tidied
        return rewrite_where(tidied, tidied.str.contains("\n", literal=True), self._unwrap)

    def _tidy(self, texts: pl.Series) -> pl.Series:
        tidied = reduce(lambda these, rule: these.str.replace_all(*rule), self._rules(), texts)
        return tidied.str.strip_chars()

    def _rules(self) -> Iterator[Rewrite]:
        """Patterns and what they become, in order."""
        yield LINE_BREAK, "\n"
        yield ODD_SPACE, " "
        yield rf"(?m)^([ \t]*){WIDE_SPACE}[ \t{WIDE_SPACE}]*", "${1}"
        yield rf"(?m)[ \t{WIDE_SPACE}]+$", ""
        if self.wide_space != "keep":
            yield WIDE_SPACE, " " if self.wide_space == "fold" else ""
        if self.fold_runs:
            # The character before tells a run inside a line from its indent.
            yield r"(\S)(?: [ \t]+|\t[ \t]*)", "${1} "
        if not self.keep_indent:
            yield r"(?m)^[ \t]+", ""
        most = self.max_blank_lines + 1
        yield rf"\n{{{most + 1},}}", "\n" * most

    def _unwrap(self, texts: pl.Series) -> pl.Series:
        text, row = pl.col("text"), pl.col("row")
        lines = texts.alias("text").to_frame().with_row_index("row")
        lines = lines.with_columns(text.str.split("\n")).explode("text")
        is_last = (row != row.shift(-1)).fill_null(True)
        end = pl.when(is_last).then(pl.lit("")).when(self._joins("")).then(pl.lit(""))
        if self.unwrap == "all":
            end = end.when(self._joins(" ")).then(pl.lit(" "))
        glued = lines.select(row, text + end.otherwise(pl.lit("\n")))
        return glued.group_by("row", maintain_order=True).agg(text.str.join(""))["text"]

    def _joins(self, space: str) -> pl.Expr:
        """Whether a line and the next are one, broken where there was `space`."""
        line, following = pl.col("text"), pl.col("text").shift(-1)
        open_end, goes_on, width = (
            (OPEN_END_LATIN, GOES_ON_LATIN, 2) if space else (OPEN_END_HAN, GOES_ON_HAN, 1)
        )
        is_long = line.str.len_chars() >= self.min_wrap_chars * width
        is_prose = ~line.str.contains(WHOLE_LINE) & ~following.str.contains(LIST_MARK)
        return is_long & is_prose & line.str.contains(open_end) & following.str.contains(goes_on)
