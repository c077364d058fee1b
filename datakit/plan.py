"""What a pipeline compiles to: its chain cut into segments at barriers, columns checked.

A *segment* is the stretch between two barriers: it begins by reading a source, or by applying the
decisions of the barrier before it to that barrier's spill; it runs row-local steps; it ends in
observing the next barrier, or in the sink. Nothing here reads data.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from datakit.barriers import Barrier
from datakit.config.load import load_pipeline
from datakit.config.model import NamedSource, NamedStage, Pipeline
from datakit.errors import (
    DatakitError,
    PipelineFileError,
    Problem,
    SettingsError,
    did_you_mean,
)
from datakit.prepared import columns_after, missing_columns, prepare
from datakit.records import CONTENT, ID, META, SOURCE, Columns
from datakit.stage import WRITES, Expander, Filter, Map, Sink, Source, SourceReader, Stage

PATH_SOURCE = "files"
"""The name of the source of `plan_path`."""
MOST_NAMES = 4
"""A segment's label names its stages up to this number."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in its place: `index` counts the stages from 1; `only` as in the file."""

    index: int
    name: str
    stage: Stage
    only: tuple[str, ...] | None = None

    def concerns(self, source: str) -> bool:
        """Whether records of this source go through the stage."""
        return self.only is None or source in self.only

    @property
    def label(self) -> str:
        """Name in reports: `03 filter.length`."""
        return f"{self.index:02d} {self.name}"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the chain; `applies` is the barrier it follows, `observes` the one it feeds."""

    index: int
    applies: Step | None
    steps: tuple[Step, ...]
    observes: Step | None

    @property
    def label(self) -> str:
        """What the segment does, for progress lines."""
        names = [step.name for step in self.steps]
        if len(names) > MOST_NAMES:
            names = [names[0], f"{len(names) - 2} stages", names[-1]]
        first = self.applies.name if self.applies else "read"
        return " > ".join([first, *names, self.observes.name if self.observes else "write"])


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked pipeline, ready for an executor."""

    pipeline: Pipeline
    sources: tuple[Source, ...]
    segments: tuple[Segment, ...]
    sink: Sink

    @property
    def steps(self) -> list[Step]:
        """All stages in order, barriers too."""
        found: list[Step] = []
        for segment in self.segments:
            found += [*segment.steps, *([segment.observes] if segment.observes else [])]
        return found


def plan_file(
    pipeline: str | Path, *, overrides: Sequence[str] = (), relative_to_file: bool = False
) -> Plan:
    """The plan of a pipeline file whose inputs are there.

    Raises:
        PipelineFileError: mistakes in the file, or no such inputs.
    """
    loaded = load_pipeline(
        Path(pipeline), overrides=tuple(overrides), relative_to_file=relative_to_file
    )
    compiled = compile_plan(loaded)
    check_inputs(loaded)
    return compiled


def plan_path(path: str, *, text: str = "text") -> Plan:
    """A plan that reads data files at one path or pattern, as the source `PATH_SOURCE`.

    Raises:
        PipelineFileError: nothing is there, or its format cannot be told.
    """
    # JSON strings are TOML strings.
    field = "" if text == "text" else f"text = {json.dumps(text)}\n"
    source = f'[[source]]\nname = "{PATH_SOURCE}"\npath = {json.dumps(path)}\n{field}'
    loaded = load_pipeline(None, text=f'{source}[output]\npath = "out"\n')
    check_inputs(loaded)
    return compile_plan(loaded)


def compile_plan(pipeline: Pipeline) -> Plan:
    """Check that each stage finds its columns, and cut the chain at barriers.

    Raises:
        PipelineFileError: a stage misses a column, names an unknown source, or is no stage.
    """
    problems = [*_wrong_kinds(pipeline.stages), *_unknown_sources(pipeline)]
    problems += _written_twice(pipeline.stages)
    problems += [p for source in pipeline.sources for p in _missing_columns(pipeline, source)]
    if problems:
        raise PipelineFileError(pipeline.file, list(dict.fromkeys(problems)))
    steps = [Step(s.index, s.name, _bind(s, pipeline), s.only) for s in pipeline.stages]
    sources = tuple(source.source for source in pipeline.sources)
    return Plan(pipeline, sources, tuple(cut_segments(steps)), pipeline.sink)


