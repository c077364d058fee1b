"""Pipelines: check, plan, preview and run them, and look at what they did."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from datakit.config.model import Pipeline
from datakit.errors import UsageError
from datakit.executors.estimate import PlanSummary, summarise
from datakit.executors.local import Executor, LocalExecutor
from datakit.executors.pool import PoolExecutor
from datakit.executors.preview import Preview
from datakit.executors.preview import preview as run_preview
from datakit.executors.runner import Run
from datakit.executors.workdir import Workdir
from datakit.plan import Plan, plan_file
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
    return plan_file(pipeline, overrides=overrides, relative_to_file=relative_to_file).pipeline


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
        executor: `"local"` (this process, with no other `workers` than 1), `"pool"` (worker
            processes), or None to choose.
        overrides: settings to change, as `--set` on the command line.
        relative_to_file: take relative paths from the file's folder.
        progress: told what happens; silent if None.

    Raises:
        PipelineFileError: mistakes in the file; nothing was run.
        UsageError: no such executor, or not with so many workers.
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


def _choose_executor(plan: Plan, name: str | None, workers: int | None) -> Executor:
    if name not in (None, *EXECUTORS):
        raise UsageError(f"unknown executor {name!r}; known: {', '.join(EXECUTORS)}")
    if workers is not None and workers < 1:
        raise UsageError(f"workers: {workers} is less than 1")
    if name == "local" and workers not in (None, 1):
        raise UsageError(f'workers: {workers} need the executor "pool"; "local" is this process')
    if name is None:
        size = sum(file.size for source in plan.sources for file in source.inputs())
        alone = workers == 1 or (workers is None and size < SMALL_INPUT_BYTES)
        name = "local" if alone else "pool"
    if name == "local":
        return LocalExecutor()
    return PoolExecutor(workers or os.cpu_count() or 1)
