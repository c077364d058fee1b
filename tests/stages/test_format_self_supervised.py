"""format.self_supervised: nothing lost or made up, whatever the batch; settings."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.stages.format.self_supervised import SelfSupervisedFormat
from datakit.testing import run_stage

SENTENCES = ("患者每日服用三次。", "饭后半小时服药！", "疗程共七日；", "Take the tablets twice. ",
             "高血压应当长期控制。\n", "Then rest well. ", "标题\n")  # fmt: skip
texts = st.lists(st.sampled_from(SENTENCES), max_size=9).map("".join)


def tasks_of(text: str, **given_settings: Any) -> list[tuple[str, str]]:
    stage = SelfSupervisedFormat(min_chars=1, **given_settings)
    rows = run_stage(stage, [{"text": text}]).rows
    return [
        (m[0]["content"].split("\n\n", 1)[1], m[1]["content"])
        for m in (row["messages"] for row in rows)
    ]


@settings(deadline=None, max_examples=15)
@given(texts)
def test_blanks_filled_in_give_a_passage_of_the_text(text: str) -> None:
    for question, answer in tasks_of(text, tasks=("mask",)):
        hidden = dict(line.split(". ", 1) for line in answer.split("\n"))
        whole = re.sub(
            r"(?:＿＿（|____\()(\d+)[）)]", lambda m, hidden=hidden: hidden.pop(m[1]), question
        )
        assert whole in text
        assert not hidden


@settings(deadline=None, max_examples=15)
@given(texts)
def test_sentences_in_order_give_a_passage_of_the_text(text: str) -> None:
    for question, answer in tasks_of(text, tasks=("order",)):
        shown = dict(line.split(". ", 1) for line in question.split("\n"))
        order = answer.split(", ")
        assert sorted(order) == sorted(shown)
        assert order != sorted(order)
        joined = "".join(shown[number] for number in order)
        assert re.sub(r"\s", "", joined) in re.sub(r"\s", "", text)


@settings(deadline=None, max_examples=8)
@given(st.lists(texts, max_size=6), st.integers(1, 3))
def test_no_task_depends_on_the_batch(documents: list[str], rows: int) -> None:
    records = [{"text": text} for text in documents]
    stage = SelfSupervisedFormat(seed=5, min_chars=1)

    def seen(batch_rows: int) -> list[Any]:
        outcome = run_stage(stage, records, batch_rows=batch_rows)
        return [*outcome.reasons, *((row["id"], row["messages"]) for row in outcome.rows)]

    assert seen(rows) == seen(100)


def test_another_seed_sets_other_tasks() -> None:
    text = "".join(SENTENCES[:3]) * 4

    assert len({tuple(tasks_of(text, seed=seed)) for seed in range(6)}) > 3


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"tasks": ()}, "no task"),
        ({"share": 0.6}, "share"),
        ({"max_blanks": 0}, "less than 1"),
        ({"min_chars": 500}, "max_chars"),
        ({"max_sentences": 2}, "three or more"),
    ],
)
def test_settings_that_contradict(given_settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        SelfSupervisedFormat(**given_settings)
