"""filter.language and annotate.language: settings, models, and what the two agree on."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from datakit.errors import DatakitError, SettingsError
from datakit.stages.annotate.language import LanguageAnnotation
from datakit.stages.filter.language import LanguageFilter
from datakit.testing import run_stage
from datakit.text.excerpts import take_excerpts
from datakit.text.languages import LID_176


@pytest.mark.parametrize(
    "note",
    [
        "患者WBC 15.6×10^9/L，NEU% 89.1%，hs-CRP 78mg/L，PCT 1.2ng/mL",
        "阿莫西林克拉维酸钾 (Amoxicillin and Clavulanate Potassium) 0.625g tid po",
        "FOLFOX6方案：Oxaliplatin 85mg/m² d1，Leucovorin 400mg/m² d1，5-FU 400mg/m² iv bolus",
        "HBsAg(+) HBeAg(-) HBV-DNA 3.2E+04 IU/mL ALT 85U/L AST 62U/L，恩替卡韦 ETV 0.5mg qd",
        "EKG: AF, LBBB; UCG: LVEF 35%, LVEDD 62mm, BNP 2300pg/mL。扩心病，心功能III级",
    ],
)
def test_notes_full_of_drug_names_and_codes_stay(note: str) -> None:
    outcome = run_stage(LanguageFilter(keep=("zh",)), [{"text": note}])

    assert not outcome.rejects


def test_the_columns_are_what_the_filter_goes_by() -> None:
    rows = [{"text": t} for t in ("患者", "A fever for three days.", "佢唔係", "12", "体後體")]

    rejects = run_stage(LanguageFilter(keep=("ja",)), rows).rejects
    annotated = run_stage(LanguageAnnotation(), rows).rows

    values = [reject["values"] for reject in rejects]
    assert [(v["lang"], v["score"], v["script"]) for v in values] == [
        (row["lang"], row["lang_score"], row["lang_script"]) for row in annotated
    ]


def test_excerpts_are_cut_at_characters() -> None:
    texts = pl.Series(["一二三四五六七八九十", "ab", None, "😀é" * 5])

    assert take_excerpts(texts, 9).to_list() == [
        "一二三\n四五六\n八九十",
        "ab",
        "",
        "😀é😀\né😀é\né😀é",
    ]
    assert take_excerpts(texts, 0).to_list() == ["一二三四五六七八九十", "ab", "", "😀é" * 5]


def test_every_label_of_the_model_can_be_kept() -> None:
    assert len(LID_176) == 176
    LanguageFilter(keep=tuple(LID_176))


@pytest.mark.parametrize(
    ("key", "chosen", "hint"),
    [
        ("keep", {"keep": ("cn",)}, "did you mean 'zh'"),
        ("keep", {"keep": ()}, "such as"),
        ("min_score", {"min_score": 50.0}, ""),
        ("max_chars", {"max_chars": -1}, ""),
        ("model", {"model": Path("no/such/model.bin")}, ""),
        ("model", {"model": Path(__file__)}, ""),
    ],
)
def test_wrong_settings_are_refused(key: str, chosen: dict[str, Any], hint: str) -> None:
    kinds = (
        [LanguageFilter] if key in ("keep", "min_score") else [LanguageFilter, LanguageAnnotation]
    )
    for kind in kinds:
        with pytest.raises(SettingsError) as caught:
            kind(**chosen)

        assert caught.value.key == key
        assert hint in caught.value.hint


def test_a_broken_model_is_named(tmp_path: Path) -> None:
    bundled = files("datakit") / "models" / "lid.176.ftz"
    (tmp_path / "model.ftz").write_bytes(bundled.read_bytes()[:100_000])

    with pytest.raises(DatakitError, match=r"model\.ftz: it ends too early"):
        run_stage(LanguageAnnotation(model=tmp_path / "model.ftz"), [{"text": "plain text"}])
