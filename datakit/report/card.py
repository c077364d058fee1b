"""The dataset card: what a stranger should know before training on the data."""

from typing import Any

from datakit.report.render import render_table
from datakit.report.report import Input, Report


def render_card(report: Report) -> str:
    """The card as Markdown, with counts that reproduce and no times."""
    splits: dict[str, int] = {}
    for file in report.files:
        splits[file.split] = splits.get(file.split, 0) + file.rows
    parts = [
        f"# {report.name}",
        (
            f"Built by datakit {report.manifest()['datakit']} from `{report.pipeline_file}` "
            f"(seed {report.seed}, pipeline digest `{report.pipeline_digest}`)."
        ),
        (
            f"{report.rows_in:,} records read = {report.rows_out:,} written + "
            f"{report.rows_rejected:,} rejected - {report.copies:,} copies."
        ),
        "## Splits",
        _fenced(render_table(("split", "records"), [(s, f"{n:,}") for s, n in splits.items()])),
        "## Sources",
        _fenced(
            render_table(
                ("source", "files", "bytes", "first file"),
                _inputs(report),
            )
        ),
        "## What was rejected",
        _fenced(render_table(("stage", "reason", "records"), _reasons(report))),
        "## Mixture and other decisions over the whole corpus",
        *(
            _fenced(f"{title}\n{render_table(header, _shown(rows))}")
            for title, header, rows in report.tables
        ),
        (
            "Where each record came from stands in `lineage/`, row by row; "
            "what was rejected, and why, in `rejects/`."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _inputs(report: Report) -> list[tuple[str, str, str, str]]:
    files: dict[str, list[Input]] = {}
    for file in report.inputs:
        files.setdefault(file.source, []).append(file)
    return [
        (source, f"{len(found):,}", f"{sum(f.bytes for f in found):,}", found[0].path)
        for source, found in files.items()
    ]


def _reasons(report: Report) -> list[tuple[str, str, str]]:
    return [
        (name, reason, f"{rows:,}")
        for (_, name), count in report.counts.by_stage().items()
        for reason, rows in sorted(count.reasons.items())
    ]


def _shown(rows: list[list[Any]]) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in row] for row in rows[:50]]


def _fenced(text: str) -> str:
    return f"```\n{text}\n```"
