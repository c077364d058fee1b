"""select.per_prompt: against a slow reference, however the input is cut; wrong settings."""

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import DatakitError, SettingsError
from datakit.stages.select.per_prompt import PerPromptSelection
from datakit.testing import run_stage


def make_rows(answers: list[tuple[str, int | None]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"r{n}",
            "source": "ab"[n % 2],
            "score": score,
            "messages": [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": f"{n}"},
            ],
        }
        for n, (prompt, score) in enumerate(answers)
    ]


def slow_select(rows: list[dict[str, Any]], most: int) -> list[str]:
    """Ids that stay: the `most` best scores of each prompt, earlier rows first among equals."""
    by_prompt = defaultdict(list)
    for row in rows:
        by_prompt[row["messages"][0]["content"]].append(row)
    taken = set()
    for answers in by_prompt.values():
        answers.sort(key=lambda row: -1000 if row["score"] is None else row["score"], reverse=True)
        taken |= {row["id"] for row in answers[:most]}
    return [row["id"] for row in rows if row["id"] in taken]


ROWS = st.lists(
    st.tuples(st.sampled_from("甲乙丙丁"), st.none() | st.integers(-3, 3)), min_size=1, max_size=40
).map(make_rows)


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(1, 4), st.integers(1, 50))
def test_the_best_of_each_prompt_stay(
    rows: list[dict[str, Any]], most: int, batch_rows: int
) -> None:
    stage = PerPromptSelection(most=most, keep="best:score")

    outcome = run_stage(stage, rows, batch_rows=batch_rows)

    assert [row["id"] for row in outcome.rows] == slow_select(rows, most)
    assert {r["values"]["kept_id"] for r in outcome.rejects} <= {r["id"] for r in outcome.rows}
    counts = {name: sum(row[name] for row in outcome.verdict) for name in ("records", "rejected")}
    assert counts == {"records": len(rows), "rejected": len(outcome.rejects)}
    prompts = {row["messages"][0]["content"] for row in rows}
    assert sum(row["prompts"] for row in outcome.verdict) == len(prompts)


def test_prompts_above_are_those_with_too_many_answers() -> None:
    rows = make_rows([("一", 1), ("一", 2), ("二", 3), ("二", 4), ("二", 5), ("三", 6)])

    verdict = run_stage(PerPromptSelection(most=2), rows).verdict

    assert [(row["source"], row["prompts"], row["prompts_above"]) for row in verdict] == [
        ("a", 2, 1),
        ("b", 1, 0),
    ]


def test_scores_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(DatakitError, match="'score' holds 'good'"):
        run_stage(PerPromptSelection(keep="best:score"), [{"messages": [], "score": "good"}])


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"most": 0}, "most"),
        ({"on": " "}, "on"),
        ({"keep": "best:"}, "keep"),
        ({"keep": "source"}, "keep"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        PerPromptSelection(**settings)

    assert caught.value.key == key
