"""What is learnt from data: thresholds of a preset, classifiers."""

import time
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from datakit.errors import PipelineFileError, Problem, UsageError
from datakit.executors.fitting import Fitted, Fitting, fit_preset
from datakit.executors.training import NEGATIVE, POSITIVE, Side, Training, train
from datakit.plan import PATH_SOURCE, Plan, plan_file, plan_path
from datakit.prepared import PreparedSource, prepare
from datakit.presets.load import load_preset
from datakit.report.training import TrainingReport


def fit(
    reference: str | Path,
    *,
    like: str = "datakit-zh-doc",
    tail: float = 0.01,
    sample: int = 20_000,
    text: str = "text",
    overrides: Sequence[str] = (),
    relative_to_file: bool = False,
) -> Fitted:
    """Set the thresholds of a preset by quantiles of a reference, text that should pass.

    Args:
        reference: a pipeline file, whose sources are read through the formatters and cleaners in
            front of its first `filter.quality` or stage that sees all records, or a path or pattern
            of data files.
        like: the preset, by name or path, whose rules get new thresholds.
        tail: the share of the reference that each rule may reject, 0 to 0.5.
        sample: how many records are measured, chosen by a hash of their ids.
        text: the field of data files to measure.
        overrides: settings of the pipeline file to change, as `--set` on the command line.
        relative_to_file: take relative paths from the pipeline file's folder.

    Raises:
        UsageError: no such preset or reference, or nothing to measure.
        PipelineFileError: mistakes in the pipeline file.
    """
    if not 0 <= tail <= 0.5:
        raise UsageError(f"tail: {tail} is not between 0 and 0.5")
    if sample < 1:
        raise UsageError(f"sample: {sample} is less than 1")
    preset = load_preset(like)
    if str(reference).endswith(".toml"):
        compiled = plan_file(reference, overrides=overrides, relative_to_file=relative_to_file)
    else:
        compiled = plan_path(str(reference), text=text)
    seed = compiled.pipeline.seed
    fitting = Fitting(like=preset, tail=tail, sample=sample, seed=seed)
    return fit_preset(_sources_of(compiled), fitting)


def _sources_of(plan: Plan) -> list[PreparedSource]:
    """The sources behind the stages that make the texts that a quality filter would judge."""
    steps = takewhile(lambda step: step.name != "filter.quality", plan.segments[0].steps)
    before = [(step.stage, step.only) for step in steps]
    return [prepare(source, before) for source in plan.sources]


def train_classifier(
    model: str | Path,
    *,
    positive: Sequence[str],
    negative: Sequence[str],
    pipeline: str | Path | None = None,
    text: str = "text",
    **settings: Any,
) -> TrainingReport:
    """Train a fastText classifier that tells positive records from negative ones.

    Args:
        model: the file to write; its card is written beside it.
        positive: names of sources of `pipeline`, or paths as a `[[source]]` takes them.
        negative: the same for the other side.
        pipeline: a pipeline file; records of its sources go through its stages up to the first
            barrier.
        text: the field of the text in files named by path.
        settings: fields of `datakit.executors.training.Training`: tokens, seed, epochs ...

    Raises:
        UsageError: a side names nothing.
        PipelineFileError: mistakes in the file, or a path whose format cannot be told.
        DatakitError: too few records, or no place to write.
    """
    began = time.monotonic()
    compiled = None if pipeline is None else plan_file(pipeline)
    named = {POSITIVE: list(dict.fromkeys(positive)), NEGATIVE: list(dict.fromkeys(negative))}
    if both := set(positive) & set(negative):
        raise UsageError(f"on both sides: {', '.join(sorted(both))}")
    sides = {side: _sides(names, compiled, text=text) for side, names in named.items()}
    return train(Path(model), sides, Training(**settings), began=began)


def _sides(names: Sequence[str], plan: Plan | None, *, text: str) -> list[Side]:
    """Where the records of a side are: sources of the pipeline, by name, and else paths."""
    if not names:
        raise UsageError("each side needs a source or a path")
    known = {source.name for source in plan.sources} if plan else set()
    found = []
    for name in names:
        if plan and name in known:
            found.append(Side(plan, (name,)))
            continue
        try:
            found.append(Side(plan_path(name, text=text), (PATH_SOURCE,)))
        except PipelineFileError as error:
            raise UsageError(f"{name}: {_why_no_side(error.problems[0], known)}") from error
    return found


def _why_no_side(problem: Problem, sources: set[str]) -> str:
    """What is wrong with a name that is no path, and what it could be."""
    what = " ".join(filter(None, [f"{problem.message};", problem.hint and f"{problem.hint};"]))
    if sources:
        return f"{what} sources of the pipeline: {', '.join(sorted(sources))}"
    return f"{what} sources have names only with a pipeline (--pipeline FILE)"
