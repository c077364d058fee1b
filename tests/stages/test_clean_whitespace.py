"""clean.whitespace: what must hold of any text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.stages.clean.whitespace import WhitespaceCleaner
from datakit.testing import run_stage

texts = st.text(st.sampled_from("ab中文，。  \t\n\n\r\u3000\u00a0\u2028\x0b-#1.<"))
choices = st.fixed_dictionaries(
    {},
    optional={
        "wide_space": st.sampled_from(["fold", "keep", "drop"]),
        "fold_runs": st.booleans(),
        "keep_indent": st.booleans(),
        "max_blank_lines": st.integers(0, 2),
    },
)


def clean(text: str, **chosen: object) -> str:
    return str(run_stage(WhitespaceCleaner(**chosen), [{"text": text}]).rows[0]["text"])


@settings(deadline=None, max_examples=80)
@given(texts, choices)
def test_cleaning_again_changes_nothing(text: str, chosen: dict[str, object]) -> None:
    once = clean(text, **chosen)

    assert clean(once, **chosen) == once


@settings(deadline=None, max_examples=80)
@given(texts, choices, st.sampled_from(["none", "chinese", "all"]))
def test_only_white_space_changes(text: str, chosen: dict[str, object], unwrap: str) -> None:
    cleaned = clean(text, unwrap=unwrap, min_wrap_chars=1, **chosen)

    assert re.sub(r"\s", "", cleaned) == re.sub(r"\s", "", text)


@settings(deadline=None, max_examples=80)
@given(texts, choices)
def test_clean_text_is_tidy(text: str, chosen: dict[str, object]) -> None:
    cleaned = clean(text, **chosen)

    assert cleaned == cleaned.strip()
    assert not re.search(
        r"[\r\x0b\u2028\u00a0]|\s\n(?!\n)[^\n]*|[ \t]\n", cleaned.replace("\n\n", "")
    )
    assert "\n" * (chosen.get("max_blank_lines", 1) + 2) not in cleaned
    assert ("\u3000" in cleaned) <= (chosen.get("wide_space") == "keep")
    assert not chosen.get("fold_runs", True) or not re.search(r"\S(  |\t)", cleaned)


@settings(deadline=None, max_examples=50)
@given(st.lists(texts, max_size=6))
def test_records_do_not_touch_each_other(many: list[str]) -> None:
    cleaner = WhitespaceCleaner(unwrap="all", min_wrap_chars=1)

    together = [row["text"] for row in run_stage(cleaner, [{"text": t} for t in many]).rows]

    assert together == [clean(t, unwrap="all", min_wrap_chars=1) for t in many]


@pytest.mark.parametrize(
    ("key", "value"),
    [("wide_space", "x"), ("unwrap", "yes"), ("max_blank_lines", -1), ("min_wrap_chars", 0)],
)
def test_wrong_settings_are_refused(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=key):
        WhitespaceCleaner(**{key: value})
