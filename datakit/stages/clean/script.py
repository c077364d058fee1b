"""Convert between traditional and simplified Chinese."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import polars as pl

from datakit.errors import SettingsError, did_you_mean
from datakit.records import CONTENT, Batch, Columns, map_content, rewrite_where

# No dictionary of OpenCC has an entry without a Han character.
CONVERTIBLE = r"\p{Han}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptConverter:
    """Convert between traditional and simplified Chinese with OpenCC.

    `config` is one of the conversions that the installed OpenCC brings along: `"t2s"` traditional
    to simplified, `"s2t"` back; `"tw2s"`, `"tw2sp"` and `"hk2s"` from the forms used in Taiwan
    (`p`: its words too) and Hong Kong, `"s2tw"`, `"s2twp"`, `"s2hk"` to them; and others, which a
    mistyped name lists. OpenCC looks at phrases, so that 頭髮 becomes 头发 and 发现 發現; text in
    other scripts, kana and simplified text stay as they are.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("opencc",)

    config: str = "t2s"

    def __post_init__(self) -> None:
        if self.config not in (known := _configs()):
            hint = did_you_mean(self.config, known)
            raise SettingsError("config", f"unknown conversion {self.config!r}", hint)

    def map(self, batch: Batch) -> Batch:
        """The batch with converted texts."""
        return map_content(batch, self._convert)

    def _convert(self, texts: pl.Series) -> pl.Series:
        return rewrite_where(texts, texts.str.contains(CONVERTIBLE), self._convert_all)

    def _convert_all(self, texts: pl.Series) -> pl.Series:
        # Joining texts for fewer calls was tried: no faster from a hundred characters on.
        convert = _converter(self.config)
        return pl.Series(texts.name, [convert(text) for text in texts.to_list()], dtype=pl.String)


@cache
def _configs() -> frozenset[str]:
    import opencc

    return frozenset(name.removesuffix(".json") for name in opencc.CONFIGS)


@cache
def _converter(config: str) -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC(config).convert

    def convert_all(text: str) -> str:
        # Some conversions take NUL for the end of the text and lose what comes after it.
        return "\0".join(map(convert, text.split("\0"))) if "\0" in text else convert(text)

    return convert_all
