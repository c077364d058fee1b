"""What an edit of a medical text must not touch: doses, numbers, units, names, negations, sides."""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import polars as pl

from datakit.text.lists import read_list

UNITS = (
    "毫克|微克|千克|公斤|克|斤|两|钱|毫升|升|单位|厘米|毫米|米|片|粒|丸|颗|袋|支|滴|包|瓶|盒|剂|副|针|次|顿|个月|个|"
    "天|日|周|月|年|岁|小时|分钟|分|秒|点|度|号|型|期|级|倍|成|胎|孕周|周岁|℃|％|%|‰"
)
_DIGITS = r"[0-9０-９]+(?:[.,:：/~～\-–—×*至到][0-9０-９]+)*"
_NUMERALS = r"第?[〇零一二三四五六七八九十百千万亿半两几数]+"
_LATIN = r"[A-Za-zÀ-ɏͰ-Ͽ][A-Za-z0-9À-ɏͰ-Ͽ+/'\-]*"
_TURNING = "不无未没非禁忌勿慎莫别否免左右上下前后内外早晚升降增减高低多少加阴阳男女父母"
"""Characters that turn the meaning of a medical sentence, or say where, when, and whose."""


Patterns = tuple[str, ...]
"""Patterns of what stays, each looked for by itself."""


def read_patterns(paths: tuple[Path, ...]) -> Patterns:
    """The patterns of all that stays, with the words of these files."""
    return _read_patterns(paths, tuple(Path(path).stat().st_mtime_ns for path in paths))


@lru_cache(maxsize=8)
def _read_patterns(paths: tuple[Path, ...], _marks: tuple[int, ...]) -> Patterns:
    return protected_patterns([word for path in paths for word in read_list(Path(path))])


def protected_patterns(words: Iterable[str]) -> Patterns:
    """One pattern for numbers with their units, Latin words, and the single characters of
    negation, side, time and change; one for `words`, longest first. (Nothing but words, so that
    the pattern engine looks for any number of them at once.)
    """
    own = [
        rf"{_DIGITS}\s*(?:{UNITS}|{_LATIN})?",
        rf"{_NUMERALS}(?:{UNITS})",
        _LATIN,
        f"[{_TURNING}]",
    ]
    listed = sorted(set(words), key=lambda word: (-len(word), word))
    return ("|".join(own), *(["|".join(map(re.escape, listed))] if listed else []))


def find_protected(texts: pl.Series, patterns: Patterns) -> list[pl.Series]:
    """What is protected in each text by each pattern, in its order: lists of texts."""
    return [texts.str.extract_all(pattern) for pattern in patterns]
