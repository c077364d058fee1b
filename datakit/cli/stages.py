"""`datakit stages`."""

import click

from datakit.cli.shared import example, show


@click.command(
    epilog=example(
        "datakit stages filter.length", "datakit stages filter.quality --preset fineweb2-zh"
    )
)
@click.argument("name", required=False)
@click.option("--preset", metavar="PRESET", help="Print the rules, sources and notes of a preset.")
@click.option("--markdown", is_flag=True, help="Print the catalogue as a Markdown table.")
def stages(name: str | None, *, preset: str | None, markdown: bool) -> None:
    """List all stages, or describe the stage NAME with its settings."""
    from datakit.config import catalogue

    if name is not None and markdown:
        raise click.UsageError("--markdown is for the whole catalogue; leave NAME out")
    if preset is not None:
        show(catalogue.describe_preset_of(name, preset))
    elif name is not None:
        show(catalogue.describe_stage(name))
    elif markdown:
        show(catalogue.markdown_table())
    else:
        entries = catalogue.list_stages()
        width = max(len(entry.name) for entry in entries)
        show("\n".join(f"{entry.name:<{width}}  {entry.line}" for entry in entries))
