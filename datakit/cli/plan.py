"""`datakit plan`."""

from pathlib import Path
from typing import Any

import click

from datakit.cli.shared import example, pipeline_argument, pipeline_options, show


@click.command(epilog=example("datakit plan pipelines/medical.toml"))
@pipeline_argument
@pipeline_options
def plan(pipeline: Path, **options: Any) -> None:
    """Show the segments and shards that PIPELINE compiles to.

    A sample of the input gives an estimate of records, time and disk.
    """
    from datakit import api

    show(api.plan(pipeline, **options).render())
