from pathlib import Path

import pytest

from datakit.config.load import load_pipeline
from datakit.config.overrides import parse_value
from datakit.errors import PipelineFileError

TEXT = """\
[[source]]
name = "medical"
path = "m.jsonl"

[[source]]
name = "中医"
path = "z.jsonl"

[[stage]]
use = "filter.length"
min_chars = 5

[[stage]]
use = "mix.weighted"
weights = { medical = 1, "中医" = 1 }

[[stage]]
use = "filter.length"
max_chars = 50

[[stage]]
use = "own_stages:Everything"
count = 1

[output]
path = "out/x"
"""


def load(*overrides: str):
    return load_pipeline(Path("p.toml"), TEXT, overrides)


def stage(number: int, *overrides: str):
    return load(*overrides).stages[number - 1].stage


def message(*overrides: str) -> str:
    with pytest.raises(PipelineFileError) as caught:
        load(*overrides)
    return str(caught.value)


def test_a_setting_of_each_table_can_be_changed():
    pipeline = load(
        "pipeline.seed=7",
        "pipeline.name=other",
        "output.path=elsewhere",
        "output.single_file=true",
        "source.medical.path=new.jsonl",
        "source.中医.text=body",
    )

    assert (pipeline.seed, pipeline.name) == (7, "other")
    assert (pipeline.output.path, pipeline.output.single_file) == ("elsewhere", True)
    assert pipeline.sources[0].source.path == "new.jsonl"
    assert pipeline.sources[1].source.text == "body"


def test_a_stage_is_named_in_full_or_by_its_family_if_that_is_enough():
    assert stage(2, "mix.weighted.unit=chars").unit == "chars"
    assert stage(2, "mix.unit=chars").unit == "chars"
    assert stage(2, "mix.weighted.weights.medical=2").weights == {"medical": 2.0, "中医": 1.0}
    assert stage(2, "mix.weights.medical=2").weights["medical"] == 2.0
    assert stage(2, 'mix.weights."中医"=3').weights["中医"] == 3.0
    assert stage(2, "mix.weighted.seed=9").seed == 9
    assert stage(4, "own_stages:Everything.weights.new=1").weights == {"new": 1.0}


def test_one_of_several_is_named_by_its_number():
    assert stage(1, "filter.length[1].min_chars=9").min_chars == 9
    assert stage(3, "filter.length[2].max_chars=9").max_chars == 9
    assert stage(2, "mix.weighted[1].unit=chars").unit == "chars"


def test_the_last_of_two_overrides_holds():
    assert load("pipeline.seed=7", "pipeline.seed=8").seed == 8


def test_an_override_can_put_a_mistake_right():
    with pytest.raises(PipelineFileError):
        load_pipeline(Path("p.toml"), TEXT.replace("= 50", '= "x"'))
    assert load_pipeline(
        Path("p.toml"), TEXT.replace("= 50", '= "x"'), ["filter.length[2].max_chars=6"]
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("true", True),
        ('"7"', "7"),
        ("[1, 'a']", [1, "a"]),
        ("{ a = 1 }", {"a": 1}),
        ("chars", "chars"),
        ("a=b", "a=b"),
        ("", ""),
        ("out/x y", "out/x y"),
        ("2024-01-01", "2024-01-01"),
        ("64 KiB", "64 KiB"),
        ("1\nb = 2", "1\nb = 2"),
    ],
)
def test_a_value_is_toml_or_else_plain_text(text, value):
    assert parse_value(text) == value


@pytest.mark.parametrize(
    ("override", "expected", "hint"),
    [
        ("mixx.weighted.unit=chars", "nothing here is called 'mixx.weighted'", "mix.weighted"),
        ("source.medcal.path=x", "nothing here is called 'source.medcal'", "source.medical"),
        ("filter.length.min_chars=1", "2 stages are called 'filter.length'", "filter.length[2]"),
        ("filter.min_chars=1", "2 stages are of the family 'filter'", "filter.length"),
        ("filter.length[3].min_chars=1", "there is no filter.length[3]", "there are 2"),
        ("filter.length[0].min_chars=1", "there is no filter.length[0]", "counted from 1"),
        ("mix.wieghts.medical=2", "mix.weighted: unknown key 'wieghts'", "'weights'"),
        ("mix.weighted.unit=char", 'unit: expected "tokens"', "'chars'"),
        ("pipeline.seed=x", "seed: expected a whole number", ""),
        ("pipeline.sed=1", "[pipeline]: unknown key 'sed'", "'seed'"),
        ("mix.weighted=1", "mix.weighted is a table; name one of its keys", "--set"),
        ("mix=1", "mix is a table", "--set"),
        ("pipeline", "no setting is named", "--set PLACE.KEY=VALUE"),
        ("=1", "no setting is named", "--set PLACE.KEY=VALUE"),
        ("output.path.x=1", "output.path is not a table, so it has no key 'x'", ""),
        ("mix.weighted..unit=1", "'..unit' is no key", "--set"),
        ("own_stages:Everything.count=-1", "count: -1 is less than 0", "leave it out"),
    ],
)
def test_a_mistake_is_told_of_the_override_not_of_a_line(override, expected, hint):
    first, *rest = message(override).split("\n")

    assert first.startswith(f"--set {override}: ")
    assert expected in first
    assert hint in rest[0]
    assert rest[-1] == "1 problem; nothing was run"


def test_mistakes_of_file_and_override_come_together():
    with pytest.raises(PipelineFileError) as caught:
        load_pipeline(Path("p.toml"), TEXT.replace("= 50", '= "x"'), ["pipeline.sed=1", "x=1"])

    assert [problem.line for problem in caught.value.problems] == [0, 0, 19]


def test_a_pipeline_without_tables_can_be_completed():
    text = TEXT.partition("[output]")[0]

    assert load_pipeline(Path("p.toml"), text, ["output.path=o"]).output.path == "o"


def test_a_file_of_the_wrong_shape_is_no_crash():
    for text in ("pipeline = 3\n", "pipeline = [[1]]\n", "source = 1\nstage = [1]\n"):
        with pytest.raises(PipelineFileError):
            load_pipeline(Path("p.toml"), text, ["pipeline.seed=7", "source.a.b=1", "mix.x=1"])
