"""`datakit detect`."""

from pathlib import Path

import click

from datakit.cli.shared import example, show


@click.command(epilog=example("datakit detect sample_data/general/zh/alpaca_zh.json"))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "name", default=None, help="jsonl, json, csv ...; else by the suffix.")
@click.option(
    "--records",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many to look at.",
)
def detect(path: Path, name: str | None, records: int) -> None:
    """Say which dialect of conversations or instructions PATH is written in.

    Prints the lines that read it, for a pipeline file.
    """
    from datakit import api

    found = api.detect(path, source_format=name, records=records)
    show(f"{path}: {found.what}\n\n{found.toml()}".rstrip())
