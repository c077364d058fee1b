"""filter.decontaminate: what each recipe finds, short questions, the planted leaks, the report."""

import json
import random
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import datakit
from datakit.errors import DatakitError, SettingsError
from datakit.stages.filter.decontaminate import DecontaminationFilter
from datakit.stages.filter.recipes import RECIPES
from datakit.testing import run_stage

ROOT = Path(__file__).parents[2]
GSM8K = ROOT / "sample_data" / "benchmark" / "gsm8k.jsonl"
MMLU = ROOT / "sample_data" / "benchmark" / "mmlu_medical.csv"
QUESTIONS = [json.loads(line)["question"] for line in GSM8K.read_text("utf-8").splitlines()]
ZH = {
    "question": "女性，65岁，突发胸骨后压榨样疼痛3小时，心电图示下壁导联ST段抬高，最可能的诊断是",
    "options": {"A": "急性心肌梗死", "B": "不稳定型心绞痛", "C": "主动脉夹层", "D": "肺栓塞"},
}
SHORT = {
    "question": "麻黄汤的君药是",
    "options": {"A": "麻黄", "B": "桂枝", "C": "杏仁", "D": "甘草"},
}


def write(folder: Path, items: list[dict[str, Any]], name: str = "exam.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


def reasons(path: Path, *texts: str, **settings: Any) -> list[str | None]:
    stage = DecontaminationFilter(benchmarks={"exam": path}, **settings)
    gone = {row["id"]: row["reason"] for row in run_stage(stage, rows(texts)).rejects}
    return [gone.get(f"test/{n}") for n in range(1, len(texts) + 1)]


def rows(texts: tuple[str, ...] | list[str]) -> list[dict[str, str]]:
    return [{"text": text} for text in texts]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_finds_what_is_copied_and_leaves_other_text(
    tmp_path: Path, recipe: str
) -> None:
    english = {"question": "A robe takes 2 bolts of blue fiber and half that much white fiber. "
               "How many bolts in total does it take?"}  # fmt: skip
    path = write(tmp_path, [ZH, english])
    copied = f"第3题 {ZH['question']}（ ）\n" + "\n".join(ZH["options"].values())
    other = "女性患者65岁，胸骨后疼痛，心电图未见ST段抬高，诊断为反流性食管炎。"

    found = reasons(path, copied, other, f"Q: {english['question']}", "A robe.", recipe=recipe)

    assert found == ["contaminated:exam", None, "contaminated:exam", None]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("麻黄汤的君药是？A.麻黄 B.桂枝", True),
        ("麻黄汤的君药是：\n\n桂枝。", True),
        ("麻黄汤的君药是大家都知道的。", False),
        ("君药麻黄，麻黄汤的", False),
        ("麻黄汤的君药是什么" + "，这个问题要从伤寒论说起" * 60 + "，麻黄", False),
    ],
)
def test_a_short_question_is_found_whole_with_an_option_behind_it(
    tmp_path: Path, text: str, is_found: bool
) -> None:
    assert reasons(write(tmp_path, [SHORT]), text) == ["contaminated:exam" if is_found else None]


def test_a_light_edit_is_found_and_half_a_question_is_not(tmp_path: Path) -> None:
    edited = ZH["question"].replace("3小时", "4小时")
    path = write(tmp_path, [{"question": ZH["question"]}])

    assert reasons(path, edited, ZH["question"][:22]) == ["contaminated:exam", None]


def test_wording_of_the_benchmark_does_not_count_unless_asked_for(tmp_path: Path) -> None:
    wording = "which of the following is the most likely diagnosis in this patient"
    ends = [f"{wording} with sign {n} {n + 7} {n + 50}" for n in range(12)]
    path = write(tmp_path, [{"question": question} for question in ends])

    assert reasons(path, wording, ends[3]) == [None, "contaminated:exam"]
    assert reasons(path, wording, max_items=0) == ["contaminated:exam"]


def test_settings_change_single_figures_of_a_recipe(tmp_path: Path) -> None:
    words = [f"w{n}" for n in range(40)]
    path = write(tmp_path, [{"question": " ".join(words), "answer": "It is exactly forty two."}])
    part = " ".join(words[:16])

    assert reasons(path, part) == [None]
    assert reasons(path, part, min_coverage=0.4) == ["contaminated:exam"]
    assert reasons(path, part, min_coverage=0.4, measure="ngrams") == [None]
    assert reasons(path, part, min_coverage=0.4, ngram_size=17) == [None]
    assert reasons(path, "it is exactly forty two", parts=("answer",), ngram_size=5) == [
        "contaminated:exam"
    ]


