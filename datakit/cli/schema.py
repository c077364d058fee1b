"""`datakit schema`."""

import json

import click

from datakit.cli.shared import example, show


@click.command(epilog=example("datakit schema > datakit.schema.json"))
def schema() -> None:
    """Print the JSON Schema of pipeline files.

    With it, editors complete and check what is written.
    """
    from datakit.config.schema import pipeline_schema

    show(json.dumps(pipeline_schema(), indent=2, ensure_ascii=False))
