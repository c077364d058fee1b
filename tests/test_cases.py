"""Every case file of tests/cases is run here: one file per stage, a few lines per case."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from datakit.registry import stages
from datakit.testing import run_stage

CASES = Path(__file__).parent / "cases"


def load_cases() -> list[Any]:
    return [
        pytest.param(file["stage"], case, id=f"{path.stem}: {case['name']}")
        for path in sorted(CASES.glob("*.toml"))
        for file in [tomllib.loads(path.read_text(encoding="utf-8"))]
        for case in file["case"]
    ]


@pytest.mark.parametrize(("name", "case"), load_cases())
def test_case(name: str, case: dict[str, Any]) -> None:
    stage = stages()[name](**case.get("settings", {}))

    outcome = run_stage(stage, case["in"], batch_rows=case.get("batch_rows", 1000))

    expected = case["out"]
    shown = [
        {key: row.get(key) for key in want}
        for row, want in zip(outcome.rows, expected, strict=False)
    ]
    assert (len(outcome.rows), shown) == (len(expected), expected)
    assert outcome.reasons == case.get("reject", [])
    for reject, values in zip(outcome.rejects, case.get("values", []), strict=False):
        assert {key: reject["values"].get(key) for key in values} == values