FORMATS = {
    "list.json": json.dumps([{"题目": ZH["question"]}]),
    "inside.json": json.dumps({"version": 1, "data": [{"query": ZH["question"]}]}),
    "by_id.json": json.dumps({"q1": {"QUESTION": ZH["question"]}}),
    "stem.jsonl": json.dumps({"question": {"stem": ZH["question"], "choices": [{"text": "a"}]}}),
    "exam.tsv": f"id\tquestion\tA\tB\n1\t{ZH['question']}\t急性\t慢性\n",
    "exam.txt": f"\ufeff{ZH['question']}\n\n",
}


@pytest.mark.parametrize("name", FORMATS)
def test_usual_formats_and_field_names_are_known(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FORMATS[name], encoding="utf-8")

    assert reasons(tmp_path / name, ZH["question"]) == ["contaminated:exam"]
    assert reasons(tmp_path, ZH["question"]) == ["contaminated:exam"]


def test_parquet_and_compressed_files_are_read(tmp_path: Path) -> None:
    import gzip

    import polars as pl

    choices = {"text": list(SHORT["options"].values()), "label": ["A", "B", "C", "D"]}
    pl.DataFrame([{"question": SHORT["question"], "choices": choices}]).write_parquet(
        tmp_path / "exam.parquet"
    )
    packed = tmp_path / "exam.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(SHORT).encode()))

    for path in (tmp_path / "exam.parquet", packed):
        assert reasons(path, "麻黄汤的君药是：桂枝") == ["contaminated:exam"]


def test_fields_are_told_by_name_path_or_number(tmp_path: Path) -> None:
    path = write(tmp_path, [{"case": {"ask": ZH["question"]}, "text": "unrelated"}])
    headless = tmp_path / "exam.csv"
    headless.write_text(f"7,{SHORT['question']},麻黄,桂枝\n", encoding="utf-8")

    named = {"exam": {"question": "case.ask"}}
    numbered = {"exam": {"question": "2", "options": ("3", "4")}}

    assert reasons(path, ZH["question"], fields=named) == ["contaminated:exam"]
    assert reasons(headless, "麻黄汤的君药是：桂枝", fields=numbered) == ["contaminated:exam"]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"foo": "x", "bar": 1}], r"exam\.jsonl:1 has no field.*fields there: foo, bar"),
        ([{"question": "你好"}], "no item that can be looked for"),
    ],
)
def test_a_benchmark_that_cannot_be_used_is_an_error(
    tmp_path: Path, items: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(DatakitError, match=message):
        reasons(write(tmp_path, items), "text")


def test_a_broken_file_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "exam.jsonl"
    path.write_text(json.dumps(ZH) + "\n{broken\n", encoding="utf-8")

    with pytest.raises(DatakitError, match=r"exam\.jsonl: cannot be read after item 1"):
        reasons(path, "text")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"benchmarks": {}}, "benchmarks"),
        ({"benchmarks": {"x": Path("no/such.jsonl")}}, "benchmarks"),
        ({"benchmarks": {"x": ROOT / "LICENSE"}}, "benchmarks"),
        ({"benchmarks": {"x": GSM8K, "mm/x": GSM8K}}, "benchmarks"),
        ({"sources": frozenset({"x"})}, "sources"),
        ({"recipe": "tulu"}, "recipe"),
        ({"roles": ("usr",)}, "roles"),
        ({"fields": {"y": {"question": "q"}}}, "fields"),
        ({"fields": {"x": {"questions": "q"}}}, "fields"),
        ({"ngram_size": 1}, "ngram_size"),
        ({"min_coverage": 1.5}, "min_coverage"),
        ({"max_items": -1}, "max_items"),
        ({"parts": ("question+hint",)}, "parts"),
        ({"parts": ()}, "parts"),
        ({"action": "drop"}, "action"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        DecontaminationFilter(**{"benchmarks": {"x": GSM8K}, **settings})

    assert caught.value.key == key


def test_planted_items_are_found_and_nothing_else() -> None:
    sys.path.insert(0, str(ROOT / "tests" / "bench"))
    from bench_decontaminate import plant
    from corpus import documents, grow

    texts = [text for text, _ in zip(grow(documents([]), 10**9), range(600), strict=False)]
    clean = [text for text in texts if not any(question in text for question in QUESTIONS)]
    kinds = plant(clean, QUESTIONS, seed=3)

    outcome = run_stage(DecontaminationFilter(benchmarks={"g": GSM8K, "m": MMLU}), rows(clean))

    found = {int(reject["id"].split("/")[1]) - 1 for reject in outcome.rejects}
    assert found - kinds.keys() == set()
    assert {row for row, kind in kinds.items() if kind != "renumbered"} <= found


def test_verdicts_do_not_depend_on_the_batch() -> None:
    texts = [*QUESTIONS[:8], "", "别的文字", "nothing at all"]
    random.Random(1).shuffle(texts)
    stage = DecontaminationFilter(benchmarks={"g": GSM8K})

    together = run_stage(stage, rows(texts))

    assert run_stage(stage, rows(texts), batch_rows=2).rejects == together.rejects
    assert len(together.rejects) == 8


PIPELINE = """
[pipeline]
name = "leaks"
[[source]]
name = "zh"
path = "sample_data/general/zh/alpaca_zh.json"
text = ["instruction", "input", "output"]
[[source]]
name = "en"
path = "sample_data/medical/en/medquad.jsonl.gz"
text = ["question", "answer"]
[[source]]
name = "book"
path = "sample_data/general/en/moon_pool.md"
[[stage]]
use = "filter.decontaminate"
benchmarks = {{ gsm8k = "{gsm8k}", mmlu = "sample_data/benchmark/mmlu_medical.csv" }}
[output]
path = "{output}"
format = "text"
"""


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT)
    (tmp_path / "gsm8k.jsonl").write_bytes(GSM8K.read_bytes())
    path = tmp_path / "leaks.toml"
    text = PIPELINE.format(gsm8k=tmp_path / "gsm8k.jsonl", output=tmp_path / "out")
    path.write_text(text, encoding="utf-8")
    return path


