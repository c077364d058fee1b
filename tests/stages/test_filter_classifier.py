"""filter.classifier, by a model trained here and by lid.176.ftz."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from classifiers import NEGATIVE, POSITIVE, make_texts, train_small

from datakit.errors import DatakitError, SettingsError
from datakit.executors.digests import settings_of
from datakit.stages.filter.classifier import ClassifierFilter
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


def test_low_scores_go_with_their_score(model: Path) -> None:
    outcome = run_stage(ClassifierFilter(model=model, min_score=0.5), rows(20, 20))

    assert ids(outcome) == [f"r{n}" for n in range(20)]
    assert set(outcome.reasons) == {"low_score"}
    values = outcome.rejects[0]["values"]
    assert values["label"] == "positive"
    assert values["score"] < values["min_score"] == 0.5


def test_conversations_and_records_without_text(model: Path) -> None:
    said = [
        {"role": "user", "content": "患者发热，咳嗽，舌红"},
        {"role": "assistant", "content": "服药"},
    ]
    mixed = [{"id": "a", "messages": said}, {"id": "b"}, {"id": "c", "messages": []}]

    outcome = run_stage(ClassifierFilter(model=model, min_score=0.5), mixed)

    assert ids(outcome) == ["a"]
    assert [reject["values"]["score"] for reject in outcome.rejects] == [0.0, 0.0]


@pytest.mark.parametrize("tokens", ["characters", "jieba"])
def test_the_card_decides_how_a_text_is_shown(tokens: str, tmp_path: Path) -> None:
    train_small(tmp_path, tokens=tokens, max_chars=500)

    stage = ClassifierFilter(model=tmp_path / "model.bin", min_score=0.5)

    assert (stage.tokens, stage.max_chars, stage.label) == (tokens, 500, "positive")
    assert settings_of(stage)["tokens"] == tokens
    assert len(run_stage(stage, rows(10, 10)).rows) == 10


def test_pareto_keeps_some_of_the_low_scores_the_same_each_time(model: Path) -> None:
    many = rows(200, 2000)
    stage = ClassifierFilter(model=model, pareto=9, seed=1)

    outcome = run_stage(stage, many)

    low = [int(i[1:]) for i in ids(outcome) if int(i[1:]) >= 200]
    # P(pareto(9) > 1) is 2**-9 of the hopeless: about 4 of 2,000.
    assert 1 <= len(low) <= 60
    assert len(ids(outcome)) - len(low) > 150
    assert set(outcome.reasons) == {"not_drawn"}
    assert ids(outcome) == ids(run_stage(stage, many, batch_rows=77))
    assert ids(outcome) != ids(run_stage(ClassifierFilter(model=model, pareto=9, seed=2), many))


def test_any_classifier_of_fasttext_will_do() -> None:
    texts = [{"text": "The patient has a fever."}, {"text": "Der Patient hat Fieber."}]

    outcome = run_stage(ClassifierFilter(model=LID, label="de", min_score=0.5), texts)

    assert [row["text"] for row in outcome.rows] == ["Der Patient hat Fieber."]
    with pytest.raises(DatakitError, match="has no label 'german'"):
        run_stage(ClassifierFilter(model=LID, label="german", min_score=0.5), texts)


@pytest.mark.parametrize(
    ("key", "chosen"),
    [
        ("min_score", {}),
        ("min_score", {"min_score": 0.5, "pareto": 9}),
        ("min_score", {"min_score": 1.5}),
        ("pareto", {"pareto": 0}),
        ("label", {"min_score": 0.5, "label": None}),
        ("max_chars", {"min_score": 0.5, "max_chars": -1}),
        ("model", {"min_score": 0.5, "model": Path("no.bin")}),
        ("model", {"min_score": 0.5, "model": Path(__file__)}),
    ],
)
def test_wrong_settings_are_refused(key: str, chosen: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        ClassifierFilter(**{"model": LID, "label": "de"} | chosen)
    assert caught.value.key == key


def test_a_label_that_the_card_does_not_know_is_refused(model: Path) -> None:
    with pytest.raises(SettingsError, match="has no label 'good'"):
        ClassifierFilter(model=model, label="good", min_score=0.5)


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"tokens": "words", "max_chars": 1, "label": "x"}', "[]"]
)
def test_a_broken_card_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "m.ftz").write_bytes(LID.read_bytes())
    (tmp_path / "m.ftz.json").write_text(content)

    with pytest.raises(SettingsError, match="is no card"):
        ClassifierFilter(model=tmp_path / "m.ftz", min_score=0.5)
