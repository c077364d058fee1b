"""filter.length: wrong settings, and what it asks of the batch."""

from typing import Any

import pytest

from datakit.errors import SettingsError
from datakit.records import MESSAGES
from datakit.stages.filter.length import LengthFilter
from datakit.testing import run_stage


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "use"),
        ({"on": "response"}, "use"),
        ({"min_chars": 5, "max_chars": 4}, "min_chars"),
        ({"max_chars": -1}, "max_chars"),
        ({"min_chars": -1}, "min_chars"),
        ({"min_response_ratio": -0.5}, "min_response_ratio"),
        ({"min_response_ratio": 2.0, "max_response_ratio": 1.0}, "min_response_ratio"),
        ({"min_chars": 5, "roles": ("asistant",)}, "roles"),
        ({"min_chars": 5, "roles": ("user",), "on": "prompt"}, "roles"),
        ({"min_chars": 5, "on": "_line"}, "on"),
        ({"max_tokens": 5, "on": "prompt"}, "max_tokens"),
        ({"min_tokens": 5, "roles": ("user",)}, "min_tokens"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        LengthFilter(**settings)

    assert caught.value.key == key


@pytest.mark.parametrize(
    ("settings", "needs"),
    [
        ({"min_chars": 1}, {"text|messages"}),
        ({"min_chars": 1, "roles": ("user",)}, {MESSAGES}),
        ({"min_chars": 1, "on": "context"}, {MESSAGES}),
        ({"min_chars": 1, "on": "title"}, {"title"}),
        ({"max_tokens": 1, "min_response_ratio": 1.0}, {"text|messages", "n_tokens", MESSAGES}),
    ],
)
def test_needs_are_what_is_measured(settings: dict[str, Any], needs: set[str]) -> None:
    assert LengthFilter(**settings).needs == needs


def test_the_context_ends_before_the_last_answer() -> None:
    said = [("system", "一"), ("user", "二"), ("assistant", "三"), ("user", "四"), ("user", "五")]
    messages = [{"role": role, "content": content} for role, content in said]
    answer = {"role": "assistant", "content": "六七八九十"}
    rows = [{"messages": m} for m in (messages, [*messages, answer], [answer], [])]

    lengths = [
        reject["values"]["chars"]
        for reject in run_stage(LengthFilter(min_chars=100, on="context"), rows).rejects
    ]

    assert lengths == [3, 9, 0, 0]
