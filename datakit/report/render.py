"""The report as text for a terminal."""

from collections.abc import Iterable, Sequence
from typing import Any

from datakit.report.counts import StageCount, stage_label
from datakit.report.report import Report

MOST_VERDICT_ROWS = 20


def render_text(report: Report) -> str:
    """The whole report: books, stages, verdicts of barriers, splits and files."""
    blocks = [_headline(report), _stages(report)]
    blocks += [_table(*table) for table in report.tables]
    blocks += [_splits(report), _places(report)]
    return "\n\n".join(block for block in blocks if block)


def _headline(report: Report) -> str:
    copies = f" - {report.copies:,} copies" if report.copies else ""
    lines = [
        f"{report.name}: {report.rows_in:,} read = {report.rows_out:,} written "
        f"+ {report.rows_rejected:,} rejected{copies}"
        + ("; the books balance" if report.is_balanced else "; THE BOOKS DO NOT BALANCE")
    ]
    if report.reused:
        lines.append("used again from earlier runs: " + "; ".join(report.reused))
    lines += [f"ALARM: {alarm}" for alarm in report.alarms]
    return "\n".join(lines)


def _stages(report: Report) -> str:
    rows = [
        (
            stage_label(index, name),
            *_cells(count),
        )
        for (index, name), count in report.counts.by_stage().items()
    ]
    return render_table(("stage", "in", "out", "rejected", "why"), rows)


def _cells(count: StageCount) -> tuple[str, str, str, str]:
    why = ", ".join(f"{reason} {rows:,}" for reason, rows in count.reasons_by_rows)
    if count.copies:
        why = f"{why}{', ' if why else ''}{count.copies:,} copies added"
    edits = ", ".join(f"{number:,} {what}" for what, number in sorted(count.edits.items()))
    if edits:
        why = f"{why}; {edits}" if why else edits
    return f"{count.rows_in:,}", f"{count.rows_out:,}", f"{count.rejected:,}", why


def _table(title: str, header: list[str], rows: list[list[Any]]) -> str:
    cells = [[_value(cell) for cell in row] for row in rows[:MOST_VERDICT_ROWS]]
    more = len(rows) - len(cells)
    table = render_table(header, cells)
    return f"{title}\n{table}" + (f"\n... and {more} more rows" if more else "")


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _splits(report: Report) -> str:
    sources = sorted({source for _, source in report.counts.written})
    splits = list(dict.fromkeys(file.split for file in report.files))
    rows = [
        [
            split,
            f"{sum(n for (s, _), n in report.counts.written.items() if s == split):,}",
            *(f"{report.counts.written.get((split, source), 0):,}" for source in sources),
        ]
        for split in splits
    ]
    return render_table(("split", "records", *sources), rows) if rows else "nothing was written"


def _places(report: Report) -> str:
    size = sum(file.bytes for file in report.files) / 1e6
    count = f"{len(report.files)} file{'' if len(report.files) == 1 else 's'}"
    lines = [f"{count}, {size:,.1f} MB in {report.output}; {report.seconds:.1f} s"]
    if report.rejects:
        lines.append(f"rejects, each with its reason: {report.output}/_datakit/rejects/")
    return "\n".join(lines)


def render_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A plain table: numbers to the right, text to the left, widths as a terminal shows them."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(_width(line[n]) for line in lines) for n in range(len(header))]
    numeric = [all(_is_number(line[n]) for line in lines[1:]) for n in range(len(header))]
    return "\n".join(
        "  ".join(_pad(cell, widths[n], right=numeric[n]) for n, cell in enumerate(line)).rstrip()
        for line in lines
    )


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "").replace("-", "").replace("e", "").isdigit() or (
        cell == ""
    )


def _width(text: str) -> int:
    # Han, kana, Hangul and full-width forms take two columns.
    return sum(2 if ord(c) >= 0x1100 and _is_wide(ord(c)) else 1 for c in text)


def _is_wide(code: int) -> bool:
    return (
        code <= 0x115F
        or 0x2E80 <= code <= 0xA4CF
        or 0xAC00 <= code <= 0xD7A3
        or 0xF900 <= code <= 0xFAFF
        or 0xFE30 <= code <= 0xFE6F
        or 0xFF00 <= code <= 0xFF60
        or 0xFFE0 <= code <= 0xFFE6
        or code >= 0x1F300
    )


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
