"""`datakit new`."""

from importlib.resources import files
from pathlib import Path

import click

from datakit.cli.shared import example, show
from datakit.errors import UsageError

TEMPLATES = ("quickstart", "sft", "pretrain")


@click.command(epilog=example("datakit new --template sft chat.toml"))
@click.argument("path", type=click.Path(path_type=Path), default=Path("pipeline.toml"))
@click.option(
    "--template",
    type=click.Choice(TEMPLATES),
    default="quickstart",
    show_default=True,
    help="quickstart: the shortest; sft: conversations; pretrain: documents.",
)
def new(path: Path, *, template: str) -> None:
    """Write a pipeline file to start from.

    PATH is pipeline.toml if left out; a file that is there is not touched.
    """
    text = files("datakit.cli").joinpath("templates", f"{template}.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already; choose another name") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    show(f"{path} written: put your files into it, then `datakit check {path}`")
