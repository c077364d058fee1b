"""`datakit preflight`."""

from pathlib import Path
from typing import Any

import click

from datakit.cli.shared import example, show


@click.command(
    epilog=example(
        "datakit preflight out/medical --template qwen --cutoff 4096 --tokenizer models/qwen"
    )
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--trainer", default="llamafactory", show_default=True, help="Whose rules.")
@click.option("--template", required=True, help="The trainer's name for its chat template.")
@click.option("--tokenizer", required=True, help="Tokenizer file, folder, or package://NAME/FILE.")
@click.option("--cutoff", default=2048, show_default=True, help="The trainer's cutoff_len.")
@click.option("--split", default="train", show_default=True, help="The split to judge.")
@click.option("--packing/--no-packing", default=None, help="The trainer's packing.")
@click.option("--mask-history", is_flag=True, help="Only the last answer is trained.")
@click.option("--train-on-prompt", is_flag=True, help="Questions are trained too.")
@click.option(
    "--no-thinking", "enable_thinking", flag_value=False, default=True, help="No thoughts."
)
@click.option("--dataset-info", type=click.Path(path_type=Path), help="dataset_info.json to use.")
@click.option("--dataset", help="Which data set of it.")
@click.option("--examples", default=5, show_default=True, help="Rows to show for each reason.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def preflight(run: Path, *, as_json: bool, **settings: Any) -> None:
    """Tell what a trainer will do with the rows of RUN: keep, cut, leave out, or stop.

    Exit code 1 if there is a row that it does not train as it is.
    """
    from datakit import api

    found = api.preflight(run, **settings)
    show(found.to_json() if as_json else found.render())
    if not found.is_clean:
        click.get_current_context().exit(1)
