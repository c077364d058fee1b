"""What a run did: the report as values, and the files that hold it.

Below `<output>/_datakit/`: `report.json` and `report.html` (everything), `manifest.json` (what
reproduces: the same bytes for the same pipeline, input and version), `README.md` (the card).
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from datakit.errors import UsageError
from datakit.report.counts import Counts
from datakit.stage import WrittenFile

LIBRARIES = ("polars", "pyarrow", "numpy", "orjson", "zstandard")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a barrier decided, as shown in the report: target beside achieved, for instance."""

    stage: str
    rows: list[dict[str, Any]]

    def tables(self) -> "list[Verdict]":
        """The rows as tables to show: by their value of `table`, where they have one, each with
        the columns that have a value in it; those with an underscore in front are for programs.
        """
        kinds = list(dict.fromkeys(row.get("table") for row in self.rows))
        found = []
        for kind in kinds:
            rows = [row for row in self.rows if row.get("table") == kind]
            names = [n for n in rows[0] if n != "table" and not n.startswith("_")]
            if kind is not None:
                names = [n for n in names if any(row[n] is not None for row in rows)]
            title = self.stage if kind is None else f"{self.stage}: {kind}"
            found.append(Verdict(title, [{n: row[n] for n in names} for row in rows]))
        return found


@dataclass(frozen=True, slots=True)
class Input:
    """One input file."""

    source: str
    path: str
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The report of one run."""

    name: str
    seed: int
    output: str
    pipeline_file: str
    pipeline_digest: str
    counts: Counts
    verdicts: list[Verdict]
    inputs: list[Input]
    files: list[WrittenFile]
    rejects: Mapping[str, int]
    reused: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def alarms(self) -> list[str]:
        """What the report must not let anybody overlook: sources that lost too large a share,
        splits that are empty.
        """
        return [
            f"{verdict.stage}: {_alarm(row)}"
            for verdict in self.verdicts
            for row in verdict.rows
            if row.get("alarm")
        ]

    @property
    def tables(self) -> list[tuple[str, list[str], list[list[Any]]]]:
        """What stages have to tell beside their counts, in the order of the stages: title, header,
        rows.
        """
        shown = [table for verdict in self.verdicts for table in verdict.tables()]
        found = [(v.stage, list(v.rows[0]), [list(row.values()) for row in v.rows]) for v in shown]
        found += [(title, *table) for title, table in self.counts.tally_tables().items()]
        return sorted(found, key=lambda table: int(table[0].partition(" ")[0]))

    @property
    def rows_in(self) -> int:
        """Records and malformed pieces of input read."""
        return self.counts.records_read

    @property
    def rows_out(self) -> int:
        """Records written."""
        return self.counts.records_written

    @property
    def rows_rejected(self) -> int:
        """Records rejected, malformed input included."""
        return self.counts.records_rejected

    @property
    def copies(self) -> int:
        """Records added: by a mixture that repeats a source, by cutting documents into several."""
        return self.counts.copies

    @property
    def is_balanced(self) -> bool:
        """Whether rows in = rows out + rejected - copies."""
        return self.rows_in == self.rows_out + self.rows_rejected - self.copies

    def manifest(self) -> dict[str, Any]:
        """What reproduces: no times, no paths of this machine, no word on resumes."""
        return {
            "datakit": version("datakit"),
            "libraries": {name: version(name) for name in LIBRARIES},
            "name": self.name,
            "seed": self.seed,
            "pipeline_digest": self.pipeline_digest,
            "inputs": [asdict(file) for file in self.inputs],
            "files": [asdict(file) for file in self.files],
            "counts": self.counts.to_json(),
        }

    def to_json(self) -> str:
        """The whole report as JSON text."""
        content = {
            **self.manifest(),
            "output": self.output,
            "pipeline_file": self.pipeline_file,
            "books": {
                "read": self.rows_in,
                "written": self.rows_out,
                "rejected": self.rows_rejected,
                "copies": self.copies,
                "balanced": self.is_balanced,
            },
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "rejects": dict(self.rejects),
            "run": {
                "seconds": self.seconds,
                "reused": self.reused,
                "python": sys.version.split()[0],
            },
        }
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From `to_json`."""
        content = json.loads(text)
        return cls(
            name=content["name"],
            seed=content["seed"],
            output=content["output"],
            pipeline_file=content["pipeline_file"],
            pipeline_digest=content["pipeline_digest"],
            counts=Counts.from_json(content["counts"]),
            verdicts=[Verdict(**verdict) for verdict in content["verdicts"]],
            inputs=[Input(**file) for file in content["inputs"]],
            files=[WrittenFile(**file) for file in content["files"]],
            rejects=content["rejects"],
            reused=content["run"]["reused"],
            seconds=content["run"]["seconds"],
        )


def _alarm(row: Mapping[str, Any]) -> str:
    """The alarm of a verdict's row; of a source it has the `share` that it is about."""
    if row.get("share") is None:
        return str(row["alarm"])
    return f"source {row['source']!r} {row['alarm']}: {row['share']:.1%}"


def load_report(run_dir: Path) -> Report:
    """The report of a finished run, from its output directory.

    Raises:
        UsageError: there is no finished run there.
    """
    path = run_dir / "_datakit" / "report.json"
    if not path.is_file():
        raise UsageError(
            f"{run_dir} holds no finished run (no {path}); "
            "name the output directory of a run, e.g. out/medical"
        )
    return Report.from_json(path.read_text(encoding="utf-8"))


def write_report(report: Report, output: Path, *, card: str, page: str) -> None:
    """Write the report's files; the manifest last, as the sign that the run is whole."""
    side = output / "_datakit"
    side.mkdir(parents=True, exist_ok=True)
    _write(side / "report.json", report.to_json())
    _write(side / "report.html", page)
    _write(side / "README.md", card)
    manifest = json.dumps(report.manifest(), ensure_ascii=False, indent=1) + "\n"
    _write(side / "manifest.json", manifest)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
