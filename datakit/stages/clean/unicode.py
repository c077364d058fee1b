"""Repair characters: normal form, widths, control and invisible characters, mojibake."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, reduce
from typing import ClassVar, Literal, TypeAlias

import polars as pl

from datakit.errors import SettingsError
from datakit.records import CONTENT, Batch, Columns, map_content, rewrite_where
from datakit.text.characters import (
    CONTROLS,
    HALF_WIDTH_KANA,
    INVISIBLE,
    INVISIBLE_OR_KEPT,
    LINE_BREAK,
    LINE_BREAKS,
    MOJIBAKE,
    NOT_NFC,
    PRIVATE_USE,
    WIDE,
    kana_widths,
    letter_widths,
)

Rewrite: TypeAlias = Callable[[pl.Series], pl.Series]

# A repair may lay bare the next one's work: a zero-width space within a letter and its accent.
MOST_PASSES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class UnicodeCleaner:
    r"""Repair characters: normal form, widths, control and invisible characters, mojibake.

    Each step can be switched off, and cleaning a clean text changes nothing. In this order:

    - `repair_mojibake`: UTF-8 that was read as Latin-1 or Windows-1252 (`cafÃ©`, `ä¸­æ–‡`) and
      C1 controls that stand for Windows-1252 marks. ftfy judges and repairs only texts with a
      sequence typical of it, and changes nothing but the encoding.
    - `line_breaks`: `\r\n`, `\r`, vertical tab, form feed, U+0085, U+2028 and U+2029 become `\n`.
    - `drop_controls`: the other C0 and C1 controls, except tab, and noncharacters go.
    - `drop_invisible`: soft hyphen, zero-width space, word joiner, byte order mark, marks of
      direction, annotation, tags. A zero-width joiner stays between two emoji; joiner and
      non-joiner stay after a letter or mark of Arabic, Indic and other scripts that need them;
      tags stay after a flag.
    - `fold_width`: full-width Latin letters and digits become ASCII, and so does the full-width
      point between two digits (`０．５ｍｇ` becomes `0.5mg`). Other full-width marks,
      such as ，。：；？！（）％, and the ideographic space stay.
    - `fold_kana`: half-width katakana and its marks become full-width, `ｶﾞ` becomes `ガ`.
    - `private_use`: characters that only one font knows, in old books mostly lost glyphs:
      `"replace"` puts `private_use_mark` for each, by default 〓, which in Chinese and Japanese
      print means a missing character, so that a lost drug name leaves a trace; `"drop"` removes
      them (icon fonts), `"keep"` leaves them.
    - `normalise`: Unicode normal form C. Not KC: ㎎, ℃, ① and Ⅱ stay what they are.

    The order is that of the list; it is gone through again until nothing changes.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("ftfy", "polars")

    repair_mojibake: bool = True
    line_breaks: bool = True
    drop_controls: bool = True
    drop_invisible: bool = True
    fold_width: bool = True
    fold_kana: bool = True
    private_use: Literal["replace", "drop", "keep"] = "replace"
    private_use_mark: str = "〓"
    normalise: bool = True

    def __post_init__(self) -> None:
        if self.private_use not in ("replace", "drop", "keep"):
            message = f"{self.private_use!r} is none of 'replace', 'drop', 'keep'"
            raise SettingsError("private_use", message)
        mark = pl.Series([self.private_use_mark])
        if self.private_use == "replace" and not replace(self, private_use="drop")._clean(
            mark
        ).equals(mark):
            message = f"{self.private_use_mark!r} is itself a character that this stage changes"
            raise SettingsError("private_use_mark", message)

    def map(self, batch: Batch) -> Batch:
        """The batch with repaired texts."""
        return map_content(batch, self._clean)

    def _clean(self, texts: pl.Series) -> pl.Series:
        steps = list(self._steps())
        if not steps:
            return texts
        suspects = "|".join(pattern for pattern, _ in steps)
        rewrites = [rewrite for _, rewrite in steps]
        return _settle(texts, suspects, rewrites, passes=MOST_PASSES)

    def _steps(self) -> Iterator[tuple[str, Rewrite]]:
        """The wanted steps: what a text has that the step may change, and the step."""
        if self.repair_mojibake:
            yield MOJIBAKE, _repair_mojibake
        if self.line_breaks:
            yield LINE_BREAKS, lambda texts: texts.str.replace_all(LINE_BREAK, "\n")
        if self.drop_controls:
            yield CONTROLS, lambda texts: texts.str.replace_all(CONTROLS, "")
        if self.drop_invisible:
            yield INVISIBLE, lambda texts: texts.str.replace_all(INVISIBLE_OR_KEPT, "${1}")
        if self.fold_width:
            yield WIDE, _fold_width
        if self.fold_kana:
            yield HALF_WIDTH_KANA, _fold_kana
        if self.private_use != "keep":
            mark = self.private_use_mark if self.private_use == "replace" else ""
            yield PRIVATE_USE, lambda texts: texts.str.replace_all(PRIVATE_USE, _literal(mark))
        if self.normalise:
            yield NOT_NFC, lambda texts: texts.str.normalize("NFC")


def _settle(texts: pl.Series, suspects: str, rewrites: list[Rewrite], *, passes: int) -> pl.Series:
    def rewrite(some: pl.Series) -> pl.Series:
        cleaned = reduce(lambda these, step: step(these), rewrites, some)
        changed = cleaned != some
        if passes == 1 or not changed.any():
            return cleaned
        return rewrite_where(
            cleaned, changed, lambda some: _settle(some, suspects, rewrites, passes=passes - 1)
        )

    return rewrite_where(texts, texts.str.contains(suspects), rewrite)


def _fold_width(texts: pl.Series) -> pl.Series:
    folded = texts.str.replace_many(letter_widths())
    # Matches do not overlap: of 1．2．3 the next pass folds the second point.
    return folded.str.replace_all(r"([0-9])．([0-9])", "${1}.${2}")


def _fold_kana(texts: pl.Series) -> pl.Series:
    return texts.str.replace_many(kana_widths(), leftmost=True)


def _literal(replacement: str) -> str:
    return replacement.replace("$", "$$")


def _repair_mojibake(texts: pl.Series) -> pl.Series:
    return rewrite_where(texts, texts.str.contains(MOJIBAKE), _repair_all)


def _repair_all(texts: pl.Series) -> pl.Series:
    repair = _mojibake_repairer()
    return pl.Series(texts.name, [repair(text) for text in texts.to_list()], dtype=pl.String)


@cache
def _mojibake_repairer() -> Callable[[str], str]:
    import ftfy

    config = ftfy.TextFixerConfig(
        unescape_html=False,
        remove_terminal_escapes=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        fix_surrogates=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )
    is_suspect = re.compile(MOJIBAKE).search

    def repair(text: str) -> str:
        lines = text.split("\n")
        fixed = [ftfy.fix_text(line, config) if is_suspect(line) else line for line in lines]
        return "\n".join(fixed)

    return repair
