"""Training a classifier: figures, seeds, what the card says, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from stages.classifiers import NEGATIVE, POSITIVE, make_texts, train_small, write_side

from datakit import api
from datakit.cli import main
from datakit.errors import DatakitError, UsageError
from datakit.report.training import measure_thresholds


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_small(folder)
    return folder


def test_what_is_easy_is_learnt_and_measured_on_other_records(tmp_path: Path) -> None:
    report = train_small(tmp_path, held_out=0.25)

    assert report.at(0.5).f1 > 0.95
    for trained, held in report.records.values():
        assert trained + held <= 300
        assert 0.15 < held / (trained + held) < 0.35
    assert f"best F1 {report.best.f1:.3f}" in report.render()


def test_the_same_seed_gives_the_same_model(trained: Path, tmp_path: Path) -> None:
    again, other = train_small(tmp_path), train_small(tmp_path, "other.bin", seed=7)

    assert (tmp_path / "model.bin").read_bytes() == (trained / "model.bin").read_bytes()
    assert again.sha256 != other.sha256


def test_the_card_says_what_the_model_learnt_from(trained: Path) -> None:
    card = json.loads((trained / "model.bin.json").read_text("utf-8"))

    assert (card["tokens"], card["label"], card["max_chars"]) == ("characters", "positive", 2000)
    assert card["settings"]["dim"] == 8
    assert card["data"]["negative"]["files"][0]["path"].endswith("negative.jsonl")
    assert len(card["data"]["positive"]["sha256"]) == 64
    assert card["held_out"][6]["threshold"] == 0.5


def test_equal_texts_are_never_on_both_sides_of_the_line(tmp_path: Path) -> None:
    """One text over and over: all of it is trained on, or all held out."""
    texts = make_texts(POSITIVE, 40, 1) + ["同一句话。"] * 200
    report = api.train_classifier(
        tmp_path / "m.bin",
        positive=[write_side(tmp_path / "p.jsonl", texts)],
        negative=[write_side(tmp_path / "n.jsonl", make_texts(NEGATIVE, 60, 2))],
        dim=4, epochs=1, buckets=10, held_out=0.3,
    )  # fmt: skip

    assert max(report.records["positive"]) >= 200


def test_sources_of_a_pipeline_go_through_its_stages(tmp_path: Path) -> None:
    write_side(tmp_path / "good.jsonl", make_texts(POSITIVE, 50, 1) + ["短"] * 30, "content")
    bad = write_side(tmp_path / "bad.jsonl", make_texts(NEGATIVE, 50, 2))
    pipeline = tmp_path / "p.toml"
    pipeline.write_text(
        f"""
[[source]]
name = "good"
path = "{tmp_path}/good.jsonl"
text = "content"
[[stage]]
use = "filter.length"
min_chars = 5
[[stage]]
use = "dedup.exact"
[output]
path = "{tmp_path}/out"
"""
    )
    report = api.train_classifier(
        tmp_path / "m.bin", pipeline=pipeline, positive=["good"], negative=[bad],
        dim=4, epochs=1, buckets=10, most_records=45,
    )  # fmt: skip

    assert {side: sum(records) for side, records in report.records.items()} == {
        "positive": 45,
        "negative": 45,
    }
    with pytest.raises(UsageError, match=r"sources of the pipeline: good"):
        api.train_classifier(
            tmp_path / "m.bin", pipeline=pipeline, positive=["goood"], negative=[bad]
        )


def test_too_few_records_are_refused(tmp_path: Path) -> None:
    few = write_side(tmp_path / "few.jsonl", make_texts(POSITIVE, 5, 1))
    many = write_side(tmp_path / "many.jsonl", make_texts(NEGATIVE, 50, 2))

    with pytest.raises(DatakitError, match="the positive side has 5 records"):
        api.train_classifier(tmp_path / "m.bin", positive=[few], negative=[many])
    with pytest.raises(UsageError, match="nowhere"):
        api.train_classifier(tmp_path / "m.bin", positive=["nowhere"], negative=[many])
    assert not (tmp_path / "m.bin").exists()


def test_thresholds_by_hand() -> None:
    rows = measure_thresholds(np.array([0.95, 0.5, 0.2]), np.array([0.6, 0.01]))

    half = next(row for row in rows if row.threshold == 0.5)
    assert (half.precision, half.recall, half.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert half.negatives_kept == 0.5
    assert (rows[-1].precision, rows[-1].recall, rows[-1].f1) == (0, 0, 0)


def test_the_command_prints_the_table(tmp_path: Path) -> None:
    positive = write_side(tmp_path / "p.jsonl", make_texts(POSITIVE, 60, 1), "content")
    negative = write_side(tmp_path / "n.jsonl", make_texts(NEGATIVE, 60, 2), "content")
    options = ["--text", "content", "--dim", "4", "--epochs", "5", "--buckets", "10"]

    sides = ["--positive", positive, "--negative", negative]
    result = CliRunner().invoke(
        main, ["train-classifier", str(tmp_path / "m.bin"), *sides, *options]
    )

    assert result.exit_code == 0, result.output
    assert "min_score  precision" in result.output
    assert (tmp_path / "m.bin.json").is_file()


def test_a_side_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    good = write_side(tmp_path / "p.jsonl", make_texts(POSITIVE, 40, 1))
    bad = write_side(tmp_path / "n.jsonl", make_texts(NEGATIVE, 40, 2))

    report = api.train_classifier(
        tmp_path / "m.bin", positive=[good, good], negative=[bad], dim=4, epochs=1, buckets=10
    )

    assert sum(report.records["positive"]) == 40
