"""filter.quality: what is refused before any data is read, and what does not depend on chance."""

import math
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
        ({"preset": "gopher-en", "override": {"long_words": math.inf}}, "override", "inf"),
        ({"preset": "gopher-en", "only_lang": ["zh-Hans"]}, "only_lang", "write `zh`"),
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
        ('[rules]\na = { signal = "words", min = nan }', "min is no number"),
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


def test_a_preset_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes('title = "规则"\n[rules]\na = { signal = "words", min = 1 }'.encode("gbk"))

    with pytest.raises(SettingsError, match=r"own.toml: it cannot be read as UTF-8"):
        QualityFilter(preset=path)


def test_dots_in_names_of_files_and_rules_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "fit.v1.toml"
    path.write_text(
        '[rules]\n"a.b" = { signal = "chars", min = 9 }\nc = { signal = "words", min = 9 }'
    )

    alone = QualityFilter(preset=path, override={"a.b": 2}, skip=("c",))
    full = QualityFilter(preset=path, override={"fit.v1.a.b": 2}, skip=("fit.v1.c",))

    rows = [{"text": "ab"}, {"text": "a"}]
    assert run_stage(alone, rows).reasons == run_stage(full, rows).reasons == ["fit.v1.a.b"]


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


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("n LIKE '%1%'", "rule 'odd' "),
        ("n + 1", "not true or false"),
        ("n > 'x'", "cannot compare"),
    ],
)
def test_a_rule_that_does_not_fit_its_column_is_an_error_of_one_line(
    rule: str, message: str
) -> None:
    with pytest.raises(DatakitError, match=message) as caught:
        run_stage(QualityFilter(rules={"odd": rule}), [{"text": "a", "n": 1}])

    assert "\n" not in str(caught.value)


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


JUNK = {
    "low_entropy": "买房买房买房卖房卖房" * 20,
    "many_digits": "13800138000 " * 9 + "电话号码大全",
    "dup_lines": "患者仰卧位，暴露腹部。\n" * 8,
    "garbled": "锟斤拷\ufffd\ufffd\ufffd烫烫烫这一段文字的编码已经坏了\ufffd\ufffd",
    "few_stop_words": "北京 佛山 广州 深圳 杭州 南京 武汉 长沙 重庆 西安 苏州 天津 " * 6,
    "few_end_marks": "\n".join(
        f"{name}频道" for name in "新闻体育娱乐财经科技汽车房产教育健康旅游"
    ),
    "cut_lines": "\n".join(f"第{n}条消息的开头部分写到这里就断了 展开" for n in "一二三四五"),
    "many_symbols": "★☆★☆■□■□" * 8 + "欢迎光临本店铺选购商品",
    "boilerplate": "首页\n版权所有 某某公司\n未经授权不得转载\n联系我们 关于我们\n返回顶部\n本文完",
}


@pytest.mark.parametrize("rule", sorted(JUNK))
def test_the_default_for_chinese_documents_rejects_junk(rule: str) -> None:
    outcome = run_stage(QualityFilter(preset="datakit-zh-doc"), [{"text": JUNK[rule]}])

    failed = [each.partition(":")[0] for each in outcome.rejects[0]["values"]["failed"]]
    assert f"datakit-zh-doc.{rule}" in failed


GOOD = [
    "方中黄芪大补元气，归尾、赤芍、川芎、桃仁、红花活血祛瘀，地龙通经活络。",
    "患者：喉咙紧，鼻塞，痰是黄色\n医生：您好，有没有发烧呢？\n患者：没有\n医生：可以口服感冒药",
    "血常规：WBC 12.3×10^9/L，N 85%，CRP 45 mg/L，PCT 0.5 ng/mL，予头孢曲松 2 g qd。",
    "血压160/100mmHg，心率88次/分，体温36.5℃，呼吸18次/分，血氧饱和度98%，血糖11.2。",
    "治風熱頭痛。川芎、石膏各等分，為末，每服二錢，茶調下。",
    "幽门螺杆菌怎样治\n慢性浅表性胃炎，胃镜查出来的。。。\n建议四联疗法，复查呼气试验。",
    "患者：早上起来，起了两个大包怎么回事还很痒\n医生：应该是过敏了\n医生：吃点[MASK]，抹点[MASK]",
    (
        "患者：耳朵发堵\n医生：多长时间了\n患者：一个星期吧\n医生：坐飞机了吗\n患者：没有坐\n医生：感冒了吗\n"
        "患者：不是很明显\n医生：爱挖耳朵吗\n患者：不经常\n医生：鼻子通气好吗\n患者：有点堵\n医生：头晕吗\n"
        "患者：是那种感觉\n医生：恶心吗\n患者：不恶心\n医生：听力怎么样\n患者：有一点下降\n医生：耳鸣吗\n"
        "患者：有的时候会\n医生：疼不疼\n患者：不疼的\n医生：做过检查吗\n患者：还没有做"
    ),
]


@pytest.mark.parametrize("preset", ["datakit-zh-doc", "datakit-zh-sft"])
def test_the_defaults_for_chinese_keep_good_medical_text(preset: str) -> None:
    outcome = run_stage(QualityFilter(preset=preset), [{"text": text} for text in GOOD])

    assert outcome.reasons == []
