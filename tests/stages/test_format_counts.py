"""Counts of tokens go where a stage makes something else of a record."""

from typing import Any

import pytest

from datakit.registry import stages
from datakit.testing import run_stage

ASK, ANSWER = {"role": "user", "content": "头痛"}, {"role": "assistant", "content": "休息"}
TEXT = "今天下雨，因此我们没有出门去公园散步。" * 3
DEFINED = "糖尿病是一种以高血糖为特征的代谢性疾病。"
COUNTED = {"n_tokens": 9, "n_tokens_trained": 4, "session": "s"}


@pytest.mark.parametrize(
    ("name", "settings", "changed", "same"),
    [
        ("split_turns", {}, {"messages": [ASK, ANSWER] * 2}, {"messages": [ASK, ANSWER]}),
        ("merge_turns", {"by": "session"}, {"messages": [ASK, ANSWER]}, {"text": "文"}),
        ("chunk", {"max_chars": 20}, {"text": TEXT}, {"text": "文"}),
        ("self_supervised", {}, {"text": TEXT}, {"messages": [ASK, ANSWER]}),
        ("reading", {"form": "text"}, {"text": DEFINED}, {"messages": [ASK, ANSWER]}),
        ("pretrain", {}, {"messages": [ASK, ANSWER]}, {"text": "文"}),
    ],
)
def test_counts_of_tokens_go_where_a_record_has_changed(
    name: str, settings: dict[str, Any], changed: dict[str, Any], same: dict[str, Any]
) -> None:
    rows = [record | COUNTED for record in (changed, changed, same)]

    *made, last = run_stage(stages()[f"format.{name}"](**settings), rows).rows

    assert made
    assert all(row["n_tokens"] is None and row["n_tokens_trained"] is None for row in made)
    assert (last["n_tokens"], last["n_tokens_trained"]) == (9, 4)
