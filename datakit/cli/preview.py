"""`datakit preview`."""

from pathlib import Path
from typing import Any

import click

from datakit.cli.shared import example, pipeline_argument, pipeline_options, show


@click.command(epilog=example("datakit preview pipelines/medical.toml -n 3"))
@pipeline_argument
@click.option(
    "-n",
    "--records",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Records of each source to take.",
)
@pipeline_options
def preview(pipeline: Path, **options: Any) -> None:
    """Show what each stage does to the first records of PIPELINE.

    Nothing is written. Stages that need all records, such as dedup, see these only.
    """
    from datakit import api

    show(api.preview(pipeline, **options).render())
