"""`datakit preflight` against what LLaMA-Factory's own loader did with the same broken rows.

The facts were recorded with `check_preflight.py --record`, which asks the loader anew.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from broken_rows import ENTRIES, KINDS, SEED

from datakit.preflight.llamafactory.trainer import Options
from datakit.preflight.preflight import Question, judge_rows, prepare

FACTS = Path(__file__).with_name("llamafactory_facts.jsonl").read_text("utf-8").splitlines()


def name_of(fact: dict[str, Any]) -> str:
    return " ".join([fact["kind"], *(str(value) for value in fact["settings"].values())])


@pytest.mark.parametrize("fact", [pytest.param(f, id=name_of(f)) for f in map(json.loads, FACTS)])
def test_every_row_s_fate_is_foretold(fact: dict[str, Any], tiny: Path, tmp_path: Path) -> None:
    rows = KINDS[fact["kind"]][0](len(fact["rows"]), SEED)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "rows.jsonl").write_text(text, "utf-8")
    (tmp_path / "dataset_info.json").write_text(json.dumps({"rows": ENTRIES[fact["kind"]]}))
    settings = {**fact["settings"], "cutoff": fact["settings"]["cutoff_len"]}
    del settings["cutoff_len"]
    question = Question(run=tmp_path / "rows.jsonl", tokenizer=tiny, options=Options(**settings))

    verdicts = [row.verdict for row in judge_rows(question.run, prepare(question))]

    foretold = [
        [v.outcome, None, None]
        if v.outcome in ("stops", "dropped")
        else ["kept", v.kept, v.trained]
        for v in verdicts
    ]
    assert foretold == fact["rows"]
