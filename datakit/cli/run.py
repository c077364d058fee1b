"""`datakit run`."""

from pathlib import Path
from typing import Any

import click

from datakit.cli.shared import example, pipeline_argument, pipeline_options, show


@click.command(
    epilog=example("datakit run pipelines/medical.toml --workers 4 --set mix.weighted.unit=chars")
)
@pipeline_argument
@click.option("--output", type=click.Path(path_type=Path), help="Write here, not to [output] path.")
@click.option(
    "--workdir",
    type=click.Path(path_type=Path),
    help="Folder for intermediate work, used again by the next run  [default: in the output]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Worker processes; results do not depend on it  [default: as many as pay off]",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "pool"]),
    help="This process, or a pool of workers  [default: by the size of the input]",
)
@click.option("--quiet", is_flag=True, help="Say nothing unless something goes wrong.")
@pipeline_options
def run(pipeline: Path, *, quiet: bool, **options: Any) -> None:
    """Run PIPELINE and print the report.

    Progress goes to standard error, the report to standard output. After an interruption the same
    command goes on where it stopped.
    """
    from datakit import api
    from datakit.report.progress import default_progress
    from datakit.report.render import render_text

    report = api.run(pipeline, progress=None if quiet else default_progress(), **options)
    if not quiet:
        show(render_text(report))
