"""`datakit report`."""

from pathlib import Path

import click

from datakit.cli.shared import example, show


@click.command(epilog=example("datakit report out/medical --json"))
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def report(run: Path, *, as_json: bool) -> None:
    """Print the report of the run written to RUN."""
    from datakit import api
    from datakit.report.render import render_text

    found = api.report(run)
    show(found.to_json() if as_json else render_text(found))
