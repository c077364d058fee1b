"""`datakit tokens`."""

from pathlib import Path

import click

from datakit.cli.shared import example, show


@click.command(epilog=example("datakit tokens out/medical", "datakit tokens out/medical --json"))
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--column", default="n_tokens", show_default=True, help="The count to look at.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def tokens(run: Path, *, column: str, as_json: bool) -> None:
    """Show how long the records of RUN are in tokens, and how many fit 2k, 4k, 8k and 32k.

    The pipeline counts them with the stage annotate.tokens.
    """
    from datakit import api

    found = api.tokens(run, column=column)
    show(found.to_json() if as_json else found.render())
