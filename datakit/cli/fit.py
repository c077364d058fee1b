"""`datakit fit`."""

from pathlib import Path
from typing import Any

import click

from datakit.cli.shared import example, pipeline_options, show
from datakit.errors import UsageError


@click.command(
    epilog=example(
        "datakit fit pipelines/medical.toml --like fineweb2-zh -o medical-zh.toml",
        "datakit fit 'books/*.jsonl.zst' --text content --tail 0.02",
    )
)
@click.argument("reference")
@click.option(
    "--like",
    default="datakit-zh-doc",
    show_default=True,
    help="The preset, by name or path, whose rules get new thresholds.",
)
@click.option(
    "--tail",
    type=click.FloatRange(0, 0.5),
    default=0.01,
    show_default=True,
    help="Share of the reference that each rule may reject.",
)
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=20_000,
    show_default=True,
    help="Records to measure.",
)
@click.option(
    "--text", default="text", show_default=True, help="The field of data files to measure."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the preset here, not to the screen.",
)
@pipeline_options
def fit(reference: str, *, output: Path | None, **options: Any) -> None:
    """Set the thresholds of a preset so that good text passes.

    REFERENCE is a pipeline file, whose sources are read through the formatters and cleaners in
    front of its first filter.quality, or a path or pattern of data files. Records are chosen by a
    hash of their ids; memory does not grow with the reference.
    The result is a preset for filter.quality: preset = "medical-zh.toml".
    """
    from datakit import api

    if output is not None and (output.suffix != ".toml" or output.exists()):
        what = "exists already" if output.exists() else "does not end in .toml"
        raise UsageError(f"{output} {what}; choose another name")
    fitted = api.fit(reference, **options)
    if output is None:
        show(fitted.toml())
        return
    try:
        output.write_text(fitted.toml(), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
    show(
        f"{output} written: {len(fitted.preset.rules)} rules from {fitted.records:,} records, of "
        f'which they reject {fitted.rejected:.2%} together; use it as preset = "{output}"'
    )
