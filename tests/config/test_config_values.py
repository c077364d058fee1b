from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from datakit.config.sizes import UNITS, parse_size, show_size
from datakit.config.values import Mismatch, fit
from datakit.config.words import toml_text, type_words, value_words


@pytest.mark.parametrize(
    ("value", "hint", "fitted"),
    [
        (5, int, 5),
        (5, float, 5.0),
        (5, int | float, 5),
        (5, float | int, 5),
        (0.5, float | int | None, 0.5),
        (True, bool, True),
        (True, bool | int, True),
        ("a", str | list[str], "a"),
        (["a"], str | list[str], ["a"]),
        (["a"], tuple[str, ...], ("a",)),
        (["a", 1], tuple[str, int], ("a", 1)),
        (["a", "a"], frozenset[str], frozenset("a")),
        ({"a": 1}, dict[str, float], {"a": 1.0}),
        ({"a": [1]}, dict[str, Any], {"a": [1]}),
        ({"a": 1}, float | dict[str, float], {"a": 1.0}),
        ("x", Literal["x", "y"], "x"),
        ("p", Path, Path("p")),
        ("p", Annotated[str, "note"], "p"),
        ([1, "a"], list, [1, "a"]),
    ],
)
def test_a_fitting_value_comes_in_the_type_of_its_setting(value, hint, fitted):
    found = fit(value, hint)

    assert found.mismatches == ()
    assert found.value == fitted
    assert type(found.value) is type(fitted)


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        ("5", int, 'expected a whole number, got the string "5"'),
        (True, int, "expected a whole number, got true"),
        (1, bool, "expected true or false, got the whole number 1"),
        (1.5, int | None, "expected a whole number, got the number 1.5"),
        (False, float, "expected a number, got false"),
        (5, str, "expected a string, got the whole number 5"),
        ("a", list[str], 'expected a list of strings, got the string "a"'),
        ([], str, "expected a string, got an empty list"),
        ({}, str | list[str], "expected a string or a list of strings, got a table"),
        (["a"], tuple[str, int], "expected a list of 2: a string, a whole number, got a list"),
        ("z", Literal["x", "y"], 'expected "x" or "y", got the string "z"'),
        (1, Literal["1"], 'expected "1", got the whole number 1'),
        (3, dict[str, int], "expected a table of whole numbers, got the whole number 3"),
        ("x" * 100, int, f'expected a whole number, got the string "{"x" * 40}…"'),
        (5, Path, "expected a path, got the whole number 5"),
    ],
)
def test_a_wrong_value_is_told_in_words_of_toml(value, hint, message):
    (mismatch,) = fit(value, hint).mismatches

    assert (mismatch.path, mismatch.message) == ((), message)


def test_each_wrong_value_inside_a_list_or_table_is_placed():
    assert [m.path for m in fit(["a", 1, 2], list[str]).mismatches] == [(1,), (2,)]
    nested = fit({"a": {"b": "x"}}, dict[str, dict[str, int]]).mismatches
    assert [m.path for m in nested] == [("a", "b")]


def test_a_wrong_value_inside_the_only_possible_branch_is_placed_there():
    (mismatch,) = fit(["a", 1], str | list[str]).mismatches

    assert mismatch == Mismatch((1,), "expected a string, got the whole number 1")


def test_hints_say_what_to_write():
    assert fit(1e6, int).mismatches[0].hint == "write 1_000_000"
    assert (
        fit("lngest", Literal["first", "longest"])
        .mismatches[0]
        .hint.startswith("did you mean 'longest'?")
    )
    assert fit("frist", Literal["first"] | list[str]).mismatches[0].hint.startswith("did you mean")
    assert fit(float("nan"), float).mismatches[0].hint == "nan is no bound"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64 KiB", 65536),
        ("64kib", 65536),
        ("1GB", 10**9),
        ("1.5 GiB", 3 << 29),
        ("10 b", 10),
        ("1_000 kB", 10**6),
        ("0.1 kB", 100),
        (" 2 TiB ", 2 << 40),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size
    assert fit(text, int | None, is_size=True).value == size


@pytest.mark.parametrize("text", ["", "64", "KiB", "64 XB", "-1 KiB", "1 K", "1,5 GB", "64 KiB x"])
def test_what_is_no_size_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="no size"):
        parse_size(text)
    (mismatch,) = fit(text, int, is_size=True).mismatches

    assert "64 KiB" in mismatch.hint


def test_a_shown_size_reads_back():
    assert len(UNITS) == 9
    for size in (0, 1, 1000, 1024, 64 << 10, 32 << 20, 1 << 30, (1 << 30) + 1):
        assert parse_size(show_size(size)) == size


def test_words_for_odd_types_and_values():
    assert type_words(list[dict[str, str]]) == "a list of a table of strings"
    assert type_words(dict[str, int | str]) == "a table of whole numbers or strings"
    assert type_words(list) == "a list"
    assert type_words(dict) == "a table"
    assert value_words({}) == "a table"
    assert value_words("a\nb") == 'the string "a\\nb"'


def test_toml_text_quotes_keys_only_where_needed():
    assert toml_text({"a-b_c": 1, "中": [True], "": {}}) == '{ a-b_c = 1, "中" = [true], "" = {} }'
    assert toml_text(frozenset({"b", "a"})) == '["a", "b"]'
