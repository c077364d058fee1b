"""Compiling: segments at barriers, columns followed source by source."""

import sys
from pathlib import Path
from typing import Any

import pytest

from datakit.config.model import NamedSource, NamedStage, Output, Pipeline
from datakit.errors import PipelineFileError, SettingsError
from datakit.plan import compile_plan

sys.path.insert(0, str(Path(__file__).parent / "executors"))

from small_stages import LineSink, LineSource, NoDigits, Unique, Upper


class NeedsLang:
    needs = frozenset({"lang"})
    adds = frozenset[str]()

    def map(self, batch: Any) -> Any:
        return batch


class AddsLang(NeedsLang):
    needs = frozenset({"text|messages"})
    adds = frozenset({"lang"})


def pipeline(*stages: Any, only: tuple[str, ...] | None = None) -> Pipeline:
    sources = [LineSource(name=name, path="x") for name in ("one", "two")]
    return Pipeline(
        name="p",
        file="p.toml",
        sources=tuple(
            NamedSource(name=s.name, stage_name="ingest.line", source=s, line=3) for s in sources
        ),
        stages=tuple(
            NamedStage(
                name=f"test.{n}", index=n, stage=s, only=only if n == 1 else None, line=9 + n
            )
            for n, s in enumerate(stages, 1)
        ),
        output=Output(path="out", format="write.line", line=30),
        sink=LineSink(),
    )


def test_the_chain_is_cut_after_each_barrier() -> None:
    plan = compile_plan(pipeline(Upper(), Unique(), NoDigits(), Upper(), Unique()))

    assert [segment.label for segment in plan.segments] == [
        "read > test.1 > test.2",
        "test.2 > test.3 > test.4 > test.5",
        "test.5 > write",
    ]
    assert [step.index for step in plan.steps] == [1, 2, 3, 4, 5]


def test_a_missing_column_is_reported_with_line_source_and_what_there_is() -> None:
    with pytest.raises(PipelineFileError) as caught:
        compile_plan(pipeline(AddsLang(), NeedsLang(), only=("one",)))

    [problem] = caught.value.problems
    assert problem.line == 11
    assert (
        "test.2 needs column 'lang', which records of source 'two' do not have" in problem.message
    )
    assert "text" in problem.hint


def test_a_column_that_an_earlier_stage_adds_is_there() -> None:
    compile_plan(pipeline(AddsLang(), NeedsLang()))


class NoLang(AddsLang):
    def check_columns(self, have: Any) -> None:
        if "lang" in have:
            raise SettingsError("template", "there is none", "name one")


def test_what_a_stage_says_of_the_columns_is_reported_with_its_line() -> None:
    compile_plan(pipeline(NoLang(), AddsLang()))

    with pytest.raises(PipelineFileError) as caught:
        compile_plan(pipeline(AddsLang(), NoLang()))

    [problem] = caught.value.problems
    assert (problem.line, problem.message) == (11, "test.2: template: there is none")
    assert problem.hint == "name one"


def test_something_that_is_no_stage_is_reported() -> None:
    class NoStage:
        needs = adds = frozenset[str]()

    with pytest.raises(PipelineFileError, match=r"p.toml:10: test.1 is no stage"):
        compile_plan(pipeline(NoStage()))


def test_a_stage_that_names_an_unknown_source_is_reported() -> None:
    class Weights(AddsLang):
        sources = frozenset({"one", "tow"})

    with pytest.raises(PipelineFileError, match=r"unknown source 'tow'\n    did you mean 'two'"):
        compile_plan(pipeline(Weights()))


def test_a_stage_that_names_a_source_it_never_sees_is_reported() -> None:
    class Weights(AddsLang):
        sources = frozenset({"one", "two"})

    with pytest.raises(PipelineFileError, match=r"source 'two', which its `only` leaves out"):
        compile_plan(pipeline(Weights(), only=("one",)))
