"""The command line: one file a command, each a thin skin over `datakit.api`.

Commands import what they need when they run, so that `datakit --help` starts at once.
"""

import os

import click

from datakit import __version__
from datakit.cli.check import check
from datakit.cli.detect import detect
from datakit.cli.explain import explain
from datakit.cli.fit import fit
from datakit.cli.new import new
from datakit.cli.plan import plan
from datakit.cli.preflight import preflight
from datakit.cli.preview import preview
from datakit.cli.report import report
from datakit.cli.run import run
from datakit.cli.schema import schema
from datakit.cli.shared import Commands, example
from datakit.cli.stages import stages
from datakit.cli.tokens import tokens
from datakit.cli.train_classifier import train_classifier


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "datakit new corpus.toml", "datakit check corpus.toml", "datakit run corpus.toml"
    ),
)
@click.version_option(__version__, prog_name="datakit")
def main() -> None:
    """Turn raw text into training data for language models; one TOML file says how.

    Exit codes: 0 done, 1 an error in the run, 2 a mistake in the pipeline file or on the command
    line, 3 the books do not balance, 130 interrupted.
    """
    # Batches are small: Polars' threads cost a fifth more CPU time than they save, and those of
    # numpy and scipy only wait; several cores are for worker processes. Read by the libraries when
    # they are imported, later than this.
    for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")


COMMANDS = (
    run,
    check,
    plan,
    preview,
    explain,
    report,
    tokens,
    preflight,
    stages,
    schema,
    new,
    detect,
    fit,
    train_classifier,
)
for command in COMMANDS:
    main.add_command(command)
