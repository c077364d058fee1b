"""The life of one record in a run: where it came from, what became of it, and why."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from datakit.errors import UsageError
from datakit.report.report import load_report

MOST_DUPLICATES = 20


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the output: the file, the row in it from 1, and the lineage kept beside it."""

    file: str
    row: int
    lineage: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Life:
    """What became of one record: places where it was written, the rejects that bear its id, and
    the ids of records that were rejected in its favour.
    """

    record_id: str
    places: list[Place] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)

    def render(self) -> str:
        """The life as text for a terminal."""
        lines = [self.record_id]
        for place in self.places:
            lineage = place.lineage
            lines.append(f"  from     {lineage['source']}, {lineage['file']}:{lineage['line']}")
            lines.append(f"  written  {place.file}, row {place.row:,}")
            notes = json.loads(lineage["annotations"])
            lines += [f"  {name}: {value}" for name, value in notes.items() if value is not None]
        for reject in self.rejects:
            lines.append(f"  from     {reject['source']}, {reject['file']}:{reject['line']}")
            lines.append(f"  rejected by {reject['stage']}: {reject['reason']}")
            lines += [f"    {name} = {_short(value)}" for name, value in reject["values"].items()]
            if reject["text"]:
                lines.append(f"    text: {_short(reject['text'])}")
        if self.duplicates:
            lines.append(f"  kept in favour over {len(self.duplicates)} duplicates:")
            lines += [f"    {_duplicate(d)}" for d in self.duplicates[:MOST_DUPLICATES]]
        return "\n".join(lines)


def explain_record(run_dir: Path, record_id: str) -> Life:
    """Find a record by its id among what a run wrote and rejected.

    Raises:
        UsageError: no finished run there, or no record of this id in it.
    """
    load_report(run_dir)
    side = run_dir / "_datakit"
    found = list(_rejects(side / "rejects", record_id))
    places = list(_places(side / "lineage", record_id))
    rejects = [reject for reject in found if reject["id"] == record_id]
    sources = {place.lineage["source"] for place in places} | {r["source"] for r in rejects}
    duplicates = [reject for reject in found if _is_in_favour(reject, record_id, sources)]
    life = Life(record_id, places, rejects, duplicates)
    if not (life.places or life.rejects):
        raise UsageError(
            f"no record {record_id!r} in {run_dir}; ids are the records' own, else "
            "<source>/<file>:<line>, as in _datakit/lineage/ and _datakit/rejects/"
        )
    return life


def _places(folder: Path, record_id: str) -> Iterator[Place]:
    for path in sorted(folder.glob("*.parquet")):
        rows = pl.scan_parquet(path).with_row_index("_row", offset=1)
        mine = (pl.col("id") == record_id) | pl.col("id").str.starts_with(record_id + "#")
        for row in rows.filter(mine).collect().iter_rows(named=True):
            number = row.pop("_row")
            yield Place(f"{path.stem.split('-', 1)[0]}/{path.stem}", number, row)


def _rejects(folder: Path, record_id: str) -> Iterator[dict[str, Any]]:
    wanted = json.dumps(record_id, ensure_ascii=False).encode()
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                if wanted in line:
                    yield json.loads(line)


def _is_in_favour(reject: dict[str, Any], record_id: str, sources: set[str]) -> bool:
    """Whether a record was rejected in favour of that of an id, one of `sources`; a record of an
    index may have the same id (`kept_in` tells), and one of another source.
    """
    values = reject["values"]
    is_of_run = values.get("kept_id") == record_id and "kept_in" not in values
    return is_of_run and ("kept_source" not in values or values["kept_source"] in sources)


def _duplicate(reject: dict[str, Any]) -> str:
    similarity = reject["values"].get("similarity")
    shown = f", similarity {similarity:.3f}" if isinstance(similarity, float) else ""
    return f"{reject['id']} ({reject['reason']}{shown})"


def _short(value: Any, most: int = 160) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"
