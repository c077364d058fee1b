"""The lengths of a run's records in tokens: percentiles, and how many fit a model's window."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from datakit.errors import UsageError
from datakit.report.report import load_report
from datakit.tokens.histogram import LengthHistogram

COLUMN = "n_tokens"
PERCENTILES = (5, 25, 50, 75, 90, 95, 99)
WINDOWS = {"2k": 2_048, "4k": 4_096, "8k": 8_192, "32k": 32_768}
ALL = "all"
BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of the records of one split and source (`all`: of all sources)."""

    split: str
    source: str
    records: int
    tokens: int
    percentiles: dict[str, int]
    longest: int
    fitting: dict[str, float]


@dataclass(frozen=True, slots=True)
class LengthReport:
    """Lengths by split and source; `uncounted` records have no count of tokens."""

    column: str
    rows: list[Lengths]
    uncounted: int = 0
    windows: dict[str, int] = field(default_factory=lambda: dict(WINDOWS))

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    def render(self) -> str:
        """The report as a table for a terminal; shares are of the records."""
        head = ["split", "source", "records", "tokens", "mean"]
        head += [*(f"p{p}" for p in PERCENTILES), "max", *(f"≤{name}" for name in WINDOWS)]
        table = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[n]) for line in table) for n in range(len(head))]
        lines = [
            "  ".join(
                cell.ljust(width) if place < 2 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in table
        ]
        if self.uncounted:
            lines.append(f"{self.uncounted:,} records have no {self.column}")
        return "\n".join(lines)


def _cells(row: Lengths) -> list[str]:
    mean = row.tokens / row.records
    numbers = [f"{n:,}" for n in (row.records, row.tokens)]
    numbers += [f"{mean:,.0f}", *(f"{n:,}" for n in row.percentiles.values()), f"{row.longest:,}"]
    return [row.split, row.source, *numbers, *(f"{share:.1%}" for share in row.fitting.values())]


def measure_lengths(run_dir: Path, column: str = COLUMN) -> LengthReport:
    """The lengths that a run counted (`annotate.tokens`), from its lineage, piece by piece.

    Raises:
        UsageError: no finished run there, or it counted no such column.
    """
    load_report(run_dir)
    found: dict[tuple[str, str], LengthHistogram] = {}
    uncounted = 0
    for split, rows in _counted(run_dir / "_datakit" / "lineage", column):
        uncounted += rows["tokens"].null_count()
        for (source,), group in rows.drop_nulls("tokens").group_by("source"):
            histogram = found.setdefault((split, str(source)), LengthHistogram())
            histogram.add(group["tokens"].to_numpy())
    if not found:
        raise UsageError(
            f"{run_dir} has no column {column!r}: put annotate.tokens into the pipeline, "
            "behind the last stage that changes texts"
        )
    splits = dict.fromkeys(split for split, _ in sorted(found, key=lambda key: _place(key[0])))
    table = [row for split in splits for row in _of_split(split, found)]
    return LengthReport(column, table, uncounted)


def _counted(folder: Path, column: str) -> Iterator[tuple[str, pl.DataFrame]]:
    number = pl.col("annotations").str.json_path_match(f"$.{column}").cast(pl.Int64)
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=["source", "annotations"]):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield path.name.split("-", 1)[0], frame.select("source", number.alias("tokens"))


def _of_split(split: str, found: dict[tuple[str, str], LengthHistogram]) -> Iterator[Lengths]:
    total = LengthHistogram()
    mine = {source: h for (each, source), h in sorted(found.items()) if each == split}
    for histogram in mine.values():
        total.merge(histogram)
    for source, histogram in {ALL: total, **(mine if len(mine) > 1 else {})}.items():
        yield Lengths(
            split,
            source,
            histogram.count,
            histogram.total,
            {f"p{p}": histogram.percentile(p) for p in PERCENTILES},
            histogram.longest,
            {name: round(histogram.fitting(most), 6) for name, most in WINDOWS.items()},
        )


def _place(split: str) -> tuple[int, str]:
    order = ("train", "val", "test")
    return (order.index(split) if split in order else len(order), split)
