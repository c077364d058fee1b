"""The end of a run: output in its place, rejects gathered, report and manifest written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from datakit.errors import BrokenBooksError
from datakit.executors.digests import digest_of, stage_identity, step_identity
from datakit.executors.output import publish
from datakit.executors.rejects import write_rejects
from datakit.executors.workdir import FORMAT_VERSION
from datakit.plan import Plan
from datakit.report.card import render_card
from datakit.report.counts import Counts
from datakit.report.html import render_html
from datakit.report.report import Input, Report, Verdict, write_report
from datakit.stage import Sink, WrittenFile


def build_report(
    plan: Plan,
    counts: Counts,
    verdicts: list[Verdict],
    files: Sequence[tuple[WrittenFile, Path]],
    reused: list[str],
) -> Report:
    """The report of a run, but for what is known only at its very end."""
    pipeline = plan.pipeline
    settings = [step_identity(step) for step in plan.steps]
    settings += [stage_identity(source) for source in plan.sources]
    return Report(
        name=pipeline.name,
        seed=pipeline.seed,
        output="",
        pipeline_file=pipeline.file,
        pipeline_digest=digest_of(
            FORMAT_VERSION, pipeline.seed, settings, stage_identity(plan.sink)
        ),
        counts=counts,
        verdicts=verdicts,
        inputs=[
            Input(s.name, shown_path(f.path), f.size) for s in plan.sources for f in s.inputs()
        ],
        files=[file for file, _ in files],
        rejects={},
        reused=reused,
    )


def shown_path(path: str) -> str:
    """An input's path from the current folder, where it lies below it: no path of this machine."""
    here = Path.cwd()
    return Path(path).relative_to(here).as_posix() if Path(path).is_relative_to(here) else path


def conclude(
    report: Report,
    files: Sequence[tuple[WrittenFile, Path]],
    done: Sequence[Sequence[Path]],
    tmp: Path,
    sink: Sink,
) -> Report:
    """Put everything in its place; the manifest, written last, says that the run is whole.

    Raises:
        BrokenBooksError: the files hold other numbers of records than were counted.
    """
    output = Path(report.output)
    side = output / "_datakit"
    side.mkdir(parents=True, exist_ok=True)
    (side / "manifest.json").unlink(missing_ok=True)
    publish(files, output, tmp / "publish")
    _write_companions(sink, report, output)
    rejects = write_rejects(done, side / "rejects", tmp / "rejects")
    _check_written(report, rejects)
    report = replace(report, rejects=rejects)
    write_report(report, output, card=render_card(report), page=render_html(report))
    return report


def _write_companions(sink: Sink, report: Report, output: Path) -> None:
    """The files that the sink's loader wants beside the data."""
    if not hasattr(sink, "companions"):
        return
    for path, text in sink.companions(report.name, report.files).items():
        part = output / f"{path}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(output / path)


def _check_written(report: Report, rejects: Mapping[str, int]) -> None:
    """The files hold what the counts say."""
    rows = sum(file.rows for file in report.files)
    if rows != report.rows_out or sum(rejects.values()) != report.rows_rejected:
        raise BrokenBooksError(
            f"counted {report.rows_out} written and {report.rows_rejected} rejected records, but "
            f"the files hold {rows} and {sum(rejects.values())}"
        )
