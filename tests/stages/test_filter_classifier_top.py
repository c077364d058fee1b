"""filter.classifier_top: exact shares, in any batches."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from classifiers import NEGATIVE, POSITIVE, make_texts, train_small

from datakit.errors import SettingsError
from datakit.stages.filter.classifier import ClassifierFilter
from datakit.stages.filter.classifier_top import ClassifierTop
from datakit.testing import run_stage

LID = Path(str(files("datakit"))) / "models" / "lid.176.ftz"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    train_small(folder)
    return folder / "model.bin"


def rows(positive: int, negative: int) -> list[dict[str, Any]]:
    texts = make_texts(POSITIVE, positive, 11) + make_texts(NEGATIVE, negative, 12)
    return [{"id": f"r{n}", "text": text} for n, text in enumerate(texts)]


def ids(outcome: Any) -> list[str]:
    return [row["id"] for row in outcome.rows]


@pytest.mark.parametrize(("keep", "count"), [(0.1, 10), (0.25, 25), (0.004, 0), (0.999, 100)])
def test_the_top_share_is_exact_in_any_batches(model: Path, keep: float, count: int) -> None:
    many = rows(30, 70)
    stage = ClassifierTop(model=model, keep=keep)

    outcome = run_stage(stage, many)

    scored = run_stage(ClassifierFilter(model=model, min_score=1), many).rejects
    scores = {reject["id"]: reject["values"]["score"] for reject in scored}
    order = sorted(range(100), key=lambda n: (-scores.get(f"r{n}", 1.0), n))
    assert ids(outcome) == [f"r{n}" for n in sorted(order[:count])]
    assert ids(run_stage(stage, many, batch_rows=9)) == ids(outcome)
    assert outcome.verdict[0]["kept"] == count
    assert (outcome.verdict[0]["lowest_score"] is None) == (count == 0)


def test_of_equal_scores_the_first_stay(model: Path) -> None:
    same = [{"id": f"r{n}", "text": "患者发热"} for n in range(10)]

    assert ids(run_stage(ClassifierTop(model=model, keep=0.3), same)) == ["r0", "r1", "r2"]


def test_shares_by_source(model: Path) -> None:
    many = [row | {"source": "a" if n < 20 else "b"} for n, row in enumerate(rows(20, 60))]

    outcome = run_stage(ClassifierTop(model=model, keep=0.5, per_source=True), many, batch_rows=20)

    kept = [row["source"] for row in outcome.rows]
    assert (kept.count("a"), kept.count("b")) == (10, 30)
    assert [row["group"] for row in outcome.verdict] == ["a", "b"]


@pytest.mark.parametrize("keep", [0, 1, -0.1])
def test_a_share_is_between_0_and_1(keep: float) -> None:
    with pytest.raises(SettingsError, match="keep"):
        ClassifierTop(model=LID, label="de", keep=keep)