def test_all_planted_leaks_are_found_and_reported_by_benchmark(pipeline: Path) -> None:
    report = datakit.run(pipeline, executor="local")

    leaks = (ROOT / "sample_data" / "planted.json").read_text("utf-8").count('"benchmark_leak"')
    assert report.rows_rejected == leaks == 4
    [verdict] = report.verdicts
    assert verdict.rows == [
        {"benchmark": "gsm8k", "items": 30, "looked_for": 30, "items_found": 3,
         "records_rejected": 3},
        {"benchmark": "mmlu", "items": 30, "looked_for": 30, "items_found": 1,
         "records_rejected": 1},
    ]  # fmt: skip


SOURCES = """
[pipeline]
name = "exam"
[[source]]
name = "exam"
path = "{folder}/exam.jsonl"
[[source]]
name = "web"
path = "{folder}/web.jsonl"
[[stage]]
use = "filter.decontaminate"
sources = ["exam"]
[output]
path = "{folder}/out"
format = "text"
"""


def test_a_source_can_be_the_benchmark(tmp_path: Path) -> None:
    write(tmp_path, [{"text": ZH["question"]}])
    write(tmp_path, [{"text": f"见{ZH['question']}。"}, {"text": "无关"}], "web.jsonl")
    path = tmp_path / "exam.toml"
    path.write_text(SOURCES.format(folder=tmp_path), encoding="utf-8")

    report = datakit.run(path, executor="local")
    again = write(tmp_path, [{"text": QUESTIONS[0]}])
    changed = datakit.run(path, executor="local")

    reasons = {reason for count in report.counts.by_stage().values() for reason in count.reasons}
    assert again.name == "exam.jsonl"
    assert reasons == {"benchmark", "contaminated:exam"}
    assert [row["records_rejected"] for row in report.verdicts[0].rows] == [1]
    assert (report.rows_out, changed.rows_out) == (1, 2)


CONVERSATIONS = """
[pipeline]
name = "exam"
[[source]]
name = "exam"
path = "{folder}/exam.jsonl"
fields = {{ conversation = "messages" }}
[[source]]
name = "web"
path = "{folder}/web.jsonl"
fields = {{ conversation = "messages" }}
[[stage]]
use = "format.chat"
[[stage]]
use = "filter.decontaminate"
sources = ["exam"]
[output]
path = "{folder}/out"
format = "messages"
"""


