"""Edits by words: as the obvious ones on lists of strings do it, with the same choices."""

from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.kernels import word_edits as k
from datakit.kernels.word_locks import lock_words

SYNONYMS = [["病人", "患儿"], ["时常"], ["您好，", "你好，"]]
KNOWN = {"患者": 0, "经常": 1}
KIND = {
    "患者": k.FREE | k.ITEM | k.HAN,
    "经常": k.FREE | k.ITEM | k.HAN,
    "呢": k.FREE | k.FILLER | k.HAN,
    "头痛": k.ITEM | k.FREE | k.HAN,
    "和": k.FREE | k.SEPARATOR | k.HAN,
    "不": k.HAN,
    "、": k.SEPARATOR,
    "，": 0,
}
MASK = 2**64 - 1
EDITS = (
    *(k.SYNONYM, k.SWAP_ITEMS, k.SWAP_WORDS, k.DELETE_FILLERS, k.DELETE_WORDS),
    *(k.OPENER, k.INSERT_WORDS),
)
texts = st.lists(st.sampled_from(list(KIND)), min_size=1, max_size=12)


def draw(number: int, purpose: int, place: int) -> int:
    step, by_place = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
    mixed = number + step * (purpose + 1) + by_place * (place + 1) & MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
    return mixed ^ mixed >> 31


def some(places: list[int], count: int, number: int) -> list[int]:
    return sorted(sorted(places, key=lambda place: draw(number, 0, place))[:count])


def is_enumeration(words: list[str], place: int) -> bool:
    kinds = [KIND[word] for word in words]
    if not kinds[place] & k.SEPARATOR or not 0 < place < len(words) - 1:
        return False
    beyond = [kinds[n] for n in (place - 2, place + 2) if 0 <= n < len(words)]
    sides = kinds[place - 1] & kinds[place + 1] & k.ITEM
    return bool(sides) and all(kind & k.SEPARATOR or not kind & k.HAN for kind in beyond)


def slow_edit(  # noqa: C901, PLR0912
    words: list[str], edit: int, count: int, number: int
) -> str:
    made: list[list[str]] = [[word] for word in words]
    free = [n for n, word in enumerate(words) if KIND[word] & k.FREE]
    known = [n for n in free if words[n] in KNOWN]

    def one_of(group: int, purpose: int, place: int) -> str:
        return SYNONYMS[group][draw(number, purpose, place) % len(SYNONYMS[group])]

    if edit == k.SYNONYM:
        for n in some(known, count, number):
            made[n] = [one_of(KNOWN[words[n]], 1, n)]
    elif edit == k.SWAP_ITEMS:
        places = [n for n in range(len(words)) if is_enumeration(words, n)]
        for n in some(places, count, number):
            made[n - 1], made[n + 1] = made[n + 1], made[n - 1]
    elif edit == k.SWAP_WORDS:
        for n in range(count if len(free) > 1 else 0):
            a, b = (free[draw(number, purpose, n) % len(free)] for purpose in (1, 2))
            made[a], made[b] = made[b], made[a]
    elif edit == k.DELETE_FILLERS:
        for n in some([n for n in free if KIND[words[n]] & k.FILLER], count, number):
            made[n] = []
    elif edit == k.DELETE_WORDS:
        for n in some(free, min(count, len(words) - 1), number):
            made[n] = []
    elif edit == k.OPENER:
        made[0] = [one_of(2, 3, 0), words[0]] if count else made[0]
    else:
        for n in some([n for n in free if n - 1 in free], count, number):
            if known:
                of = KNOWN[words[known[draw(number, 2, n) % len(known)]]]
                made[n] = [one_of(of, 1, n), words[n]]
    return "".join(piece for pieces in made for piece in pieces)


def packed(pieces: list[str]) -> tuple[Any, Any]:
    data = np.frombuffer("".join(pieces).encode(), dtype=np.uint8).copy()
    ends = accumulate((len(piece.encode()) for piece in pieces), initial=0)
    return data, np.array(list(ends), dtype=np.int64)


def edit_all(given_texts: list[list[str]], tasks: list[tuple[int, int, int, int]]) -> list[str]:
    flat = [word for words in given_texts for word in words]
    first = np.cumsum([0, *map(len, given_texts)], dtype=np.int64)
    kinds = np.array([KIND[word] for word in flat], dtype=np.uint8)
    group = np.array([KNOWN.get(word, -1) for word in flat], dtype=np.int64)
    lists = k.Lists(
        *packed([text for found in SYNONYMS for text in found]),
        np.cumsum([0, *map(len, SYNONYMS)], dtype=np.int64),
    )
    columns = [np.array([task[n] for task in tasks], dtype=np.int64) for n in range(3)]
    draws = np.array([task[3] for task in tasks], dtype=np.uint64)
    out, ends = np.empty(10_000, dtype=np.uint8), np.zeros(len(tasks) + 1, dtype=np.int64)
    words = k.Words(*packed(flat), first, kinds, group)
    k.edit_texts(words, lists, (*columns, draws), (out, ends))
    return [out[a:b].tobytes().decode() for a, b in pairwise(ends.tolist())]


@settings(deadline=None, max_examples=60)
@given(st.lists(texts, min_size=1, max_size=3), st.integers(0, 5), st.integers(0, 2**64 - 1))
def test_copies_are_those_of_the_obvious_edits(
    given_texts: list[list[str]], count: int, number: int
) -> None:
    tasks = [(n, edit, count, number) for n in range(len(given_texts)) for edit in EDITS]

    expected = [slow_edit(given_texts[n], edit, most, drawn) for n, edit, most, drawn in tasks]

    assert edit_all(given_texts, tasks) == expected


def slow_locks(words: list[str], found: list[str]) -> list[int]:
    owner = [number for number, word in enumerate(words) for _ in word]
    text, at, locked = "".join(words), 0, [0] * len(words)
    for piece in found:
        start = text.index(piece, at)
        at = start + len(piece)
        first, last = owner[start], owner[at - 1]
        for number in range(max(first - 1, 0), min(last + 2, len(words))):
            if first <= number <= last or words[number].isalnum():
                locked[number] = 1
    return locked


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["患者", "经常", "不", "发热", "，", "治疗"], ["不"]),
        (["服", "0.5", " ", "g", "，", "再", "服"], ["0.5 g"]),
        (["左侧", "头痛"], ["左"]),
        (["不", "不", "，", "能"], ["不", "不"]),
        (["阿莫", "西林", "胶囊", "和", "阿莫", "西林"], ["莫西", "莫西"]),
        (["甲"], []),
    ],
)
def test_neighbours_of_what_is_found_are_locked(words: list[str], found: list[str]) -> None:
    both = [words, ["不"], words]
    flat = [word for one in both for word in one]
    data, bounds = packed(flat)
    first = np.cumsum([0, *map(len, both)], dtype=np.int64)
    spoken = np.array([word.isalnum() for word in flat], dtype=np.uint8)
    pieces = np.cumsum([0, len(found), 0, len(found)], dtype=np.int64)

    locked = lock_words(
        (data, bounds[first], bounds, first), (*packed([*found, *found]), pieces), spoken
    )

    assert locked.tolist() == [*slow_locks(words, found), 0, *slow_locks(words, found)]
