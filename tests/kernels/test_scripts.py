"""Counting the words of each script: against a slow reference, compiled and plain."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.kernels.language import WRITINGS, detect
from datakit.kernels.scripts import (
    CANTONESE_MARKERS,
    SCRIPTS,
    count_compiled,
    count_plainly,
    count_scripts,
    only_simplified_and_traditional,
    writing_table,
)

texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"])) | st.text("aZé中发後あ한я1，😀𠀀")
)


def pack(many: list[str]) -> tuple[np.ndarray, np.ndarray]:
    encoded = [text.encode() for text in many]
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return data, np.cumsum([0, *map(len, encoded)], dtype=np.int64)


def slow_script(character: str) -> str | None:
    """The script that the character's Unicode name tells."""
    simplified, traditional = only_simplified_and_traditional()
    kinds = {"cantonese": CANTONESE_MARKERS, "simplified": simplified, "traditional": traditional}
    for kind, characters in kinds.items():
        if character in characters:
            return kind
    name = unicodedata.name(character, "")
    for script, words in {
        "latin": ("LATIN",),
        "han": ("CJK UNIFIED", "CJK COMPAT", "IDEOGRAPHIC NUMBER ZERO", "HANGZHOU"),
        "kana": ("HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA"),
        "hangul": ("HANGUL", "HALFWIDTH HANGUL"),
    }.items():
        if name.startswith(words):
            return script
    return "other" if character.isalpha() else None


@settings(deadline=None, max_examples=50)
@given(texts)
def test_the_kernel_counts_as_numpy_does(many: list[str]) -> None:
    packed = pack(many)

    fast = count_compiled()(*packed, writing_table())

    assert np.array_equal(fast, count_plainly(*packed, writing_table()))


@pytest.mark.parametrize(
    "text",
    ["Aſpi rin é ﬂ Ａ", "中医〇㐀豈𠀀", "ひらカタｶー", "한국ㄱ", "Я аअ b", "12，。😀%", "发後嘅"],
)
def test_scripts_are_those_of_the_names_of_characters(text: str) -> None:
    counts = count_plainly(*pack([text]), writing_table())[0]

    scripts = [slow_script(character) for character in text]
    is_word = [
        script not in ("latin", "other") or script != before
        for before, script in zip([None, *scripts], scripts, strict=False)
    ]
    words = [script for script, counts in zip(scripts, is_word, strict=True) if counts]
    assert counts.tolist() == [words.count(script) for script in SCRIPTS]


def test_characters_that_both_writings_use_tell_nothing() -> None:
    simplified, traditional = only_simplified_and_traditional()

    assert not set("后里台只面干云系才乾余中人") & set(simplified + traditional)
    assert set("药头发华门") <= set(simplified)
    assert set("藥頭髮華門") <= set(traditional)
    assert not set(simplified) & set(traditional)


def test_detect_gives_the_same_in_any_batch() -> None:
    """Compiled and plain counting and judging: the batch a text is in does not matter."""
    one = [
        "患者",
        "",
        "The patient has a fever.",
        "佢話唔",
        "患者は熱です",
        "Das ist ein Text",
        "12",
    ]
    few, many = pack(one), pack(one * 20_000)

    alone, together = detect(*few), detect(*many)

    assert [alone.languages[i] for i in alone.language] == [
        "zh",
        "und",
        "en",
        "yue",
        "ja",
        "de",
        "und",
    ]
    assert [WRITINGS[i] for i in alone.writing] == [
        "Hani",
        "none",
        "Latn",
        "Hant",
        "Jpan",
        "Latn",
        "none",
    ]
    for few_values, many_values in zip(alone[1:], together[1:], strict=True):
        assert np.array_equal(np.tile(few_values, 20_000), many_values)
    assert count_scripts(*pack([])).shape == (0, len(SCRIPTS))
