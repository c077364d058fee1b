"""What is written is what the loader has: `datasets` always, a trainer where one is installed.

An interpreter with the trainer is named in the environment: DATAKIT_LLAMAFACTORY_PYTHON, likewise
DATAKIT_TRL_PYTHON and those of axolotl, swift, torchtune, nemo, mds. All layouts of a trainer on
2,000 conversations: `run_acceptance.py`.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from conversations import Inputs, base_conversations  # noqa: E402
from targets import TARGETS, Target, write  # noqa: E402

BY_DATASETS = ("llamafactory", "trl", "axolotl", "swift", "torchtune")
"""Trainers that load their files with `datasets`."""
INSTALLED = {
    name: os.environ[key]
    for name in (*BY_DATASETS, "nemo", "mds")
    if (key := f"DATAKIT_{name.upper()}_PYTHON") in os.environ
}
FIRST = {target.trainer: target for target in reversed(TARGETS)}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return base_conversations(Inputs(), tmp_path_factory.mktemp("base"), 120)


def test_the_conversations_are_of_all_kinds(records: list[dict[str, Any]]) -> None:
    messages = [record["messages"] for record in records]

    assert len(records) == 120
    assert any(len(each) > 4 for each in messages)
    assert any(each[0]["role"] == "system" for each in messages)
    assert sum("tools" in record for record in records) > 10
    assert any(m.get("tool_calls") for each in messages for m in each)


@pytest.mark.parametrize("target", [FIRST[name] for name in BY_DATASETS], ids=str)
def test_datasets_loads_every_row_of_a_trainer(
    target: Target, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    from datasets import load_dataset

    written = write(target, records, tmp_path / "run")
    rows = load_dataset(str(written.output / "train"), cache_dir=str(tmp_path / "cache"))["train"]

    assert rows.num_rows == len(written.records) > 20
    assert written.rejected == {}
    assert (written.output / f"{target.trainer}.yaml").exists()


@pytest.mark.parametrize("target", ["datasets", *INSTALLED])
def test_the_loader_has_every_answer(target: str, tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "run_acceptance.py"), "--target", target]
    python = INSTALLED.get(target, sys.executable)
    done = subprocess.run(
        [*command, "--records", "120", "--python", python],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )

    assert done.returncode == 0, done.stdout + done.stderr
