"""What the commands share: arguments, printing, and how errors end a command."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from datakit.errors import DatakitError

INTERRUPTED = 130
Command = TypeVar("Command", bound=Callable[..., Any])


class Commands(click.Group):
    """The group of all commands, in the order they are of use; users' mistakes end without a
    traceback, with the exit code of their kind.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of adding, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except DatakitError as error:
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)


def example(*lines: str) -> str:
    """The closing lines of a command's help, kept as they are."""
    return "\b\nExample: " + "\n         ".join(lines)


def show(text: str) -> None:
    """Print to standard output; a reader that has left (`| head`) is no error."""
    try:
        click.echo(text)
    except BrokenPipeError:
        # The interpreter flushes standard output once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def pipeline_argument(command: Command) -> Command:
    """PIPELINE, the file; whether it is there is for the API to say, which suggests a near name."""
    return click.argument("pipeline", type=click.Path(path_type=Path))(command)


def pipeline_options(command: Command) -> Command:
    """`--set` and `--relative-to-file`."""
    changed = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="PLACE.KEY=VALUE",
        help="Change a setting: filter.length.min_chars=10, source.medical.path=new.jsonl, "
        "pipeline.seed=7; filter.length[2] is the second of several. Can be given again.",
    )
    relative = click.option(
        "--relative-to-file",
        is_flag=True,
        help="Take relative paths from the pipeline file's folder, not from the current one.",
    )
    return changed(relative(command))
