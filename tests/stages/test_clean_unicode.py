"""clean.unicode: what must hold of any text, and its patterns against Python's Unicode tables."""

import sys
import unicodedata
from functools import cache

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.records import rewrite_where
from datakit.stages.clean.unicode import UnicodeCleaner
from datakit.testing import run_stage
from datakit.text.characters import NOT_NFC

TRICKY = "éÃ©â€™Â \u00ad\u200b\u200d\u200c\ufeffＡ１．0ｶﾞﾟ\ue000中，〓"
TRICKY += "😀👩\ufe0f🏴\U000e0041मی\u0301e\r\n\x85\x93"
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(TRICKY))


def clean(text: str, **chosen: object) -> str:
    return str(run_stage(UnicodeCleaner(**chosen), [{"text": text}]).rows[0]["text"])


@cache
def every_character() -> pl.Series:
    characters = map(chr, range(sys.maxunicode + 1))
    return pl.Series(c for c in characters if unicodedata.category(c) not in ("Cn", "Co", "Cs"))


@settings(deadline=None, max_examples=80)
@given(texts)
@example("Ã\u200b©")
@example("e\u200b\u0301")
def test_cleaning_again_changes_nothing(text: str) -> None:
    once = clean(text)

    assert clean(once) == once


@settings(deadline=None, max_examples=50)
@given(texts)
def test_normal_form_alone_is_that_of_unicodedata(text: str) -> None:
    steps = "repair_mojibake line_breaks drop_controls drop_invisible fold_width fold_kana"
    off = dict.fromkeys(steps.split(), False)
    assigned = "".join(c for c in text if unicodedata.category(c) != "Cn")

    cleaned = clean(assigned, private_use="keep", **off)

    assert cleaned == unicodedata.normalize("NFC", assigned)


def test_the_quick_check_overlooks_no_character_that_form_c_may_change() -> None:
    """A character that changes alone, reorders, or joins one before it has to be a suspect."""
    characters = every_character()
    overlooked = characters.filter(~characters.str.contains(NOT_NFC)).to_list()
    seconds = {
        chr(int(parts[1], 16))
        for parts in (unicodedata.decomposition(c).split() for c in characters)
        if len(parts) == 2 and not parts[0].startswith("<")
    }

    changed = [c for c in overlooked if unicodedata.normalize("NFC", c) != c]
    assert changed == []
    assert [c for c in overlooked if unicodedata.combining(c)] == []
    assert [c for c in overlooked if c in seconds] == []


def test_of_all_characters_none_stays_that_should_go() -> None:
    """Letters, marks, numbers, punctuation and symbols stay but for widths and form C."""
    cleaner = UnicodeCleaner(repair_mojibake=False)
    characters = every_character()

    cleaned = cleaner.map(pl.DataFrame({"text": characters}))["text"]

    gone = set(characters.filter(cleaned == "").to_list())
    kinds = {unicodedata.category(c) for c in gone}
    assert kinds <= {"Cc", "Cf", "So"}
    assert [c for c in gone if unicodedata.category(c) == "So"] == ["\ufffc"]
    assert {"\x00", "\x9f", "\u200b", "\ufeff", "\u202e"} <= gone


@pytest.mark.parametrize("mark", ["\ue000", "\u200b", "Ａ", "\r"])
def test_a_mark_that_would_be_cleaned_away_is_refused(mark: str) -> None:
    with pytest.raises(SettingsError, match="private_use_mark"):
        UnicodeCleaner(private_use_mark=mark)


def test_only_the_wanted_rows_are_rewritten() -> None:
    texts = pl.Series("text", ["a", None, "b", "c", None])
    wanted = pl.Series([True, True, None, True, False])

    rewritten = rewrite_where(texts, wanted, lambda some: some.str.to_uppercase())

    assert rewritten.to_list() == ["A", None, "b", "C", None]
    assert rewritten.name == "text"
