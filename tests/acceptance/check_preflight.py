"""Whether `datakit preflight` foretells what LLaMA-Factory's own loader does, row by row.

    python tests/acceptance/check_preflight.py --python /path/to/venv/bin/python

The venv has LLaMA-Factory 0.9.5 (`pip install llamafactory==0.9.5`, torch for the CPU). 1,000
broken rows of each kind, with every template that is told apart; nothing is downloaded: the
tokenizer is made here, unless `--tokenizer` names a model's folder. `--record FILE` writes down
what the loader did, for the test that needs no LLaMA-Factory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broken_rows import ENTRIES, KINDS, SEED

from datakit.preflight.llamafactory.trainer import Options
from datakit.preflight.preflight import Question, judge_rows, prepare


@dataclass(frozen=True)
class Trial:
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}, {', '.join(f'{k}={v}' for k, v in self.settings.items())}"


TRIALS = [
    *(
        Trial("sharegpt", {"template": template, "cutoff_len": cutoff})
        for template, cutoff in [
            *(("qwen", 4096), ("qwen", 256), ("qwen", 40), ("qwen3", 256), ("llama3", 256)),
            *(("mistral", 256), ("deepseek3", 256), ("deepseekr1", 256), ("glm4", 256)),
            *(("glm4_moe", 60), ("chatml", 256), ("default", 256), ("alpaca", 256)),
            *(("empty", 256), ("llama2", 256), ("deepseek", 256), ("qwen3_nothink", 256)),
        ]
    ),
    Trial("sharegpt", {"template": "qwen", "cutoff_len": 200, "mask_history": True}),
    Trial("sharegpt", {"template": "qwen3", "cutoff_len": 200, "mask_history": True}),
    Trial("sharegpt", {"template": "qwen3", "cutoff_len": 200, "enable_thinking": False}),
    Trial("sharegpt", {"template": "qwen", "cutoff_len": 200, "train_on_prompt": True}),
    Trial("alpaca", {"template": "qwen", "cutoff_len": 256}),
    Trial("alpaca", {"template": "glm4", "cutoff_len": 100}),
    Trial("preference", {"template": "qwen", "cutoff_len": 256}),
    Trial("preference", {"template": "qwen3", "cutoff_len": 256}),
    Trial("preference", {"template": "glm4_moe", "cutoff_len": 256}),
    Trial("feedback", {"template": "qwen", "cutoff_len": 256}),
    Trial("feedback", {"template": "qwen3", "cutoff_len": 128}),
    Trial("text", {"template": "qwen", "cutoff_len": 256, "packing": False}),
]


def write_trial(trial: Trial, folder: Path, rows: int) -> Path:
    """The rows and their `dataset_info.json`."""
    folder.mkdir()
    made = KINDS[trial.kind][0](rows, SEED)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    (folder / "rows.jsonl").write_text(text, "utf-8")
    entry = {"rows": {"file_name": "rows.jsonl", **ENTRIES[trial.kind]}}
    (folder / "dataset_info.json").write_text(json.dumps(entry), "utf-8")
    return folder / "rows.jsonl"


def compare(forecast: list[dict[str, Any]], fact: dict[str, Any]) -> list[str]:
    """What differs between forecast and fact."""
    print(f"  {dict(Counter(row['outcome'] for row in forecast))}")
    faults = [
        f"row {n}: foretold {a}, found {b}"
        for n, (a, b) in enumerate(zip(forecast, fact["rows"], strict=True), 1)
        if not is_same(a, b)
    ]
    whole = [row for row in forecast if row["outcome"] not in ("stops", "dropped")]
    if len(whole) != len(fact["whole"]):
        return [*faults, f"foretold {len(whole)} rows, the loader made {len(fact['whole'])}"]
    pairs = zip(whole, fact["whole"], strict=True)
    return [*faults, *(f"{a}, the loader made {b}" for a, b in pairs if not is_same(a, b))]


def is_same(forecast: dict[str, Any], fact: dict[str, Any]) -> bool:
    if fact["outcome"] != "kept":
        return bool(forecast["outcome"] == fact["outcome"])
    taken = forecast["outcome"] not in ("stops", "dropped")
    return taken and all(forecast[key] == fact[key] for key in ("kept", "trained"))


def foretell(trial: Trial, data: Path, tokenizer: Path) -> list[dict[str, Any]]:
    settings = {**trial.settings, "cutoff": trial.settings["cutoff_len"]}
    del settings["cutoff_len"]
    question = Question(run=data, tokenizer=tokenizer, options=Options(**settings))
    verdicts = [row.verdict for row in judge_rows(data, prepare(question))]
    return [
        {"outcome": v.outcome, "reason": v.reason, "kept": v.kept, "trained": v.trained}
        for v in verdicts
    ]


def load(trials: list[Trial], folder: Path, python: str, tokenizer: Path) -> list[dict[str, Any]]:
    """What LLaMA-Factory does with the rows of each trial."""
    jobs = [
        {
            "folder": str(folder / str(number)),
            "stage": KINDS[trial.kind][1],
            "tokenizer": str(tokenizer),
            "settings": trial.settings,
            "result": str(folder / f"{number}.json"),
        }
        for number, trial in enumerate(trials)
    ]
    (folder / "jobs.json").write_text(json.dumps(jobs), "utf-8")
    script = Path(__file__).with_name("llamafactory_loader.py")
    done = subprocess.run(
        [python, str(script), str(folder / "jobs.json")],
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"LLaMA-Factory failed:\n{done.stderr[-3000:]}")
    return [json.loads(Path(job["result"]).read_text("utf-8")) for job in jobs]


def record(path: Path, trials: list[Trial], facts: list[dict[str, Any]]) -> None:
    """Write down the facts: a list of outcome, tokens left and tokens trained for each row."""
    lines = [
        json.dumps(
            {
                "kind": trial.kind,
                "settings": trial.settings,
                "rows": [[r["outcome"], r.get("kept"), r.get("trained")] for r in fact["rows"]],
            }
        )
        for trial, fact in zip(trials, facts, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="Python of the venv with LLaMA-Factory")
    parser.add_argument("--tokenizer", type=Path, help="a model's folder with tokenizer.json")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--only", default="", help="trials whose name holds this")
    parser.add_argument("--record", type=Path, help="file to write the facts to")
    asked = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[1]))
    from tiny_tokenizer import write_tokenizer

    trials = [trial for trial in TRIALS if asked.only in str(trial)]
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer = asked.tokenizer or write_tokenizer(folder / "tokenizer")
        files = [write_trial(t, folder / str(n), asked.rows) for n, t in enumerate(trials)]
        forecasts = [foretell(t, f, tokenizer) for t, f in zip(trials, files, strict=True)]
        facts = load(trials, folder, asked.python, tokenizer)
    for trial, forecast, fact in zip(trials, forecasts, facts, strict=True):
        print(trial)
        faults = compare(forecast, fact)
        wrong += len(faults)
        print("\n".join(f"  {fault}" for fault in faults[:10]) or "  as foretold")
    if asked.record:
        record(asked.record, trials, facts)
    raise SystemExit(f"{wrong} differences" if wrong else 0)


if __name__ == "__main__":
    main()