def _bind(named: NamedStage, pipeline: Pipeline) -> Any:
    """The stage, with the sources given to it that it reads for itself, as the maps in front of it
    leave them.
    """
    if not isinstance(named.stage, SourceReader):
        return named.stage
    before = [(each.stage, each.only) for each in pipeline.stages if each.index < named.index]
    return named.stage.bind({s.name: prepare(s.source, before) for s in pipeline.sources})


def check_inputs(pipeline: Pipeline) -> None:
    """Look whether each source's files are there; opens none.

    Raises:
        PipelineFileError: sources without files, all of them.
    """
    problems = []
    for source in pipeline.sources:
        try:
            source.source.inputs()
        except DatakitError as error:
            problems.append(Problem(source.line, f"source {source.name!r}: {error}"))
        except Exception as error:  # noqa: BLE001 - a user's own reader may raise anything
            what = f"{type(error).__name__}: {error}"
            problems.append(Problem(source.line, f"source {source.name!r}: {what}"))
    if problems:
        raise PipelineFileError(pipeline.file, problems)


def cut_segments(steps: Sequence[Step]) -> Iterator[Segment]:
    """Cut a chain of steps after each barrier."""
    applies, stretch, index = None, list[Step](), 0
    for step in steps:
        if isinstance(step.stage, Barrier):
            yield Segment(index, applies, tuple(stretch), step)
            applies, stretch, index = step, [], index + 1
        else:
            stretch.append(step)
    yield Segment(index, applies, tuple(stretch), None)


def _missing_columns(pipeline: Pipeline, source: NamedSource) -> Iterator[Problem]:
    have = frozenset({ID, SOURCE, META}) | source.source.adds
    for stage in pipeline.stages:
        if stage.only is not None and source.name not in stage.only:
            continue
        for need in missing_columns(stage.stage.needs, have):
            yield _lacks(stage.line, f"{stage.name} needs", need, source.name, have)
            have |= set(need.split("|"))
        yield from _unfit_columns(stage.stage, stage.line, stage.name, have)
        have = columns_after(stage.stage, have)
    for need in missing_columns(pipeline.sink.needs, have):
        yield _lacks(pipeline.output.line, "the output needs", need, source.name, have)
    yield from _unfit_columns(pipeline.sink, pipeline.output.line, "the output", have)


def _unfit_columns(stage: Any, line: int, name: str, have: Columns) -> Iterator[Problem]:
    """What a stage says of the columns there are, if it has anything to say."""
    try:
        getattr(stage, "check_columns", lambda _: None)(have)
    except SettingsError as error:
        yield Problem(line, f"{name}: {error}", error.hint)


def _lacks(line: int, who: str, need: str, source: str, have: Columns) -> Problem:
    shown = "`text` or `messages`" if need == CONTENT else f"column {need!r}"
    hint = f"columns there: {', '.join(sorted(n for n in have if not n.startswith('_')))}"
    if need == "messages":
        hint += "; add format.instruct or format.chat before, or choose another layout"
    return Problem(line, f"{who} {shown}, which records of source {source!r} do not have", hint)


def _wrong_kinds(stages: Iterable[NamedStage]) -> Iterator[Problem]:
    for stage in stages:
        if not isinstance(stage.stage, Map | Filter | Expander | Barrier):
            hint = (
                "a stage has needs and adds, and the methods of a Map, Filter, Expander or Barrier"
            )
            yield Problem(stage.line, f"{stage.name} is no stage", hint)


def _written_twice(stages: Iterable[NamedStage]) -> Iterator[Problem]:
    """Stages that would write the file of an earlier one."""
    found: dict[Path, NamedStage] = {}
    for named in stages:
        stage: Any = named.stage
        settings = fields(stage) if is_dataclass(stage) else ()
        for key in [each.name for each in settings if each.metadata.get(WRITES)]:
            path = getattr(stage, key)
            first = found.setdefault(Path(path).resolve(), named) if path else named
            if first is not named:
                message = f"{named.name}: {key} is the file that stage {first.index} writes"
                yield Problem(named.line, message, "name another file")


def _unknown_sources(pipeline: Pipeline) -> Iterator[Problem]:
    known = [source.name for source in pipeline.sources]
    for stage in pipeline.stages:
        for name in sorted(getattr(stage.stage, "sources", ())):
            if name not in known:
                message = f"{stage.name} names an unknown source {name!r}"
                yield Problem(stage.line, message, did_you_mean(name, known))
            elif stage.only is not None and name not in stage.only:
                message = f"{stage.name} names the source {name!r}, which its `only` leaves out"
                yield Problem(stage.line, message, "add it to `only`")
