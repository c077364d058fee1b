"""What an edit of a medical text must not touch: doses, numbers, units, names, negations, sides."""

import re
from collections.abc import Iterable
from functools import lru_cache

UNITS = (
    "毫克|微克|千克|公斤|克|斤|两|钱|毫升|升|单位|厘米|毫米|米|片|粒|丸|颗|袋|支|滴|包|瓶|盒|剂|副|针|次|顿|个月|个|"
    "天|日|周|月|年|岁|小时|分钟|分|秒|点|度|号|型|期|级|倍|成|胎|孕周|周岁|℃|％|%|‰"
)
_DIGITS = r"[0-9０-９]+(?:[.,:：/~～\-–—×*至到][0-9０-９]+)*"
_NUMERALS = r"第?[〇零一二三四五六七八九十百千万亿半两几数]+"
_LATIN = r"[A-Za-zÀ-ɏͰ-Ͽ][A-Za-z0-9À-ɏͰ-Ͽ+/'\-]*"
_TURNING = "不无未没非禁忌勿慎莫别否免左右上下前后内外早晚升降增减高低多少加阴阳男女父母"
"""Characters that turn the meaning of a medical sentence, or say where, when, and whose."""


@lru_cache(maxsize=8)
def protected_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Matches all that stays: `words` (longest first), numbers with their units, Latin words,
    and the single characters of negation, side, time and change.
    """
    listed = [re.escape(word) for word in sorted(set(words), key=lambda word: (-len(word), word))]
    own = [
        rf"{_DIGITS}\s*(?:{UNITS}|{_LATIN})?",
        rf"{_NUMERALS}(?:{UNITS})",
        _LATIN,
        f"[{_TURNING}]",
    ]
    return re.compile("|".join([*listed, *own]))


def find_protected(text: str, pattern: re.Pattern[str]) -> list[str]:
    """All that is protected in a text, in its order."""
    return pattern.findall(text)


def lock_words(words: list[str], pattern: re.Pattern[str]) -> list[bool]:
    """Which words of a text are not to be touched: those with a part of something protected, and
    the words on either side of it, which it speaks of.
    """
    owner = [number for number, word in enumerate(words) for _ in word]
    locked = [False] * len(words)
    for match in pattern.finditer("".join(words)):
        first, last = owner[match.start()], owner[match.end() - 1]
        for number in range(first - 1, last + 2):
            if 0 <= number < len(words) and (first <= number <= last or _is_word(words[number])):
                locked[number] = True
    return locked


def is_free_of(words: Iterable[str], pattern: re.Pattern[str]) -> list[str]:
    """The words in which nothing is protected."""
    return [word for word in words if not pattern.search(word)]


def _is_word(piece: str) -> bool:
    return any(map(str.isalnum, piece))
