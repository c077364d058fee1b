"""The first records of each source through every stage, in memory, with what changed and why."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from datakit.barriers import Barrier
from datakit.errors import DatakitError
from datakit.executors.in_memory import run_barrier
from datakit.executors.numbering import start_numbers
from datakit.executors.parting import (
    Parted,
    empty_rejects,
    part_by_reason_column,
    part_by_verdicts,
)
from datakit.executors.reading import list_shards, read_shard
from datakit.executors.row_local import run_local
from datakit.plan import Plan, Step
from datakit.records import ID, Batch, joined_content
from datakit.stage import Source

EXAMPLES = 3
EXCERPT = 100


@dataclass(frozen=True, slots=True)
class StagePreview:
    """One stage: rows in and out, some texts it changed (before, after), some rejects."""

    name: str
    rows_in: int
    rows_out: int
    seconds: float
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""

    def render(self) -> str:
        """As text for a terminal."""
        lines = [f"{self.name}: {self.rows_in:,} in, {self.rows_out:,} out"]
        if self.note:
            lines.append(f"  {self.note}")
        for record_id, before, after in self.changes:
            lines += [f"  {record_id}", f"    - {before}", f"    + {after}"]
        for row in self.rejects:
            lines.append(f"  rejected {row['id']}: {row['reason']} {row['values'] or ''}")
            lines.append(f"    {_short(row['text'])}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Preview:
    """What each stage did to the sample, and the records as they would be written."""

    stages: list[StagePreview]
    written: list[str]
    bytes_read: int
    """Text bytes of the sampled records, as read."""

    def render(self) -> str:
        """As text for a terminal."""
        blocks = [stage.render() for stage in self.stages]
        blocks.append("as written:\n" + "\n".join(f"  {line}" for line in self.written))
        return "\n\n".join(blocks)


def preview(plan: Plan, records: int) -> Preview:
    """Bring the first `records` records of each source through the whole chain.

    Barriers see the sample only: what they reject, mix and split is an example, not a forecast.
    """
    began = time.process_time()
    read = [parted for source in plan.sources for parted in sample(source, records)]
    stages = [_describe("read", [], read, time.process_time() - began)]
    batches = [parted.kept for parted in read]
    size = sum(int(joined_content(b).str.len_bytes().sum() or 0) for b in batches)
    for step in plan.steps:
        began = time.process_time()
        parted, note = _run_step(step, batches)
        shown = _describe(step.label, batches, parted, time.process_time() - began)
        stages.append(replace(shown, note=note))
        batches = [p.kept for p in parted]
    fit = [part_by_verdicts(b, plan.sink.reject(b)) for b in batches if b.height]
    stages.append(_describe("output", [b for b in batches if b.height], fit, 0.0))
    lines = [line for p in fit if p.kept.height for line in _written(plan, p.kept)]
    return Preview(stages, lines, size)


def sample(source: Source, records: int) -> Iterator[Parted]:
    """The first records of a source, in reading order."""
    left = records
    for shard in list_shards(source, 1 << 20):
        for batch in read_shard(source, shard):
            yield part_by_reason_column(start_numbers(batch[:left]))
            left -= min(batch.height, left)
            if not left:
                return


def _run_step(step: Step, batches: Sequence[Batch]) -> tuple[list[Parted], str]:
    concerned = [bool(b.height) and step.concerns(str(b["source"][0])) for b in batches]
    mine = [b for b, yes in zip(batches, concerned, strict=True) if yes]
    note = ""
    if not isinstance(step.stage, Barrier):
        done = [run_local(step.stage, b) for b in mine]
    else:
        try:
            done = run_barrier(step.stage, mine)[0] if mine else []
        except DatakitError as error:
            # What is wrong with a few records need not be wrong with all of them.
            done = [Parted(b, empty_rejects()) for b in mine]
            note = f"left out, the sample being too small for it: {error}"
    waiting = iter(done)
    pairs = zip(batches, concerned, strict=True)
    return [next(waiting) if yes else Parted(b, empty_rejects()) for b, yes in pairs], note


def _describe(
    name: str, before: Sequence[Batch], parted: Sequence[Parted], seconds: float
) -> StagePreview:
    rejects = [row for p in parted for row in p.rejects.to_dicts()]
    rows_out = sum(p.kept.height for p in parted)
    rows_in = sum(b.height for b in before) if before else rows_out + len(rejects)
    changes = [c for b, p in zip(before, parted, strict=False) for c in _changes(b, p.kept)]
    return StagePreview(name, rows_in, rows_out, seconds, changes[:EXAMPLES], rejects[:EXAMPLES])


def _changes(before: Batch, after: Batch) -> list[tuple[str, str, str]]:
    old = before.select(ID, joined_content(before).alias("before"))
    new = after.select(ID, joined_content(after).alias("after")).unique(ID, maintain_order=True)
    both = old.join(new, on=ID, how="inner", maintain_order="left")
    changed = both.filter(pl.col("before").ne_missing(pl.col("after"))).head(EXAMPLES)
    return [(i, *_around(b or "", a or "")) for i, b, a in changed.iter_rows()]


def _around(before: str, after: str) -> tuple[str, str]:
    """Both texts from shortly before their first difference."""
    pairs = zip(before, after, strict=False)
    same = next((n for n, (x, y) in enumerate(pairs) if x != y), min(len(before), len(after)))
    start = max(0, same - 20)
    return _short(before[start:]), _short(after[start:])


def _written(plan: Plan, batch: Batch) -> list[str]:
    table = plan.sink.encode(batch[:EXAMPLES]).drop_columns("_size")
    if table.column_names == ["line"]:
        return [_short(line.decode(), 300) for line in table["line"].to_pylist()]
    return [_short(row, 300) for row in table.to_pylist()]


def _short(value: Any, most: int = EXCERPT) -> str:
    text = repr(value) if not isinstance(value, str) else value.replace("\n", "⏎")
    return text if len(text) <= most else text[: most - 1] + "…"
