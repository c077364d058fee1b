"""Chinese word segmentation by jieba, for figures that are defined on its words."""

import logging
import warnings
from collections.abc import Callable, Iterable
from functools import cache


def count_words(texts: Iterable[str]) -> list[int]:
    """Words of each text as jieba cuts it (accurate mode); marks and spaces are no words."""
    cut = _load()
    return [sum(map(_is_word, cut(text))) for text in texts]


def cut_words(texts: Iterable[str]) -> list[list[str]]:
    """The pieces that jieba cuts each text into (accurate mode): words, marks and spaces."""
    cut = _load()
    return [cut(text) for text in texts]


def _is_word(piece: str) -> bool:
    return any(map(str.isalnum, piece))


@cache
def _load() -> Callable[[str], list[str]]:
    with warnings.catch_warnings():
        # jieba's own source has escapes that newer Pythons warn of.
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    lcut: Callable[[str], list[str]] = jieba.lcut
    return lcut
