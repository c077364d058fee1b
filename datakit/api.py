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

from datakit.config.load import load_pipeline
from datakit.config.model import Pipeline
from datakit.errors import UsageError
from datakit.executors.estimate import PlanSummary, summarise
from datakit.executors.local import Executor, LocalExecutor
from datakit.executors.pool import PoolExecutor
from datakit.executors.preview import Preview
from datakit.executors.preview import preview as run_preview
from datakit.executors.runner import Run
from datakit.executors.workdir import Workdir
from datakit.plan import Plan, check_inputs, compile_plan
from datakit.preflight.llamafactory.trainer import Options
from datakit.preflight.preflight import PreflightReport, Question, run_preflight
from datakit.report.lengths import LengthReport, measure_lengths
from datakit.report.life import Life, explain_record
from datakit.report.progress import Progress, Silent
from datakit.report.report import Report, load_report

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
    return _plan(pipeline, overrides=overrides, relative_to_file=relative_to_file).pipeline


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
    compiled = _plan(pipeline, overrides=overrides, relative_to_file=relative_to_file)
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
    compiled = _plan(pipeline, overrides=overrides, relative_to_file=relative_to_file)
    return run_preview(compiled, records)


def tokens(run_dir: str | Path, *, column: str = "n_tokens") -> LengthReport:
    """How long the records of a finished run are in tokens, as its pipeline counted them.

    Raises:
        UsageError: there is no finished run there, or it counted no tokens.
    """
    return measure_lengths(Path(run_dir), column)


def preflight(
    run_dir: str | Path,
    *,
    tokenizer: str | Path,
    template: str,
    trainer: str = "llamafactory",
    split: str = "train",
    dataset_info: str | Path | None = None,
    dataset: str | None = None,
    examples: int = 5,
    **settings: Any,
) -> PreflightReport:
    """Which rows of a run's output a trainer would drop, cut or not train, and why.

    Args:
        run_dir: output directory of a run; also a data file, or a folder of some.
        tokenizer: the model's tokenizer, as of `annotate.tokens`.
        template: the trainer's name for its chat template.
        trainer: `"llamafactory"` (0.9.5).
        split: the split to judge.
        dataset_info: the trainer's description of its columns; looked for beside the files, else
            told from the rows.
        dataset: which of the data sets described there.
        examples: rows to show for each reason.
        settings: the trainer's own: `cutoff`, `packing`, `mask_history`, `train_on_prompt`,
            `enable_thinking`, `default_system`.

    Raises:
        UsageError: no such trainer, template or files.
        DatakitError: the tokenizer cannot be opened.
    """
    question = Question(
        run=Path(run_dir),
        tokenizer=Path(tokenizer),
        options=Options(template=template, **settings),
        trainer=trainer,
        split=split,
        dataset_info=Path(dataset_info) if dataset_info is not None else None,
        dataset=dataset,
        examples=examples,
    )
    return run_preflight(question)


def plan(
    pipeline: str | Path, *, overrides: Sequence[str] = (), relative_to_file: bool = False
) -> PlanSummary:
    """Segments, shards and partitions of a run, and an estimate from a sample."""
    return summarise(_plan(pipeline, overrides=overrides, relative_to_file=relative_to_file))


def _plan(pipeline: str | Path, *, overrides: Sequence[str], relative_to_file: bool) -> Plan:
    loaded = load_pipeline(
        Path(pipeline), overrides=tuple(overrides), relative_to_file=relative_to_file
    )
    compiled = compile_plan(loaded)
    check_inputs(loaded)
    return compiled


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
