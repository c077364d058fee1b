"""augment.eda: what is protected stays, copies differ, settings, user's lists."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.stages.augment.eda import EdaAugment
from datakit.stages.augment.protected import find_protected, protected_patterns
from datakit.testing import run_stage

WORDS = (
    *("患者", "经常", "头痛", "、", "恶心", "，", "请问", "治疗", "怎么办", "不", "禁忌", "左侧"),
    *("0.5g", "每日三次", "阿莫西林", "aspirin", "5-10毫克", "呢", "？", "最近", "和", "两片"),
)
questions = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map("".join)


def copies_of(text: str, **given_settings: Any) -> list[str]:
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": "治疗"}]
    rows = run_stage(EdaAugment(**given_settings), [{"id": "x", "messages": messages}]).rows
    assert all(row["messages"][1]["content"] == "治疗" for row in rows)
    assert [row["id"] for row in rows] == ["x", *(f"x#{n}" for n in range(2, len(rows) + 1))]
    assert rows[0]["messages"][0]["content"] == text
    return [row["messages"][0]["content"] for row in rows[1:]]


def held(text: str) -> list[list[str]]:
    found = find_protected(pl.Series([text]), protected_patterns(["阿莫西林"]))
    return [lists[0].to_list() for lists in found]


@pytest.fixture(scope="module")
def drugs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eda") / "drugs"
    path.write_text("阿莫西林\n")
    return path


@pytest.mark.parametrize("careful", [True, False])
@settings(deadline=None, max_examples=25)
@given(text=questions)
def test_the_protected_stays_and_copies_differ(drugs: Path, text: str, careful: bool) -> None:
    copies = copies_of(text, copies=3, careful=careful, share=0.3, protected=(drugs,))

    assert all(held(copy) == held(text) for copy in copies)
    assert len({text, *copies}) == len(copies) + 1


@pytest.mark.parametrize(
    ("text", "numbers", "names"),
    [
        ("服0.5 g或5-10毫克", ["0.5 g", "5-10毫克"], []),
        ("每天两片，第三天停", ["两片", "第三天"], []),
        ("不能用aspirin，左侧痛", ["不", "aspirin", "左"], []),
        ("阿莫西林胶囊", ["莫"], ["阿莫西林"]),
    ],
)
def test_what_is_protected(text: str, numbers: list[str], names: list[str]) -> None:
    assert held(text) == [numbers, names]


def test_lists_may_have_any_number_of_names_with_any_signs(tmp_path: Path) -> None:
    names = [f"药(甲){number}-#&~" for number in range(30_000)]
    (tmp_path / "names").write_text("\n".join(names))

    copies = copies_of(f"患者服{names[77]}呢", protected=(tmp_path / "names",), copies=3)

    assert copies
    assert all(names[77] in copy for copy in copies)


def test_an_edit_that_changed_nothing_by_chance_is_tried_again() -> None:
    records = [
        {"id": f"r{n}", "messages": [{"role": "user", "content": "患者头痛"}]} for n in range(20)
    ]

    rows = run_stage(EdaAugment(operations=("swap",), careful=False), records).rows

    # Two words: each of four attempts takes the same one twice with a chance of a half.
    assert len(rows) > 20 + 15


def test_every_message_of_a_role_is_edited() -> None:
    messages = [
        {"role": "user", "content": "患者头痛"},
        {"role": "assistant", "content": "患者"},
        {"role": "user", "content": "患者恶心"},
    ]

    rows = run_stage(EdaAugment(operations=("synonym",)), [{"messages": messages}]).rows

    assert [m["content"] for m in rows[1]["messages"]] == ["病人头痛", "患者", "病人恶心"]


@settings(deadline=None, max_examples=15)
@given(st.lists(questions, max_size=5), st.integers(1, 3))
def test_no_copy_depends_on_the_batch(texts: list[str], rows: int) -> None:
    records = [{"messages": [{"role": "user", "content": text}]} for text in texts]

    def seen(batch_rows: int) -> list[Any]:
        found = run_stage(EdaAugment(copies=2), records, batch_rows=batch_rows).rows
        return [(row["id"], row["messages"]) for row in found]

    assert seen(rows) == seen(100)


def test_synonyms_of_a_list(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("Aa01A01= 心慌 心悸\n")

    assert copies_of("心慌", operations=("synonym",), synonyms=tmp_path / "s") == ["心悸"]


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"copies": 0}, "less than 1"),
        ({"operations": ()}, "there is none"),
        ({"share": 0.9}, "share"),
        ({"roles": ("human",)}, "unknown role"),
        ({"roles": ()}, "at least one"),
        ({"synonyms": Path("nowhere")}, "cannot be read"),
    ],
)
def test_settings_that_contradict(given_settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        EdaAugment(**given_settings)
