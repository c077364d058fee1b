"""The showcase writes the same bytes whatever the workers, the executor and the shard size."""

import os
from pathlib import Path

import pytest
from executors.kill_runs import kill_runs, output_digest

import datakit

ROOT = Path(__file__).parents[1]
PIPELINE = ROOT / "pipelines" / "medical.toml"


@pytest.fixture(scope="module", autouse=True)
def _in_the_project() -> object:
    before = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(before)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("reference")
    report = datakit.run(PIPELINE, output=folder, executor="local", workers=1)

    assert report.is_balanced
    assert {file.split for file in report.files} == {"train", "val", "test"}
    return output_digest(folder)


@pytest.mark.parametrize(
    ("executor", "workers", "shard_bytes"),
    [
        ("local", 1, "64 KiB"),
        ("local", 1, "64 MiB"),
        ("pool", 1, "1 MiB"),
        ("pool", 2, "64 KiB"),
        ("pool", 2, "64 MiB"),
        ("pool", 4, "1 MiB"),
    ],
)
def test_same_bytes(
    reference: str, tmp_path: Path, executor: str, workers: int, shard_bytes: str
) -> None:
    datakit.run(
        PIPELINE,
        output=tmp_path,
        executor=executor,
        workers=workers,
        overrides=[f"pipeline.shard_bytes={shard_bytes}"],
    )

    assert output_digest(tmp_path) == reference


def test_a_killed_run_ends_with_the_same_bytes() -> None:
    """A few kills here; `tests/executors/kill_runs.py` does any number."""
    outcome = kill_runs(PIPELINE, kills=4, seed=7)

    assert outcome.is_equal
    assert outcome.main_kills + outcome.worker_kills == 4
