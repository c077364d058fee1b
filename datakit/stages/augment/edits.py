"""The four edits of EDA (arXiv 1901.11196) on the words of a Chinese text."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import xxhash

GROUPS = (
    ("怎么办", "该怎么处理", "如何是好"),
    ("请问", "想请教一下", "想问一下"),
    ("怎么", "如何"),
    ("为什么", "为何"),
    ("什么原因", "哪些原因"),
    ("治疗", "医治", "诊治"),
    ("患者", "病人"),
    ("医生", "大夫"),
    ("引起", "导致", "造成"),
    ("经常", "时常", "常常"),
    ("有时候", "有时", "偶尔"),
    ("现在", "目前", "眼下"),
    ("最近", "近来", "这阵子"),
    ("突然", "忽然"),
    ("感觉", "觉得"),
    ("症状", "表现"),
    ("办法", "方法"),
    ("帮助", "帮忙"),
    ("担心", "担忧"),
    ("知道", "晓得"),
    ("特别", "格外", "尤其"),
    ("非常", "十分", "相当"),
    ("如果", "假如", "要是"),
    ("但是", "可是"),
    ("因为", "由于"),
    ("以及", "还有"),
    ("谢谢", "多谢"),
)
"""Words that stand for each other in patients' questions. None of a sense that a dose, a
diagnosis or a warning depends on."""
FILLERS = frozenset(
    [
        "请问",
        "一下",
        "那么",
        "其实",
        "呢",
        "啊",
        "呀",
        "嘛",
        "哦",
        "哈",
        "吧",
        "比较",
        "真的",
        "反正",
        "然后",
    ]
)
"""Words that can go without a change of meaning."""
OPENERS = ("您好，", "你好，", "医生您好，", "医生，您好，", "大夫您好，")
SEPARATORS = frozenset(["、", "和", "与", "及", "或", "以及", "跟", "或者", "还是"])

Choose = Callable[[str, int], int]
"""A number from 0 to below the second argument, for a purpose."""


class Turn(NamedTuple):
    """The words of a text, which of them are locked, the places of the words that are free (Han
    characters, not locked), and other words for those that can be replaced.
    """

    words: list[str]
    locked: list[bool]
    free: list[int]
    synonyms: Mapping[str, Sequence[str]]


Edit = Callable[[Turn, int, Choose], list[str]]
"""An edit: a text, how many words to change, and the choices; the words after it."""


def chooser(key: str, seed: int) -> Choose:
    """Choices that depend on the key, the purpose and the seed alone."""

    def choose(purpose: str, below: int) -> int:
        return xxhash.xxh64_intdigest(f"{key} {purpose}".encode(), seed) % below

    return choose


def replace_words(turn: Turn, count: int, choose: Choose) -> list[str]:
    """Up to `count` words replaced by a synonym."""
    words = list(turn.words)
    for place in _some(_replaceable(turn), count, choose, "synonym"):
        known = turn.synonyms[words[place]]
        words[place] = known[choose(f"which {place}", len(known))]
    return words


def swap_items(turn: Turn, count: int, choose: Choose) -> list[str]:
    """Up to `count` times, two neighbours of an enumeration change places (头痛、恶心)."""
    words = list(turn.words)
    places = [place for place in range(1, len(words) - 1) if _is_enumeration(turn, place)]
    for place in _some(places, count, choose, "swap"):
        words[place - 1], words[place + 1] = words[place + 1], words[place - 1]
    return words


def swap_words(turn: Turn, count: int, choose: Choose) -> list[str]:
    """`count` times, any two words change places, as the paper has it."""
    words, free = list(turn.words), turn.free
    for number in range(count if len(free) > 1 else 0):
        first = free[choose(f"first {number}", len(free))]
        second = free[choose(f"second {number}", len(free))]
        words[first], words[second] = words[second], words[first]
    return words


def delete_fillers(turn: Turn, count: int, choose: Choose) -> list[str]:
    """Up to `count` words that say little are left out."""
    places = [place for place in turn.free if turn.words[place] in FILLERS]
    gone = set(_some(places, count, choose, "delete"))
    return [word for place, word in enumerate(turn.words) if place not in gone]


def delete_words(turn: Turn, count: int, choose: Choose) -> list[str]:
    """`count` words are left out, whichever; one word at least stays."""
    free = turn.free
    gone = set(_some(free, min(count, len(turn.words) - 1), choose, "delete"))
    return [word for place, word in enumerate(turn.words) if place not in gone]


def insert_opener(turn: Turn, _count: int, choose: Choose) -> list[str]:
    """A polite opening before a text that has none."""
    text = "".join(turn.words)
    if any(word in text for word in ("好", "请问", "医生", "大夫")):
        return list(turn.words)
    return [OPENERS[choose("opener", len(OPENERS))], *turn.words]


def insert_words(turn: Turn, count: int, choose: Choose) -> list[str]:
    """`count` times, a synonym of one of the words between two words that are free."""
    words, known = list(turn.words), _replaceable(turn)
    free = set(turn.free)
    gaps = [place for place in free if place - 1 in free]
    if not known:
        return words
    for place in sorted(_some(sorted(gaps), count, choose, "insert"), reverse=True):
        of = turn.synonyms[turn.words[known[choose(f"of {place}", len(known))]]]
        words.insert(place, of[choose(f"which {place}", len(of))])
    return words


def free_places(words: Sequence[str], locked: Sequence[bool]) -> list[int]:
    """Places of words of Han characters that are not locked."""
    return [n for n, word in enumerate(words) if not locked[n] and _is_han(word)]


def _replaceable(turn: Turn) -> list[int]:
    return [place for place in turn.free if turn.words[place] in turn.synonyms]


def _is_enumeration(turn: Turn, place: int) -> bool:
    words, sides = turn.words, (place - 1, place + 1)
    if words[place] not in SEPARATORS:
        return False
    if any(turn.locked[n] or not _is_han(words[n]) or len(words[n]) < 2 for n in sides):
        return False
    beyond = [words[n] for n in (place - 2, place + 2) if 0 <= n < len(words)]
    return all(word in SEPARATORS or not _is_han(word) for word in beyond)


def _some(places: Sequence[int], count: int, choose: Choose, purpose: str) -> list[int]:
    return sorted(places, key=lambda place: (choose(f"{purpose} {place}", 1 << 62), place))[:count]


def _is_han(word: str) -> bool:
    return all("\u3400" <= char <= "\u9fff" for char in word)
