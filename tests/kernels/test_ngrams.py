"""Units and n-grams against a slow reference that cuts a text with Python's own means."""

import unicodedata
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.kernels.folding import ALONE, BREAK, SKIPPED, fold_table
from datakit.kernels.ngrams import find_grams, hash_grams, list_units, make_gram_table
from datakit.records import utf8_buffers

TEXTS = st.text(
    st.sampled_from("aB é'’-1ｗ，。 中文字ぁ가\u0301\u200b\n𠀀") | st.characters(codec="utf-8")
)


def slow_units(text: str, *, by_chars: bool) -> list[str]:
    """The units as text: what stands between breaks, characters alone where they are."""
    table, units = fold_table(), [""]
    for char in text:
        folded = int(table[ord(char)]) if ord(char) < table.size else BREAK
        if folded == SKIPPED:
            continue
        letter = chr(folded & ~ALONE) if folded != BREAK else ""
        if folded == BREAK or by_chars or folded & ALONE:
            units += [f"{letter}!" if folded & ALONE and not by_chars else letter, ""]
        else:
            units[-1] += letter
    return [unit for unit in units if unit]


def fast_units(texts: list[str], *, by_chars: bool) -> list[list[int]]:
    units, ends = list_units(*utf8_buffers(pl.Series(texts, dtype=pl.String)), by_chars=by_chars)
    return [units[a:b].tolist() for a, b in pairwise(ends)]


@settings(max_examples=60)
@given(st.lists(TEXTS, max_size=4), st.booleans())
def test_texts_have_equal_units_where_the_reference_has(texts: list[str], by_chars: bool) -> None:
    slow = [unit for text in texts for unit in slow_units(text, by_chars=by_chars)]
    fast = [unit for units in fast_units(texts, by_chars=by_chars) for unit in units]

    assert len(slow) == len(fast)
    assert len(set(slow)) == len(set(fast)) == len(set(zip(slow, fast, strict=True)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Janet’s Café, 16 eggs!", "janets CAFE 16\neggs"),
        ("ＣＴ检查：阴性", "ct 检查 阴性"),
        ("re\u0301sume\u0301 zero\u200bwidth", "résumé zerowidth"),
        ("ﾊﾝｶｸ", "ハンカク"),
    ],
)
def test_case_width_accents_and_marks_do_not_count(one: str, other: str) -> None:
    units = fast_units([one, other], by_chars=False)

    assert units[0] == units[1]


def test_a_han_character_is_a_word_and_latin_letters_are_not() -> None:
    assert [len(units) for units in fast_units(["高血压 mmHg", ""], by_chars=False)] == [4, 0]
    assert [len(units) for units in fast_units(["高血压 mmHg", "，"], by_chars=True)] == [7, 0]
    assert unicodedata.category("が") == "Lo"
    assert len(set(fast_units(["がか"], by_chars=False)[0])) == 2


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from("abcd"), max_size=30), min_size=1, max_size=4),
    st.lists(st.sampled_from("abcd"), min_size=3, max_size=12),
)
def test_every_place_of_a_gram_is_found(texts: list[list[str]], sought: list[str]) -> None:
    sizes = np.array([2, 3])
    units, _ = list_units(*utf8_buffers(pl.Series([" ".join(sought)])), by_chars=False)
    grams = {
        tuple(sought[at : at + n]): (at, n) for n in sizes for at in range(len(sought) - n + 1)
    }
    starts, lengths = (np.array(each, dtype=np.int64) for each in zip(*grams.values(), strict=True))
    table = make_gram_table(hash_grams(units, starts, lengths), sizes)
    lines = [" ".join(text) for text in texts]

    hits = find_grams(*utf8_buffers(pl.Series(lines)), table, by_chars=False)

    data, found = "".join(lines), set()
    for text, number, begin, end in hits.tolist():
        assert tuple(data[begin:end].split()) == list(grams)[number]
        found.add((text, begin - len("".join(lines[:text])), number))
    assert found == {
        (row, 2 * at, list(grams).index(tuple(text[at : at + n])))
        for row, text in enumerate(texts)
        for n in sizes
        for at in range(len(text) - n + 1)
        if tuple(text[at : at + n]) in grams
    }


def test_more_hits_than_expected_are_all_given() -> None:
    units, _ = list_units(*utf8_buffers(pl.Series(["a a a"])), by_chars=False)
    table = make_gram_table(hash_grams(units, np.array([0]), np.array([3])), np.array([3]))

    hits = find_grams(*utf8_buffers(pl.Series(["a " * 5000, "b"])), table, by_chars=False)

    assert hits[:, 0].tolist() == [0] * 4998
    assert hits[-1].tolist() == [0, 0, 9994, 9999]
