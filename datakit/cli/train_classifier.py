"""`datakit train-classifier`."""

from pathlib import Path
from typing import Any

import click

from datakit.cli.shared import example, show


@click.command(
    name="train-classifier",
    epilog=example(
        "datakit train-classifier out/medical.bin --pipeline pipelines/medical.toml \\",
        "  --positive books --positive cases --negative general",
        "datakit train-classifier out/q.bin --positive good.jsonl --negative 'web/*.jsonl.zst'",
    ),
)
@click.argument("model", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--positive", multiple=True, required=True, help="Source or path; may be repeated.")
@click.option("--negative", multiple=True, required=True, help="Source or path; may be repeated.")
@click.option(
    "--pipeline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Pipeline file whose sources, and cleaning up to the first barrier, are used.",
)
@click.option("--text", default="text", show_default=True, help="Field of the text in files.")
@click.option(
    "--tokens",
    type=click.Choice(["characters", "jieba", "raw"]),
    default="characters",
    show_default=True,
    help="Chinese by characters or by words; raw: by white space, nothing changed.",
)
@click.option("--max-chars", type=click.IntRange(min=0), default=2000, show_default=True,
              help="Longer texts: a third each of start, middle and end; 0: all.")  # fmt: skip
@click.option("--most-records", type=click.IntRange(min=20), default=100_000, show_default=True,
              help="Of each side, drawn by a hash.")  # fmt: skip
@click.option("--held-out", type=click.FloatRange(0.01, 0.5), default=0.1, show_default=True,
              help="Share that is measured, not trained on.")  # fmt: skip
@click.option("--word-ngrams", type=click.IntRange(1, 5), default=2, show_default=True)
@click.option("--dim", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--epochs", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--learning-rate", type=click.FloatRange(0, 10, min_open=True), default=0.5,
              show_default=True)  # fmt: skip
@click.option("--min-count", type=click.IntRange(min=1), default=3, show_default=True,
              help="Rarer words are not learnt.")  # fmt: skip
@click.option("--buckets", type=click.IntRange(1, 100_000_000), default=200_000,
              show_default=True, help="Rows for runs of words.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True,
              help="More than one: another model each time.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=42, show_default=True)
def train_classifier(model: Path, **options: Any) -> None:
    """Train a fastText classifier that tells positive records from negative ones.

    MODEL is the file to write; a card beside it (MODEL.json) says what the model needs to be used
    by filter.classifier, and how good it is on held-out records.
    """
    from datakit import api

    show(api.train_classifier(model, **options).render())
