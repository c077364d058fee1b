"""`datakit explain`."""

from pathlib import Path

import click

from datakit.cli.shared import example, show


@click.command(epilog=example("datakit explain out/medical 'qa/internal.csv:17'"))
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("record_id", metavar="ID")
def explain(run: Path, record_id: str) -> None:
    """Tell what became of the record ID in the run written to RUN."""
    from datakit import api

    show(api.explain(run, record_id).render())
