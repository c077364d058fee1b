"""clean.script: against OpenCC itself, and what the short cut rests on."""

import sys
import unicodedata
from functools import cache

import opencc
import polars as pl
import pytest

from datakit.errors import SettingsError
from datakit.stages.clean.script import CONVERTIBLE, ScriptConverter
from datakit.testing import run_stage

CONFIGS = sorted(name.removesuffix(".json") for name in opencc.CONFIGS)
UNASSIGNED = ("Cn", "Co", "Cs")


@cache
def every_other_character() -> str:
    """All assigned characters but NUL, which is tested below, and those of the script Han."""
    assigned = map(chr, range(1, sys.maxunicode + 1))
    characters = pl.Series(c for c in assigned if unicodedata.category(c) not in UNASSIGNED)
    return "".join(characters.filter(~characters.str.contains(CONVERTIBLE)))


@pytest.mark.parametrize("config", CONFIGS)
def test_it_gives_what_opencc_gives(config: str) -> None:
    texts = [
        "臺灣的軟體與滑鼠，頭髮",
        "台湾的软件和鼠标，头发发现",
        "ひらがな 漢字 kanji 圖",
        "plain",
    ]

    outcome = run_stage(ScriptConverter(config=config), [{"text": text} for text in texts])

    expected = [opencc.OpenCC(config).convert(text) for text in texts]
    assert [row["text"] for row in outcome.rows] == expected


@pytest.mark.parametrize("config", CONFIGS)
def test_text_without_han_is_never_converted(config: str) -> None:
    others = every_other_character()

    assert len(others) > 40_000
    assert opencc.OpenCC(config).convert(others) == others


@pytest.mark.parametrize("config", CONFIGS)
def test_nothing_is_lost_behind_a_nul(config: str) -> None:
    outcome = run_stage(ScriptConverter(config=config), [{"text": "中\0文\0"}])

    assert outcome.rows[0]["text"] == "中\0文\0"


def test_a_mistyped_conversion_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsError) as caught:
        ScriptConverter(config="ts2")

    assert caught.value.key == "config"
    assert "did you mean 't2s'" in caught.value.hint
