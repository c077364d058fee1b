"""The Python API: everything the command line can do, as functions.

>>> import datakit
>>> report = datakit.run("pipelines/quickstart.toml")      # doctest: +SKIP
>>> report.rows_in == report.rows_out + report.rows_rejected      # doctest: +SKIP
True
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datakit.config.model import Pipeline
from datakit.errors import PipelineFileError, UsageError
from datakit.executors.detection import detect_path
from datakit.executors.estimate import PlanSummary, summarise
from datakit.executors.fitting import Fitted, Fitting, fit_preset
from datakit.executors.local import Executor, LocalExecutor
from datakit.executors.pool import PoolExecutor
from datakit.executors.preview import Preview
from datakit.executors.preview import preview as run_preview
from datakit.executors.runner import Run
from datakit.executors.training import NEGATIVE, POSITIVE, Side, Training, train
from datakit.executors.workdir import Workdir
from datakit.plan import PATH_SOURCE, Plan, plan_file, plan_path
from datakit.presets.load import load_preset
from datakit.report.life import Life, explain_record
from datakit.report.progress import Progress, Silent
from datakit.report.report import Report, load_report
from datakit.report.training import TrainingReport
from datakit.stages.format.detect import Detected

SMALL_INPUT_BYTES = 32 << 20
"""Below this, starting worker processes costs more than it gains."""

EXECUTORS = ("local", "pool")


def check(
    pipeline: str | Path, *, overrides: Sequence[str] = (), relative_to_file: bool = False
) -> Pipeline:
    """Read a pipeline file and check everything that can be checked without reading data.

    Args:
        pipeline: path of the TOML file.
        overrides: settings to change, as `--set` on the command line: `"mix.unit=chars"`.
        relative_to_file: take relative paths from the file's folder, not from the current one.

    Raises:
        PipelineFileError: all mistakes found, each with its line.
        UsageError: the file cannot be read.
    """
    return plan_file(pipeline, overrides=overrides, relative_to_file=relative_to_file).pipeline


def detect(path: str | Path, *, source_format: str | None = None, records: int = 1000) -> Detected:
    """Say which dialect of conversations or instructions a file is written in.

    Args:
        path: a file, a directory or a glob, as in a `[[source]]`.
        source_format: its format, if the suffix does not tell.
        records: how many records to look at.

    Raises:
        UsageError: there is no such file or format, or its records are none that are known.
    """
    return detect_path(str(path), source_format=source_format, most=records)


def run(
    pipeline: str | Path,
    *,
    output: str | Path | None = None,
    workdir: str | Path | None = None,
    workers: int | None = None,
    executor: str | None = None,
    overrides: Sequence[str] = (),
    relative_to_file: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Run a pipeline file and report what became of every record.

    Args:
        pipeline: path of the TOML file.
        output: directory to write to, instead of `[output] path`.
        workdir: directory for intermediate work; `<output>/_datakit/work` if None. Work that is
            there and still valid is used again.
        workers: worker processes; all cores if None (one process for small inputs). The output
            does not depend on it.
        executor: `"local"` (this process), `"pool"` (worker processes), or None to choose.
        overrides: settings to change, as `--set` on the command line.
        relative_to_file: take relative paths from the file's folder.
        progress: told what happens; silent if None.

    Raises:
        PipelineFileError: mistakes in the file; nothing was run.
        BrokenBooksError: rows went missing.
        InterruptedRunError: Ctrl-C; the same call goes on from there.
        DatakitError: any other failure that a user can put right.
    """
    began = time.monotonic()
    compiled = plan_file(pipeline, overrides=overrides, relative_to_file=relative_to_file)
    target = Path(output) if output is not None else Path(compiled.pipeline.output.path)
    work = Path(workdir) if workdir is not None else target / "_datakit" / "work"
    chosen = _choose_executor(compiled, executor, workers)
    return Run(compiled, target, Workdir(work), chosen, progress or Silent()).execute(began)


def report(run_dir: str | Path) -> Report:
    """The report of a finished run, from its output directory.

    Raises:
        UsageError: there is no finished run there.
    """
    return load_report(Path(run_dir))


def explain(run_dir: str | Path, record_id: str) -> Life:
    """What became of one record of a finished run, by its id.

    Raises:
        UsageError: no finished run there, or no such record in it.
    """
    return explain_record(Path(run_dir), record_id)


def preview(
    pipeline: str | Path,
    *,
    records: int = 20,
    overrides: Sequence[str] = (),
    relative_to_file: bool = False,
) -> Preview:
    """Bring the first `records` records of each source through every stage, in memory.

    Barriers see these records only.
    """
    compiled = plan_file(pipeline, overrides=overrides, relative_to_file=relative_to_file)
    return run_preview(compiled, records)


def plan(
    pipeline: str | Path, *, overrides: Sequence[str] = (), relative_to_file: bool = False
) -> PlanSummary:
    """Segments, shards and partitions of a run, and an estimate from a sample."""
    return summarise(plan_file(pipeline, overrides=overrides, relative_to_file=relative_to_file))


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
        reference: a pipeline file, whose sources are read (not its stages), or a path or pattern of
            data files.
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
    return fit_preset(compiled.sources, fitting)


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
    named = {POSITIVE: list(positive), NEGATIVE: list(negative)}
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
            problem = error.problems[0]
            sources = f"; sources of the pipeline: {', '.join(sorted(known))}" if known else ""
            raise UsageError(f"{name}: {problem.message}. {problem.hint}{sources}") from error
    return found


def _choose_executor(plan: Plan, name: str | None, workers: int | None) -> Executor:
    if name not in (None, *EXECUTORS):
        raise UsageError(f"unknown executor {name!r}; known: {', '.join(EXECUTORS)}")
    if workers is not None and workers < 1:
        raise UsageError(f"workers: {workers} is less than 1")
    if name is None:
        size = sum(file.size for source in plan.sources for file in source.inputs())
        alone = workers == 1 or (workers is None and size < SMALL_INPUT_BYTES)
        name = "local" if alone else "pool"
    if name == "local":
        return LocalExecutor()
    return PoolExecutor(workers or os.cpu_count() or 1)
