"""datakit fit: thresholds at quantiles of a reference, the same however it is read."""

import json
from pathlib import Path

import pytest

from datakit import api
from datakit.errors import PipelineFileError, UsageError
from datakit.presets.load import load_preset, parse_preset
from datakit.presets.write import preset_toml
from datakit.stages.filter.quality import QualityFilter
from datakit.testing import run_stage

OWN = """
title = "lengths"
[rules]
short = { signal = "chars", above = 3, note = "x" }
long = { signal = "chars", below = 9999, when = "han > 0", source = "elsewhere", check = "P" }
wide = { signal = "2 * lines + 1", max = 7, unit = "lines" }
latin = { signal = "upper", max = 0.5 }
"""


def write(path: Path, texts: list[str]) -> Path:
    lines = [json.dumps({"id": str(n), "text": text}) for n, text in enumerate(texts)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.toml").write_text(OWN)
    return str(tmp_path / "own.toml")


def test_thresholds_are_quantiles_of_the_records_a_rule_applies_to(tmp_path: Path, own: str):
    texts = ["中" * n for n in range(1, 101)] + ["a" * 5000]
    path = write(tmp_path / "reference.jsonl", texts)

    fitted = api.fit(path, like=own, tail=0.05)

    rules = {rule.name: (rule.bound, rule.threshold) for rule in fitted.preset.rules}
    assert rules == {
        "short": ("min", 6.0),
        "long": ("max", 95.0),
        "wide": ("max", 7.0),
        "latin": ("max", 0.5),
    }
    assert fitted.records == 101
    assert fitted.rejected == pytest.approx(10 / 101)


def test_no_rule_rejects_more_than_the_tail_and_the_file_can_be_used(tmp_path: Path):
    texts = [f"第{n}次复查，血压{100 + n}/8{n % 10}，" + "服药。" * (n % 13) for n in range(200)]
    path = write(tmp_path / "reference.jsonl", texts)

    fitted = api.fit(path, tail=0.02)

    file = tmp_path / "mine.toml"
    file.write_text(fitted.toml())
    names = [rule.name for rule in fitted.preset.rules]
    rows = [{"text": text} for text in texts]
    for name in names:
        alone = QualityFilter(preset=str(file), skip=tuple(n for n in names if n != name))
        assert len(run_stage(alone, rows).rejects) <= 0.02 * len(texts), name
    whole = run_stage(QualityFilter(preset=str(file)), rows)
    assert len(whole.rejects) == round(fitted.rejected * len(texts))


def test_a_rule_that_all_of_the_reference_breaks_is_fitted_too(tmp_path: Path):
    preset = tmp_path / "own.toml"
    rules = 'lines = { signal = "lines", min = 3 }\nlatin = { signal = "upper", max = 0.5 }'
    preset.write_text(f"[rules]\n{rules}\n")
    path = write(tmp_path / "reference.jsonl", [f"只有一行{n}" for n in range(50)])

    fitted = api.fit(path, like=str(preset))

    assert [(rule.bound, rule.threshold) for rule in fitted.preset.rules] == [
        ("min", 1.0),
        ("max", 0.5),
    ]
    assert fitted.rejected == 0


def test_the_sample_depends_on_ids_alone(tmp_path: Path, own: str):
    path = write(tmp_path / "all.jsonl", ["中" * (n % 37 + 1) for n in range(300)])
    lines = path.read_text().splitlines()
    for part in range(3):
        (tmp_path / f"part{part}.jsonl").write_text("\n".join(lines[part::3]))
    pipeline = tmp_path / "pipeline.toml"
    pipeline.write_text(
        "[[source]]\nname = 'n'\npath = 'all.jsonl'\nid = 'id'\n[output]\npath = 'out'\n"
    )

    one, parted = (
        api.fit(
            pipeline, like=own, sample=20, relative_to_file=True, overrides=[f"source.n.path={p}"]
        )
        for p in (path, tmp_path / "part*.jsonl")
    )

    assert one.records == parted.records == 20
    assert one.preset.rules == parted.preset.rules


def test_a_written_preset_reads_back_the_same(own: str):
    preset = load_preset(own)

    assert parse_preset("own", preset_toml(preset), file="own.toml") == preset


def test_a_pipeline_file_gives_its_sources(tmp_path: Path, own: str):
    path = write(tmp_path / "notes.jsonl", ["中文" * n for n in range(1, 9)])
    pipeline = tmp_path / "pipeline.toml"
    pipeline.write_text(
        f"[[source]]\nname = 'notes'\npath = {json.dumps(str(path))}\n[output]\npath = 'out'\n"
    )

    fitted = api.fit(pipeline, like=own)

    assert fitted.records == 8
    assert "notes" in fitted.preset.title


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"tail": 0.7}, "tail"), ({"sample": 0}, "sample"), ({"like": "gopher"}, "gopher-en")],
)
def test_a_wrong_argument_is_told(tmp_path: Path, settings: dict, message: str):
    path = write(tmp_path / "reference.jsonl", ["中文"])

    with pytest.raises(UsageError, match=message):
        api.fit(path, **settings)


def test_a_reference_without_text_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="no record of files has a text"):
        api.fit(write(tmp_path / "reference.jsonl", [""]))


def test_records_of_a_pipeline_are_measured_behind_its_formatters(tmp_path: Path, own: str):
    rows = [{"q": "问" * n, "a": "答" * 5} for n in range(1, 9)]
    (tmp_path / "qa.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = f'[[source]]\nname = "qa"\npath = "{tmp_path}/qa.jsonl"\n'
    source += 'fields = { instruction = "q", output = "a" }\n'
    pipeline = tmp_path / "pipeline.toml"
    output = '[output]\npath = "out"\nformat = "messages"\n'
    pipeline.write_text(f'{source}[[stage]]\nuse = "format.instruct"\n{output}')
    without = tmp_path / "without.toml"
    without.write_text(f'{source}[output]\npath = "out"\nformat = "jsonl"\nlayout = "records"\n')

    assert api.fit(pipeline, like=own).records == 8
    with pytest.raises((UsageError, PipelineFileError), match="qa"):
        api.fit(without, like=own)
