"""filter.words and filter.urls: lists in files, wrong settings, a slow reference for words."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.executors.digests import digest_of, stage_identity
from datakit.stages.filter.urls import UrlFilter
from datakit.stages.filter.word_matches import find_words
from datakit.stages.filter.words import WordsFilter
from datakit.testing import run_stage

WORDS = ["ab", "b中", "中", "a", "中文ab", "é"]


def slow_find(text: str, words: list[str]) -> list[str]:
    """From left to right the longest word that is whole there."""
    latin, found, at = "[A-Za-z0-9\u00c0-\u024f]", [], 0
    while at < len(text):
        for word in sorted(words, key=len, reverse=True):
            before = rf"(?<!{latin})" if re.match(latin, word[0]) else ""
            behind = rf"(?!{latin})" if re.match(latin, word[-1]) else ""
            if re.compile(before + re.escape(word) + behind).match(text, at):
                found.append(word)
                at += len(word) - 1
                break
        at += 1
    return found


@settings(max_examples=150)
@given(st.lists(st.text("ab中文é 1", max_size=12), max_size=3))
def test_words_are_found_as_by_the_reference(texts: list[str]) -> None:
    found = find_words(pl.Series(texts, dtype=pl.String), WORDS, ignore_case=False)

    assert found.rows() == [(n, w) for n, text in enumerate(texts) for w in slow_find(text, WORDS)]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_text("\ufeff# a comment\n\nbad.com\n bad.com \n赌博\n", encoding="utf-8")
    return path


def test_lists_are_read_from_files(listed: Path) -> None:
    words = run_stage(WordsFilter(files=(listed,), words=("彩票",)), [{"text": "赌博彩票"}])
    urls = run_stage(UrlFilter(files=(listed,)), [{"text": "x", "url": "a.bad.com"}])

    assert words.rejects[0]["values"]["words"] == ["赌博", "彩票"]
    assert urls.reasons == ["listed_url"]


def test_a_changed_list_is_read_again_and_changes_the_digest(listed: Path) -> None:
    stage = WordsFilter(files=(listed,))
    before = digest_of(stage_identity(stage))
    assert run_stage(stage, [{"text": "彩票"}]).reasons == []

    listed.write_text("彩票\n", encoding="utf-8")

    assert run_stage(stage, [{"text": "彩票"}]).reasons == ["bad_words"]
    assert digest_of(stage_identity(stage)) != before


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "words"),
        ({"words": ("a", " ")}, "words"),
        ({"files": (Path("no/such.txt"),)}, "files"),
        ({"words": ("a",), "max_count": -1}, "max_count"),
        ({"words": ("a",), "roles": ("asistant",)}, "roles"),
        ({"words": ("a",), "max_share": 2.0}, "max_share"),
    ],
)
def test_wrong_settings_of_words_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        WordsFilter(**settings)

    assert caught.value.key == key


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "entries"),
        ({"files": (Path("no/such.txt"),)}, "files"),
        ({"entries": ("a.com",), "action": "drop"}, "action"),
        ({"entries": ("a.com",), "unknown": "drop"}, "unknown"),
    ],
)
def test_wrong_settings_of_urls_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        UrlFilter(**settings)

    assert caught.value.key == key


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.bin"
    path.write_bytes(b"\xff\xfe\x00")

    for stage in (WordsFilter, UrlFilter):
        with pytest.raises(SettingsError, match="UTF-8"):
            stage(files=(path,))


def test_of_an_empty_list_the_file_is_to_blame(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n\n")

    for stage in (WordsFilter, UrlFilter):
        with pytest.raises(SettingsError, match="on any line") as caught:
            stage(files=(path,))
        assert caught.value.key == "files"
