"""`datakit check`."""

from pathlib import Path
from typing import Any

import click

from datakit.cli.shared import example, pipeline_argument, pipeline_options, show


@click.command(epilog=example("datakit check pipelines/medical.toml"))
@pipeline_argument
@pipeline_options
def check(pipeline: Path, **options: Any) -> None:
    """Find all mistakes in PIPELINE, each with its line.

    No data is read.
    """
    from datakit import api

    found = api.check(pipeline, **options)
    sources, stages = len(found.sources), len(found.stages)
    show(
        f"{found.file}: no mistakes; {sources} source{'s' * (sources != 1)}, "
        f"{stages} stage{'s' * (stages != 1)}, written to {found.output.path}"
    )
