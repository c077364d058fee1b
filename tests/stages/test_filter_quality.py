"""filter.quality: what is refused before any data is read, and what does not depend on chance."""

import pickle
from dataclasses import asdict
from pathlib import Path

import pytest

from datakit.errors import DatakitError, SettingsError
from datakit.presets.load import load_preset, preset_names
from datakit.records import CONTENT
from datakit.signals import columns_named
from datakit.stages.filter.quality import QualityFilter
from datakit.testing import run_stage
from datakit.text.signal_catalogue import SIGNALS


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_on_signals_there_are_and_cites_its_source(name: str) -> None:
    preset = load_preset(name)

    QualityFilter(preset=name)
    assert preset.title
    assert preset.languages
    assert preset.source
    for rule in preset.rules:
        assert set(columns_named(rule.signal, rule.when)) <= SIGNALS.keys()
        assert rule.source
        assert rule.check
        assert rule.unit or rule.signal in SIGNALS


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({}, "preset", "no rule"),
        ({"preset": "fineweb2zh"}, "preset", "did you mean 'fineweb2-zh'"),
        ({"preset": "no/such.toml"}, "preset", "no preset file"),
        ({"preset": ["gopher-en", "gopher-en"]}, "preset", "twice"),
        ({"preset": "gopher-en", "override": {"too_few_wrods": 3}}, "override", "too_few_wrods"),
        ({"preset": "gopher-en", "skip": ["c4-en.lines"]}, "skip", "c4-en.lines"),
        ({"rules": {"wrong": "words >"}}, "rules", "unable to parse"),
        ({"rules": {"wrong": "words > AVG(words)"}}, "rules", "each record by itself"),
        ({"preset": "gopher-en", "roles": ["bot"]}, "roles", "'bot'"),
    ],
)
def test_a_mistake_is_told_at_its_setting(settings: dict, key: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        QualityFilter(**settings)

    assert caught.value.key == key
    assert message in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules = 3", "no table [rules]"),
        ("[rules]\na = 3", "rule 'a': it is no table"),
        ('[rules]\na = { signal = "words" }', "exactly one of min, max"),
        ('[rules]\na = { signal = "words", min = 1, max = 2 }', "exactly one of min, max"),
        ('[rules]\na = { signal = "words", min = "x" }', "min is no number"),
        ('[rules]\na = { sgnal = "words", min = 1 }', "did you mean 'signal'"),
        ('[rules]\na = { signal = "wrods", min = 1 }', "names 'wrods', which is no signal"),
        ('tilte = "x"\n[rules]\na = { signal = "words", min = 1 }', "did you mean 'title'"),
        ("[rules", "preset"),
    ],
)
def test_a_wrong_preset_file_is_refused_with_the_place(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)

    with pytest.raises(SettingsError) as caught:
        QualityFilter(preset=path)

    assert message in f"{caught.value} {caught.value.hint}"
    assert "own" in str(caught.value)


def test_a_preset_file_changes_what_the_stage_is(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[rules]\nshort = { signal = "chars", min = 3, when = "han > 0" }')
    stage = QualityFilter(preset=str(path))

    outcome = run_stage(stage, [{"text": "ab"}, {"text": "中"}, {"text": "中文字"}])

    assert outcome.reasons == ["own.short"]
    assert outcome.rejects[0]["values"]["rule"] == "chars >= 3 where han > 0"
    path.write_text('[rules]\nshort = { signal = "chars", min = 2 }')
    assert asdict(QualityFilter(preset=str(path))) != asdict(stage)


def test_needs_are_content_and_the_columns_of_own_rules() -> None:
    rules = {"a": "words > 1 AND score > 2"}

    assert QualityFilter(rules=rules).needs == {CONTENT, "score"}
    assert QualityFilter(rules=rules, only_lang=("zh",)).needs == {CONTENT, "score", "lang"}
    assert QualityFilter(rules=rules, reuse=True).needs == {CONTENT, "score", "words"}


def test_a_rule_that_does_not_fit_its_column_is_an_error_with_its_name() -> None:
    with pytest.raises(DatakitError, match="'odd'"):
        run_stage(QualityFilter(rules={"odd": "n LIKE '%1%'"}), [{"text": "a", "n": 1}])


def test_what_cannot_be_told_does_not_reject() -> None:
    rows = [{"text": "a", "n": None}, {"text": "", "n": 3}, {"text": None, "n": 1}]

    outcome = run_stage(QualityFilter(rules={"n": "n >= 2"}), rows)

    assert [row["n"] for row in outcome.rows] == [None, 3]


def test_verdicts_do_not_depend_on_the_batch_and_the_stage_travels() -> None:
    rows = [{"text": "血压 120/80。" * n + "x" * (n % 7)} for n in range(24)]
    stage = pickle.loads(pickle.dumps(QualityFilter(preset=("gopher-en", "fineweb2-zh"))))

    together = run_stage(stage, rows)

    assert run_stage(stage, rows, batch_rows=5).rejects == together.rejects
    assert len(set(together.reasons)) > 1
