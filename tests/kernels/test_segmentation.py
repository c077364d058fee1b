"""Cutting Chinese words: the same words as jieba itself, which is the reference."""

import re
import warnings
from functools import cache
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datakit.kernels.segmentation import mark_tokens, mark_words

HAN = re.compile(r"[\u4e00-\u9fd5]+")


@cache
def jieba_cut():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(60)
    return jieba.lcut


def words_by_kernel(texts: list[str]) -> list[list[str]]:
    encoded = [text.encode() for text in texts]
    offsets = np.array([0, *accumulate(map(len, encoded))], dtype=np.int64)
    marks = mark_words(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)
    found = []
    for text, start in zip(texts, offsets, strict=False):
        places = accumulate((len(char.encode()) for char in text), initial=0)
        words: list[str] = []
        for char, place in zip(text, places, strict=False):
            if marks[start + place]:
                words.append(char)
            else:
                words[-1] += char
        found.append(words)
    return found


def words_by_jieba(text: str) -> list[str]:
    """jieba on each run of Han characters by itself; every other character is a word."""
    pieces = re.split(f"({HAN.pattern})", text)
    cut = [jieba_cut()(piece) if HAN.match(piece) else list(piece) for piece in pieces if piece]
    return [word for words in cut for word in words]


TEXTS = [
    "小明硕士毕业于中国科学院计算所，后在日本京都大学深造",
    "患者男，56岁，因“反复胸痛3年，加重1周”入院。既往高血压病史10余年，规律服用硝苯地平控释片。",
    "方中黄芪大补元气，归尾、赤芍、川芎、桃仁、红花活血祛瘀，地龙通经活络。",
    "他来到了网易杭研大厦 杭研",
    "台灣繁體字也要斷詞，嘅係喺佢唔",
    "𠮷野家〇〇々，ｶﾀｶﾅカタカナ한국어",
    "龘龘靐靐齉齉龗龗",
    "",
    "a",
    "的",
    "结婚的和尚未结婚的" * 60,
]


@pytest.mark.parametrize("text", TEXTS)
def test_words_are_those_of_jieba(text: str) -> None:
    assert words_by_kernel([text]) == [words_by_jieba(text)]


def test_texts_of_a_column_do_not_touch_each_other() -> None:
    texts = ["北京", "大学生", "前来", "应聘"]

    assert words_by_kernel(texts) == [words_by_jieba(text) for text in texts]


@settings(deadline=None, max_examples=60)
@given(
    st.text(
        st.sampled_from("的一是了我不人在他有这中大来上国高血压糖尿病黄芪abc ，。１龘"), max_size=40
    )
)
def test_words_are_those_of_jieba_in_any_order_of_characters(text: str) -> None:
    assert words_by_kernel([text]) == [words_by_jieba(text)]


def tokens_by_kernel(text: str) -> list[str]:
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    marks = mark_tokens(data, np.array([0, data.size], dtype=np.int64))
    places = [*accumulate((len(char.encode()) for char in text), initial=0)][:-1]
    starts = [i for i, place in enumerate(places) if marks[place] or i == 0]
    return [text[a:b] for a, b in pairwise([*starts, len(text)])]


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from("abZ0159..%--_+#&/:()，。é１ \n"), max_size=30))
@example("v1.2.3 3.5%--x")
def test_tokens_of_other_scripts_are_those_of_jieba(text: str) -> None:
    assert tokens_by_kernel(text) == jieba_cut()(text)


def test_tokens_beside_han_words_are_those_of_jieba() -> None:
    text = "收缩压120/80mmHg，糖化血红蛋白（HbA1c）7.5%——每日500mg，v1.2.3；COVID-19……foo_bar"

    assert tokens_by_kernel(text) == jieba_cut()(text)


def test_tokens_of_a_column_do_not_touch_each_other() -> None:
    texts = ["a", ".5", "b1", "2.5", "%"]
    encoded = [text.encode() for text in texts]
    offsets = np.array([0, *accumulate(map(len, encoded))], dtype=np.int64)
    marks = mark_tokens(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    assert marks.tolist() == [1, 1, 1, 1, 0, 1, 0, 0, 1]
