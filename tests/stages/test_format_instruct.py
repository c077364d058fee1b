"""Instructions: the choice among templates, columns, settings."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.records import MESSAGES_TYPE
from datakit.stages.format.instruct import InstructFormat
from datakit.stages.format.wordings import WORDINGS
from datakit.testing import make_batch, run_stage

ROWS = [
    {"id": str(n), "instruction": f"q{n}", "input": "x" * (n % 2), "output": "a"}
    for n in range(400)
]
TEMPLATES = ["甲{instruction}", "乙{instruction}", "丙{instruction}"]


def prompts(rows: list[dict[str, Any]], *, batch_rows: int = 1000, **options: Any) -> list[str]:
    outcome = run_stage(InstructFormat(**options), rows, batch_rows=batch_rows)
    return [row["messages"][0]["content"] for row in outcome.rows]


def test_templates_are_picked_by_id_and_seed_alone() -> None:
    whole = prompts(ROWS, template=TEMPLATES, seed=1)

    assert prompts(ROWS, batch_rows=7, template=TEMPLATES, seed=1) == whole
    assert prompts(ROWS[::-1], template=TEMPLATES, seed=1) == whole[::-1]
    assert prompts(ROWS, template=TEMPLATES, seed=2) != whole


def test_templates_are_picked_evenly() -> None:
    first = [prompt[0] for prompt in prompts(ROWS, template=TEMPLATES, seed=1)]

    assert all(90 < first.count(letter) < 180 for letter in "甲乙丙")


def test_the_same_pick_serves_records_with_and_without_input() -> None:
    both = [*TEMPLATES, "子{instruction}{input}", "丑{instruction}{input}"]
    found = prompts(ROWS, template=both)

    assert {prompt[0] for prompt in found[::2]} == set("甲乙丙")
    assert {prompt[0] for prompt in found[1::2]} == set("子丑")


TEXT = st.text(st.sampled_from("a {}$中\n"), max_size=5).filter(str.strip)


@settings(max_examples=30)
@given(TEXT, TEXT, st.sampled_from(sorted(WORDINGS)))
def test_wordings_fill_in_what_is_there_and_nothing_else(
    instruction: str, given_input: str, wording: str
) -> None:
    row = {"instruction": instruction, "input": given_input, "output": "a"}
    found = prompts([row], wording=wording, strip=False)

    filled = WORDINGS[wording][0].format(instruction=instruction, input=given_input)
    assert found == [filled]


@pytest.mark.parametrize("history", ["", "history"])
def test_the_columns_are_the_same_for_every_batch(history: str) -> None:
    stage = InstructFormat(history=history, system_field="sys")
    rows = [
        {"instruction": "q", "input": None, "output": "a", "history": None, "sys": None},
        {"instruction": "q", "input": "x", "output": None, "history": '[["b", "c"]]', "sys": "s"},
        {"instruction": "q", "input": "x", "output": "a", "history": "{", "sys": None},
    ]
    batches = [stage.map(make_batch([row]).cast({pl.Null: pl.String})) for row in rows]

    kept = {tuple(batch.schema.items()) for batch in batches}
    assert len(kept) == 1
    assert batches[0].schema["messages"] == MESSAGES_TYPE
    assert not stage.drops & set(batches[0].columns)


def test_an_empty_batch_passes() -> None:
    batch = make_batch([{"instruction": "a", "output": "b", "history": "[]"}]).clear()

    assert InstructFormat(history="history", template=TEMPLATES).map(batch).height == 0


def test_a_named_input_must_be_there_but_the_usual_one_need_not() -> None:
    assert InstructFormat().needs == {"instruction", "output"}
    assert InstructFormat(input="context", history="h").needs == {
        *("instruction", "output", "context", "h")
    }
    assert InstructFormat(input="").drops == {"instruction", "output", "text"}


def test_a_reject_shows_what_was_read() -> None:
    outcome = run_stage(InstructFormat(), [{"instruction": "q", "input": "x", "output": ""}])

    assert outcome.rejects[0]["text"] == "q\nx\n"


@pytest.mark.parametrize(
    ("wrong", "key", "message"),
    [
        ({"template": "no placeholder"}, "template", "{instruction}"),
        ({"template": "{instruction} {question}"}, "template", "{question}"),
        ({"template": "{instruction:>10}"}, "template", "unknown placeholder"),
        ({"template": "{instruction} {"}, "template", "is no template"),
        ({"template": []}, "template", "empty"),
        ({"template": ["{instruction}", "{}"]}, "template", "{}"),
        ({"template": "{instruction}", "wording": "zh"}, "wording", "either"),
        ({"instruction": ""}, "instruction", "name a column"),
        ({"output": ""}, "output", "name a column"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], key: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        InstructFormat(**wrong)

    assert error.value.key == key
    assert message in error.value.message
