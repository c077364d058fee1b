"""filter.language: its settings, its counts against a slow reference, its model."""

import unicodedata
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import DatakitError, SettingsError
from datakit.kernels.scripts import SCRIPTS, count_compiled, count_plainly, letter_table
from datakit.stages.filter.language import LanguageFilter, detect
from datakit.text.languages import LID_176

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.text("aZé中あ한я1，😀𠀀"))


def slow_script(character: str) -> str | None:
    """The script that the character's Unicode name tells."""
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
@given(texts, st.integers(1, 20))
def test_the_kernel_counts_as_numpy_does(many: list[str], max_chars: int) -> None:
    encoded = [text.encode() for text in many]
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)

    fast = count_compiled()(data, offsets, letter_table(), max_chars)

    assert np.array_equal(fast, count_plainly(data, offsets, letter_table(), max_chars))


@pytest.mark.parametrize(
    "text", ["Aspirin é ﬂ Ａ", "中医々〇㐀豈𠀀", "ひらカタｶー", "한국ㄱ", "Яαअ", "12，。😀%"]
)
def test_scripts_are_those_of_the_names_of_characters(text: str) -> None:
    data = np.frombuffer(text.encode(), dtype=np.uint8)

    counts = count_plainly(data, np.array([0, data.size]), letter_table(), 100)[0]

    scripts = [slow_script(character) for character in text]
    if "々" in text:
        scripts = ["han" if c == "々" else s for c, s in zip(text, scripts, strict=True)]
    assert counts.tolist() == [scripts.count(script) for script in SCRIPTS]


def test_detect_gives_the_same_in_any_batch() -> None:
    """Compiled and plain counting, slices and nulls: the batch a text is in does not matter."""
    one = ["患者", None, "The patient has a fever.", "", "患者は熱です", "Das ist ein Text", "12"]
    many = pl.Series([*one] * 40_000)

    together = detect(many[: len(one)], max_chars=50)

    assert detect(pl.Series(one)[2:], max_chars=50).equals(together[2:])
    assert together["lang"].to_list() == ["zh", "und", "en", "und", "ja", "de", "und"]
    assert detect(pl.Series([], dtype=pl.String), max_chars=50).height == 0


def test_every_label_of_the_model_can_be_kept() -> None:
    assert len(LID_176) == 176
    LanguageFilter(keep=tuple(LID_176))


@pytest.mark.parametrize(
    ("key", "chosen", "hint"),
    [
        ("keep", {"keep": ("cn",)}, "did you mean 'zh'"),
        ("keep", {"keep": ()}, "such as"),
        ("min_score", {"min_score": 50.0}, ""),
        ("max_chars", {"max_chars": 0}, ""),
        ("model", {"model": Path("no/such/model.bin")}, ""),
    ],
)
def test_wrong_settings_are_refused(key: str, chosen: dict[str, object], hint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        LanguageFilter(**chosen)

    assert caught.value.key == key
    assert hint in caught.value.hint


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model at all")

    with pytest.raises(DatakitError, match=r"model\.bin"):
        detect(pl.Series(["plain text"]), max_chars=10, model=tmp_path / "model.bin")