def test_a_source_is_read_as_the_formatters_before_leave_it(tmp_path: Path) -> None:
    def talk(question: str, answer: str = "答") -> dict[str, Any]:
        roles = ("user", question), ("assistant", answer)
        return {"messages": [{"role": role, "content": content} for role, content in roles]}

    broken = {"messages": [{"role": "nobody", "content": QUESTIONS[0]}]}
    write(tmp_path, [talk(ZH["question"]), broken])
    write(
        tmp_path, [talk(f"请问{ZH['question']}？"), talk("无关"), talk(QUESTIONS[0])], "web.jsonl"
    )
    path = tmp_path / "exam.toml"
    path.write_text(CONVERSATIONS.format(folder=tmp_path), encoding="utf-8")

    report = datakit.run(path, executor="local")

    [row] = report.verdicts[0].rows
    assert (row["items"], row["items_found"], row["records_rejected"]) == (1, 1, 1)
    assert report.rows_out == 2


def test_a_map_for_what_a_filter_adds_is_not_for_benchmarks(tmp_path: Path) -> None:
    write(tmp_path, [{"text": ZH["question"]}])
    write(tmp_path, [{"text": f"见{ZH['question']}。"}, {"text": "无关的另一段文字"}], "web.jsonl")
    stages = (
        '[[stage]]\nuse = "filter.language"\n[[stage]]\nuse = "format.pretrain"\ntitle = "lang"\n'
    )
    text = SOURCES.format(folder=tmp_path)
    path = tmp_path / "exam.toml"
    path.write_text(text.replace("[[stage]]", f"{stages}[[stage]]", 1), encoding="utf-8")

    report = datakit.run(path, executor="local")

    assert report.rows_out == 1


def test_a_benchmark_without_an_item_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(DatakitError, match="'exam' has no item in it"):
        reasons(write(tmp_path, []), "text")


def test_all_items_of_a_record_are_reported_whatever_their_number(tmp_path: Path) -> None:
    many = [{"question": f"{ZH['question']}，编号{n}甲乙丙丁戊己庚辛壬癸{n}"} for n in range(40)]
    one = write(tmp_path, [{"question": QUESTIONS[0]}], "one.jsonl")
    stage = DecontaminationFilter(
        benchmarks={"many": write(tmp_path, many), "one": one}, max_items=0
    )
    text = "\n".join([*(each["question"] for each in many), QUESTIONS[0]])

    rejects = run_stage(stage, [{"text": text, "id": "a"}]).rejects
    table = pl.DataFrame(
        {
            "source": ["s"],
            "reason": [rejects[0]["reason"]],
            "values": [json.dumps(rejects[0]["values"])],
        }
    )

    assert stage.summarise([table])["items_found"].to_list() == [40, 1]


def test_tagged_records_are_counted_by_source_and_no_table_says_there_are_none(
    pipeline: Path,
) -> None:
    text = pipeline.read_text("utf-8")
    pipeline.write_text(
        text.replace('"filter.decontaminate"', '"filter.decontaminate"\naction = "tag"')
    )

    report = datakit.run(pipeline, executor="local")

    [(head, counts)] = report.counts.tally_tables().values()
    assert head == ["contaminated_by", "book", "en", "zh"]
    assert {value: sum(by_source) for value, *by_source in counts} == {
        "none": 922,
        "gsm8k": 3,
        "mmlu": 1,
    }
    assert all("items_found" not in row for verdict in report.verdicts for row in verdict.rows)


def test_of_a_conversation_the_user_asks(tmp_path: Path) -> None:
    from datakit.stages.filter.benchmark_items import read_source_items
    from datakit.stages.ingest.jsonl import JsonlSource
    from datakit.testing import make_batch

    class Exam(JsonlSource):
        __slots__ = ()

        def read(self, shard: Any) -> Any:
            talk = [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]
            yield make_batch([{"id": "a", "messages": talk}])

    path = write(tmp_path, [{"text": "x"}])
    [item] = read_source_items(Exam(name="exam", path=str(path)))

    assert (item.benchmark, item.place, item.question, item.answer) == ("exam", "a", "问", "答")


def test_a_changed_benchmark_is_looked_for_anew(pipeline: Path) -> None:
    before = datakit.run(pipeline, executor="local")
    again = datakit.run(pipeline, executor="local")
    path = pipeline.with_name("gsm8k.jsonl")
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:9] + lines[10:]), encoding="utf-8")  # the book's item

    after = datakit.run(pipeline, executor="local")

    assert before.rows_rejected == again.rows_rejected == after.rows_rejected + 1
    assert again.pipeline_digest == before.pipeline_digest != after.pipeline_digest
