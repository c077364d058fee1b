"""One batch through a stage that looks at single records: a map, a filter, an expander."""

from dataclasses import replace

from datakit.errors import BrokenBooksError
from datakit.executors.parting import (
    EXCERPT_CHARS,
    Parted,
    part_by_expansion,
    part_by_reason_column,
    part_by_verdicts,
)
from datakit.records import ID, Batch, Table
from datakit.stage import Editor, Expander, Filter, Map, Stage


def run_local(
    stage: Stage, batch: Batch, *, name: str | None = None, excerpt: int | None = EXCERPT_CHARS
) -> Parted:
    """The batch after the stage, called `name` in errors, and what it counted for the report.

    Raises:
        BrokenBooksError: a map changed the rows or their order.
        TypeError: the stage is none of the three.
    """
    if isinstance(stage, Filter):
        found = stage.reject(batch)
        tallied = _tallied(stage, found)
        told = found.drop(name for name in tallied.columns if name not in stage.adds)
        parted = part_by_verdicts(batch, told, adds=stage.adds, excerpt=excerpt)
        return replace(parted, tallied=tallied)
    if isinstance(stage, Expander):
        keep_first = getattr(stage, "keep_first_id", False)
        expanded = stage.expand(batch)
        return part_by_expansion(batch, expanded, keep_first_id=keep_first, excerpt=excerpt)
    if not isinstance(stage, Map):
        raise TypeError(f"{type(stage).__name__} is no map, filter, expander or barrier")
    found = stage.map(batch)
    if found.height != batch.height or not found[ID].equals(batch[ID]):
        name = name or type(stage).__name__
        raise BrokenBooksError(f"{name} changed the rows or their order; no map may")
    edits = stage.edits(batch, found) if isinstance(stage, Editor) else {}
    parted = part_by_reason_column(found, excerpt=excerpt)
    return replace(parted, edits=edits, tallied=_tallied(stage, found))


def _tallied(stage: Stage, found: Table) -> Table:
    return found.select(getattr(stage, "tally", ()))
