"""Shingles: what is compared, against a slow way that goes character by character."""

import itertools
import unicodedata
from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.stages.dedup.letter_table import LAST, LETTERS, UNSEEN, UNSPACED
from datakit.stages.dedup.shingles import make_shingles

# fmt: off
PIECES = st.sampled_from([
    "高血压", "服药", "ａＢＣ１", "Word", "words", "naïve", "nai\u0308ve", "Éa", "é", "5.5", "mg",
    "ひらがな", "カタ", "한국어", "สวัสดี", "𠀀字", "a\u00adb", "a\u200bb", "👍🏽", "😀", "İx",
    "\ufeff", " ", "\n", "\u3000", "，", "。", "-", "_", "\x00", "ẞ", "\U000e0101", "ﬁ", "①", "٣",
    "\U000f0001", "\U000f0002",
])
# fmt: on
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=12)


@cache
def matches(character, pattern):
    return pl.select(pl.lit(character).str.contains(pattern)).item()


def slow_units(text):
    """A text's units, and how it is cut."""
    text = unicodedata.normalize("NFC", text)
    folded = [chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text]
    # Beyond the last letter there are only signs.
    folded = [c for c in folded if ord(c) >= LAST or not matches(c, UNSEEN)]
    letters = [ord(c) < LAST and matches(c, f"[{LETTERS}]") for c in folded]
    chars = [
        is_letter and matches(c, f"[{UNSPACED}]")
        for c, is_letter in zip(folded, letters, strict=True)
    ]
    lower = [pl.select(pl.lit(c).str.to_lowercase()).item()[0] for c in folded]
    words, word = [], ""
    for c, is_letter, is_char in [*zip(lower, letters, chars, strict=True), ("", False, False)]:
        if is_letter and not is_char:
            word += c
            continue
        words += [word] * bool(word) + [c] * is_char
        word = ""
    if 2 * sum(chars) > len(words):
        return "chars", list(itertools.compress(lower, letters))
    if words:
        return "words", words
    return "signs", [c for c in lower if not matches(c, r"[\s\p{Cc}\u{200b}]")]


def slow_shingles(text, sizes):
    way, units = slow_units(text)
    size = sizes[0] if way == "words" else sizes[1]
    size = min(size, len(units))
    return {(way, *units[n : n + size]) for n in range(len(units) - size + 1)} if units else set()


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=6), words=st.integers(1, 3), chars=st.integers(1, 4)
)
def test_shingles_are_those_of_the_slow_way(texts, words, chars):
    hashes, bounds = make_shingles(pl.Series(texts), ngram_words=words, ngram_chars=chars)
    ours = [set(hashes[a:b].tolist()) for a, b in itertools.pairwise(bounds)]
    plain = [slow_shingles(text, (words, chars)) for text in texts]

    for (one, slow_one), (two, slow_two) in itertools.product(
        zip(ours, plain, strict=True), repeat=2
    ):
        assert (len(one), len(one & two)) == (len(slow_one), len(slow_one & slow_two))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nai\u0308ve Café", "naïve café"),
        ("ＡＢＣ　１２３", "abc 123"),
        ("co\u00adoperate", "cooperate"),
        ("高\ufe0f血压", "高血压"),
    ],
)
def test_forms_that_look_alike_are_alike(one, other):
    hashes, bounds = make_shingles(pl.Series([one, other]), ngram_words=1, ngram_chars=1)

    assert hashes[: bounds[1]].tolist() == hashes[bounds[1] :].tolist()


def test_signs_beyond_all_letters_are_told_apart():
    one, other = (chr(0xF0000 + n) * 7 for n in (1, 2))

    hashes, bounds = make_shingles(pl.Series([one, other, one]), ngram_words=5, ngram_chars=5)

    first, second, third = (set(hashes[a:b].tolist()) for a, b in itertools.pairwise(bounds))
    assert first == third
    assert not first & second


def test_shingles_do_not_depend_on_the_texts_around():
    texts = pl.Series(
        ["病人 took 2 pills", "咳嗽三天，伴有发热 38.5℃", "plain words", None, ""] * 3
    )
    hashes, bounds = make_shingles(texts, ngram_words=2, ngram_chars=3)

    for row in range(len(texts)):
        alone, _ = make_shingles(texts[row : row + 1], ngram_words=2, ngram_chars=3)
        assert hashes[bounds[row] : bounds[row + 1]].tolist() == alone.tolist()
    assert bounds[-1] == hashes.size


def test_a_batch_without_texts_has_no_shingles():
    hashes, bounds = make_shingles(pl.Series([], dtype=pl.String), ngram_words=2, ngram_chars=3)

    assert (hashes.size, bounds.tolist()) == (0, [0])
