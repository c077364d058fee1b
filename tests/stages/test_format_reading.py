"""format.reading: what connectives give away, limits, forms, settings, books of a run."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datakit
from datakit.errors import SettingsError
from datakit.stages.format.reading import ReadingFormat
from datakit.testing import run_stage

BASE = "规律的运动可以改善心肺功能和睡眠质量。"
EN = "Regular physical exercise improves the function of the heart and lungs. "
PIECES = (
    BASE,
    "因此，医生常常建议慢性病人坚持适量的运动。",
    "但是，过量的运动可能会造成关节和肌肉的损伤。",
    "此外，合理的饮食对于控制体重也有很大的作用。",
    "糖尿病是一种以高血糖为特征的代谢性疾病。",
    "由于长期缺乏运动，人的心肺功能会逐渐下降。\n",
    EN,
    "Therefore, doctors often advise patients with chronic disease to exercise. ",
    "| a | b |\n",
)
documents = st.lists(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), max_size=7)


def tasks_of(text: str, **given_settings: Any) -> list[tuple[str, str]]:
    rows = run_stage(ReadingFormat(**given_settings), [{"text": text}]).rows
    return [(m[0]["content"], m[1]["content"]) for m in (row["messages"] for row in rows)]


@pytest.mark.parametrize(
    ("text", "kind", "answer"),
    [
        (BASE + PIECES[1], "relation", "因果"),
        (BASE + PIECES[2], "relation", "转折"),
        (BASE + PIECES[3], "relation", "补充"),
        (EN + PIECES[7], "relation", "Consequence"),
        (
            EN + "However, too much of it may well harm the joints and the muscles.",
            "relation",
            "Contr",
        ),
        (
            EN + "Moreover, a good diet helps most patients to control their weight.",
            "relation",
            "Add",
        ),
        ("The patient could not walk because he had broken his leg.", "cause", "his leg"),
        (PIECES[5], "cause", "心肺功能"),
        ("由於長期缺乏運動，人的心肺功能會逐漸下降。", "cause", "心肺功能"),
        ("Anaemia refers to a lack of red blood cells.", "definition", "Anaemia refers"),
        ("高血压的饮食调理\n" + BASE * 4, "title", "高血压的饮食调理"),
    ],
)
def test_what_gives_a_task_away(text: str, kind: str, answer: str) -> None:
    ((question, found),) = tasks_of(text, kinds=(kind,))[:1]

    assert answer in found or (kind in ("cause", "title") and answer in question)


def test_marks_of_a_heading_are_no_part_of_the_title() -> None:
    ((_, answer),) = tasks_of("  ## 饮食调理 \r\n\r\n" + BASE * 4, kinds=("title",))

    assert answer == "饮食调理"


@pytest.mark.parametrize(
    "text",
    [
        BASE.rstrip("。") + "\n" + PIECES[1],
        BASE + "\n" + PIECES[1],
        "这样好吗，大家都想知道这个问题的答案？" + PIECES[1],
        "这是一种以高血糖为特征的代谢性疾病。",
        "短句。" + PIECES[1],
    ],
)
def test_what_gives_none_away(text: str) -> None:
    assert run_stage(ReadingFormat(kinds=("relation", "definition")), [{"text": text}]).rows == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("由于长期缺乏运动，他的心肺功能逐渐下降。", "cause"),
        ("長期缺乏運動的情況很多見，由於體重增加，因此人的心肺功能逐漸下降。", "cause"),
        ("病人长期缺乏运动的情况很多见，所以建议病人及早到医院进行检查。", "cause"),
        ("钱财本来就是粪土一样的东西焉，因此人要得到钱财时梦见脏物。", "cause"),
        ("It speeds up the execution of programs because the copies are prevented.", "cause"),
        ("The pursuit of happiness is successful only because of constant effort.", "cause"),
        ("Experts think that the disease spreads because the water is not clean.", "cause"),
        ("The number of cases (so far has risen because the water) is not clean.", "cause"),
        ("首先癫痫是一种由大脑神经元异常引起的慢性疾病。", "definition"),
        ("当列被定义为复合索引时，多值部分可以出现在任意位置。", "definition"),
        ("癫痫是一种断然不可治好的疾病，需要长期服药。", "definition"),
        ("File descriptor that refers to the device that is to be tested.", "definition"),
        ("Targeted therapy     Targeted therapy is a type of treatment with drugs.", "definition"),
        ("参考文献\n" + BASE * 4, "title"),
        ("# 标题行\n\n" + BASE * 5, "title"),
        ("##感冒\n\n" + BASE * 5, "title"),
        ("感冒  \n\n" + BASE * 5, "title"),
        ("使用指南\n########\n" + BASE * 4, "title"),
        ("高血压的饮食调理\n" + "心肺功能\n饮食\n" * 9 + BASE * 2, "title"),
    ],
)
def test_what_would_be_a_wrong_task(text: str, kind: Any) -> None:
    assert run_stage(ReadingFormat(kinds=(kind,)), [{"text": text}]).rows == []


@settings(deadline=None, max_examples=10)
@given(documents, st.sampled_from(["tasks", "conversation", "text"]), st.integers(1, 3))
def test_no_task_depends_on_the_batch(texts: list[str], form: str, rows: int) -> None:
    stage = ReadingFormat(form=form, without="keep")  # type: ignore[arg-type]
    records = [{"text": text} for text in texts]

    def seen(batch_rows: int) -> list[dict[str, Any]]:
        found = run_stage(stage, records, batch_rows=batch_rows).rows
        return [{k: row.get(k) for k in ("id", "text", "messages")} for row in found]

    assert seen(rows) == seen(100)


@settings(deadline=None, max_examples=10)
@given(documents, st.integers(1, 3), st.integers(1, 4))
def test_limits_hold(texts: list[str], per_kind: int, most: int) -> None:
    stage = ReadingFormat(kinds=("relation", "definition"), per_kind=per_kind, max_tasks=most)
    for text in texts:
        outcome = run_stage(stage, [{"text": text}])
        assert len(outcome.rows) <= min(most, 2 * per_kind)
        assert bool(outcome.rows) != bool(outcome.reasons)


def test_the_beginning_and_the_rest_are_the_passage() -> None:
    ((question, answer),) = tasks_of(BASE * 5, kinds=("completion",))

    assert question.split("\n\n", 1)[1] + answer == BASE * 5


def test_words_of_a_list(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("运动\n心肺功能\n睡眠\n饮食\n")

    ((question, answer),) = tasks_of(BASE, kinds=("word_to_text",), words=tmp_path / "w")

    assert "运动、心肺功能、睡眠" in question
    assert answer == BASE


def test_a_conversation_begins_with_the_text() -> None:
    outcome = run_stage(
        ReadingFormat(form="conversation"), [{"text": BASE + PIECES[1] + PIECES[4]}]
    )

    (row,) = outcome.rows
    assert [m["role"] for m in row["messages"]] == ["user", "assistant"] * 2
    assert row["messages"][0]["content"].startswith(BASE + PIECES[1] + PIECES[4] + "\n\n")
    assert "text" not in row


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"kinds": ()}, "no kind"),
        ({"kinds": ("completion",), "form": "text"}, "none of them"),
        ({"per_kind": 0}, "less than 1"),
        ({"kinds": ("word_to_text",)}, "file of words"),
        ({"words": Path("nowhere")}, "cannot be read"),
    ],
)
def test_settings_that_contradict(given_settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ReadingFormat(**given_settings)


def test_the_books_of_a_run_balance(tmp_path: Path) -> None:
    rows = [{"id": "x", "text": BASE + PIECES[1] + PIECES[4]}, {"id": "y", "text": "短。"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "p.toml").write_text(
        f'[[source]]\nname = "s"\npath = "{tmp_path}/a.jsonl"\nid = "id"\n'
        '[[stage]]\nuse = "format.reading"\n'
        f'[output]\npath = "{tmp_path}/out"\nlayout = "messages"\n'
    )

    report = datakit.run(tmp_path / "p.toml", workdir=tmp_path / "work")

    assert (report.rows_in, report.rows_out, report.rows_rejected) == (2, 2, 1)
