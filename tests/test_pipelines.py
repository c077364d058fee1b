"""Each file in pipelines/ works as it stands, and what it writes loads with every row."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import datakit
from datakit.report.report import Report

ROOT = Path(__file__).parents[1]


@pytest.fixture(
    scope="module", params=sorted((ROOT / "pipelines").glob("*.toml")), ids=lambda p: p.stem
)
def report(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Report]:
    before = Path.cwd()
    os.chdir(ROOT)
    yield datakit.run(request.param, output=tmp_path_factory.mktemp(request.param.stem))
    os.chdir(before)


def test_the_books_balance(report: Report) -> None:
    assert report.rows_in == report.rows_out + report.rows_rejected - report.copies
    assert report.rows_out > 0


def test_every_reject_stands_in_a_file_with_its_reason(report: Report) -> None:
    rejects = Path(report.output) / "_datakit" / "rejects"
    lines = [line for path in rejects.glob("*.jsonl") for line in path.read_text().splitlines()]

    assert len(lines) == report.rows_rejected


def test_all_rows_of_all_splits_load(report: Report, tmp_path: Path) -> None:
    from datasets import load_dataset

    files = {f.split: str(Path(report.output) / f.path) for f in report.files}
    loaded = load_dataset("json", data_files=files, cache_dir=str(tmp_path))

    assert {split: rows.num_rows for split, rows in loaded.items()} == {
        f.split: f.rows for f in report.files
    }
    [features] = {tuple(rows.column_names) for rows in loaded.values()}
    assert features in (("messages",), ("text",))


def test_a_split_folder_loads_as_a_folder(report: Report, tmp_path: Path) -> None:
    from datasets import load_dataset

    train = load_dataset(str(Path(report.output) / "train"), cache_dir=str(tmp_path), split="train")

    assert train.num_rows == sum(f.rows for f in report.files if f.split == "train")
