"""What filters have to tell of their rejects, for the report."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from datakit.executors.tables import read_batches
from datakit.plan import Plan
from datakit.records import Table
from datakit.report.report import Verdict
from datakit.stage import Summariser


def summarise_rejects(plan: Plan, done: Sequence[Sequence[Path]]) -> list[Verdict]:
    """The summary of each filter that has one; `done` are the task directories by segment."""
    return [
        Verdict(step.label, stage.summarise(_rejects(folders, step.label)).to_dicts())
        for segment, folders in zip(plan.segments, done, strict=True)
        for step in segment.steps
        if isinstance(stage := step.stage, Summariser)
    ]


def in_order(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts in the order of their stages, by the number in front of the label."""
    return sorted(verdicts, key=lambda verdict: int(verdict.stage.split()[0]))


def _rejects(folders: Iterable[Path], stage: str) -> Iterator[Table]:
    for folder in folders:
        for table in read_batches(folder / "rejects.arrow"):
            yield table.filter(pl.col("stage") == stage).select("source", "reason", "values")
