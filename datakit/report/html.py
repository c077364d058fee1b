"""The report as one self-contained HTML page: no script, no address outside the page."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from datakit.report.counts import StageCount, stage_label
from datakit.report.report import Report

STYLE = """
:root { color-scheme: light dark; --line: #8884; --kept: #2a7f62; --gone: #c8553d; }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2rem auto; padding: 0 1rem;
  max-width: 68rem; }
h1 { margin-bottom: .2rem; } h2 { margin: 2.2rem 0 .6rem; font-size: 1.1rem; }
.books { font-size: 1.15rem; } .bad { color: var(--gone); font-weight: bold; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
th { font-weight: 600; }
td:first-child { white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.alarm { border-left: .3rem solid var(--gone); padding: .3rem .7rem; font-weight: 600; }
.bar { display: flex; height: .7rem; min-width: 8rem; background: var(--line); margin-top: .4rem; }
.bar i { display: block; background: var(--kept); }
.bar b { display: block; background: var(--gone); }
footer { margin-top: 3rem; opacity: .7; font-size: .85rem; } code { font-size: .9em; }
"""


def render_html(report: Report) -> str:
    """The whole page."""
    sections = [
        f"<h1>{escape(report.name)}</h1>",
        _books(report),
        *(f"<p class=alarm>{escape(alarm)}</p>" for alarm in report.alarms),
        "<h2>What each stage did</h2>",
        _stages(report),
        *(
            f"<h2>{escape(title)}</h2>{_table(header, rows[:200])}"
            for title, header, rows in report.tables
        ),
        "<h2>What was written</h2>",
        _written(report),
        "<h2>Files</h2>",
        _table(
            ("file", "records", "bytes", "SHA-256"),
            [(f.path, f.rows, f.bytes, f.sha256[:16] + "…") for f in report.files],
        ),
        "<h2>Input</h2>",
        _table(("source", "file", "bytes"), [(i.source, i.path, i.bytes) for i in report.inputs]),
        (
            f"<footer>{escape(report.pipeline_file)}, seed {report.seed}, pipeline digest "
            f"<code>{report.pipeline_digest}</code>, datakit {report.manifest()['datakit']}. "
            "Every rejected record, with its reason and the values that decided, stands in "
            "<code>_datakit/rejects/</code>; the origin of every written one in "
            "<code>_datakit/lineage/</code>.</footer>"
        ),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(report.name)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _books(report: Report) -> str:
    copies = f" − {report.copies:,} copies" if report.copies else ""
    state = "" if report.is_balanced else ' <span class="bad">The books do not balance.</span>'
    return (
        f'<p class="books">{report.rows_in:,} records read = {report.rows_out:,} written + '
        f"{report.rows_rejected:,} rejected{copies}.{state}</p>"
    )


def _stages(report: Report) -> str:
    most = max((c.rows_in for c in report.counts.by_stage().values()), default=0)
    rows = [
        (
            stage_label(index, name),
            count.rows_in,
            count.rows_out,
            count.rejected,
            _Markup(_why(count) + _bar(count, most)),
        )
        for (index, name), count in report.counts.by_stage().items()
    ]
    return _table(("stage", "in", "out", "rejected", "why"), rows)


def _why(count: StageCount) -> str:
    reasons = [f"{escape(reason)} {rows:,}" for reason, rows in count.reasons_by_rows]
    if count.copies:
        reasons.append(f"{count.copies:,} copies added")
    reasons += [f"{number:,} {escape(what)}" for what, number in sorted(count.edits.items())]
    return ", ".join(reasons)


def _bar(count: StageCount, most: int) -> str:
    if not most:
        return ""
    kept = 100 * (count.rows_in - count.rejected) / most
    gone = 100 * count.rejected / most
    return (
        f'<div class="bar"><i style="width:{kept:.2f}%"></i><b style="width:{gone:.2f}%"></b></div>'
    )


def _written(report: Report) -> str:
    sources = sorted({source for _, source in report.counts.written})
    splits = list(dict.fromkeys(file.split for file in report.files))
    written = report.counts.written
    rows = [
        (
            split,
            sum(n for (s, _), n in written.items() if s == split),
            *(written.get((split, source), 0) for source in sources),
        )
        for split in splits
    ]
    return _table(("split", "records", *sources), rows)


class _Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [list(row) for row in rows]
    numeric = [all(_is_number(row[n]) for row in lines) and bool(lines) for n in range(len(header))]
    head = "".join(_cell("th", h, numeric[n]) for n, h in enumerate(header))
    body = "".join(
        "<tr>" + "".join(_cell("td", v, numeric[n]) for n, v in enumerate(row)) + "</tr>\n"
        for row in lines
    )
    return f'<div class="wide"><table><tr>{head}</tr>\n{body}</table></div>'


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(tag: str, value: Any, is_numeric: bool) -> str:
    if isinstance(value, _Markup):
        shown = str(value)
    elif isinstance(value, bool):
        shown = "yes" if value else "no"
    elif isinstance(value, float):
        shown = f"{value:.4g}"
    elif isinstance(value, int):
        shown = f"{value:,}"
    else:
        shown = escape("" if value is None else str(value))
    return f"<{tag}{' class=n' if is_numeric else ''}>{shown}</{tag}>"
