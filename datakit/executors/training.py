"""Training a fastText classifier on records of two sides, and measuring it on held-out ones."""

import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from datakit.errors import DatakitError
from datakit.executors.conclude import shown_path
from datakit.executors.parting import part_by_reason_column
from datakit.executors.reading import list_shards, read_shard
from datakit.executors.row_local import run_local
from datakit.kernels.fasttext import load_model
from datakit.plan import Plan
from datakit.records import SOURCE, Batch, Table, hash_strings, joined_content, utf8_buffers
from datakit.report.training import TrainingReport, as_plain, measure_thresholds
from datakit.stage import Source
from datakit.text.classifier_tokens import Card, Tokens, card_path, tokenise
from datakit.text.excerpts import take_excerpts

POSITIVE, NEGATIVE = "positive", "negative"
SIDES = (POSITIVE, NEGATIVE)
SHARD_BYTES = 32 << 20
LEAST_RECORDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """Settings of a training; those of fastText have its meaning. Learning rate, epochs and runs of
    two words are those of ChineseWebText's classifier (arXiv 2311.01149).

    `tokens` and `max_chars`: what the model is shown of a text. `most_records`: of each side, drawn
    by a hash. `held_out`: the share that is not trained on, but measured. One thread gives the same
    model each time.
    """

    tokens: Tokens = "characters"
    max_chars: int = 2_000
    most_records: int = 100_000
    held_out: float = 0.1
    seed: int = 42
    word_ngrams: int = 2
    dim: int = 100
    epochs: int = 5
    learning_rate: float = 0.5
    min_count: int = 3
    buckets: int = 200_000
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Side:
    """Where one side's records come from: sources of a plan, by name."""

    plan: Plan
    sources: tuple[str, ...]


def train(
    model: Path, sides: dict[str, list[Side]], settings: Training, *, began: float
) -> TrainingReport:
    """Train on the records of `sides` (`positive`, `negative`), write model and card.

    Records go through the maps and filters of their plan, up to its first barrier. Texts that are
    equal to fastText are on one side of the line between training and held-out records.

    Raises:
        DatakitError: a side has too few records, or a file cannot be written.
    """
    lines = {side: _gather(side, sides[side], settings) for side in SIDES}
    held = {side: table.filter(_is_held(settings)) for side, table in lines.items()}
    kept = {side: table.filter(~_is_held(settings)) for side, table in lines.items()}
    try:
        model.parent.mkdir(parents=True, exist_ok=True)
        _fit(model, kept, settings)
    except (OSError, RuntimeError, ValueError) as error:
        raise DatakitError(f"{model} cannot be trained: {error}") from error
    learnt = load_model(model)
    scores = [learnt.probability(*utf8_buffers(held[s]["line"]), label=POSITIVE) for s in SIDES]
    thresholds = measure_thresholds(*(np.minimum(np.round(s, 6), 1.0) for s in scores))
    records = {side: (kept[side].height, held[side].height) for side in SIDES}
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    data = {side: _describe(sides[side], lines[side], records[side]) for side in SIDES}
    more = {"model_sha256": digest, "data": data, "held_out": as_plain(thresholds)}
    _write_card(model, settings, more)
    return TrainingReport(
        model=str(model),
        card=str(card_path(model)),
        sha256=digest,
        tokens=settings.tokens,
        records=records,
        thresholds=thresholds,
        seconds=time.monotonic() - began,
    )


def _write_card(model: Path, settings: Training, more: dict[str, Any]) -> None:
    """Beside the model: what it needs to be used, and how it came about."""
    card = Card(tokens=settings.tokens, max_chars=settings.max_chars, label=POSITIVE, labels=SIDES)
    versions = {name: version(name) for name in ("datakit", "fasttext-community", "jieba")}
    text = card.to_json(settings=asdict(settings), versions=versions, **more)
    card_path(model).write_text(text, encoding="utf-8")


def _gather(name: str, sides: Sequence[Side], settings: Training) -> Table:
    """The lines of one side, `line` and its hash `key`, in order of hashes: at most so many as are
    wanted, and never more than three times as many in memory.

    Raises:
        DatakitError: there are too few.
    """
    most, rejected = settings.most_records, Counter[str]()
    found = pl.DataFrame(schema={"line": pl.String, "key": pl.UInt64})
    for side in sides:
        for batch in _records(side, rejected):
            texts = take_excerpts(joined_content(batch), settings.max_chars)
            lines = tokenise(texts, settings.tokens).str.replace_all(r"\s+", " ").alias("line")
            keys = hash_strings(lines, seed=settings.seed).alias("key")
            found = found.vstack(pl.DataFrame([lines, keys]).filter(pl.col("line") != ""))
            if found.height > 2 * most:
                found = found.sort("key", maintain_order=True).head(most)
    if found.height < LEAST_RECORDS:
        why = ", ".join(f"{reason} {count:,}" for reason, count in rejected.most_common())
        told = f"; rejected were: {why}" if why else ""
        few = f"the {name} side has {found.height} records; {LEAST_RECORDS} are the least"
        raise DatakitError(few + told)
    return found.sort("key", maintain_order=True).head(most)


def _records(side: Side, rejected: Counter[str]) -> Iterator[Batch]:
    """The records that pass; of others, `rejected` counts the reasons."""
    for source in side.plan.sources:
        if source.name not in side.sources:
            continue
        for batch in _read(source, rejected):
            for step in side.plan.segments[0].steps:
                if batch.height and step.concerns(source.name):
                    parted = run_local(step.stage, batch)
                    rejected.update(parted.rejects["reason"])
                    batch = parted.kept
            if batch.height:
                yield batch


def _read(source: Source, rejected: Counter[str]) -> Iterator[Batch]:
    for shard in list_shards(source, SHARD_BYTES):
        for batch in read_shard(source, shard):
            parted = part_by_reason_column(batch)
            rejected.update(parted.rejects["reason"])
            yield parted.kept


def _is_held(settings: Training) -> pl.Expr:
    """The upper bits of the key order the records, the lower ones part them."""
    return pl.col("key") % 10_000 < round(settings.held_out * 10_000)


def _fit(model: Path, lines: dict[str, Table], settings: Training) -> None:
    """Train and save; the lines of both sides are mixed in order of their hashes."""
    import fasttext

    tagged = [
        table.select(pl.concat_str(pl.lit(f"__label__{side} "), "line"), "key")
        for side, table in lines.items()
    ]
    with tempfile.TemporaryDirectory(dir=model.parent) as folder:
        text = Path(folder) / "lines.txt"
        mixed = pl.concat(tagged).sort("key", maintain_order=True)["literal"]
        text.write_text("\n".join(mixed.to_list()) + "\n", encoding="utf-8")
        trained = fasttext.train_supervised(
            str(text),
            lr=settings.learning_rate,
            dim=settings.dim,
            epoch=settings.epochs,
            minCount=settings.min_count,
            wordNgrams=settings.word_ngrams,
            bucket=settings.buckets if settings.word_ngrams > 1 else 0,
            loss="softmax",
            thread=settings.threads,
            seed=settings.seed,
            verbose=0,
        )
        trained.save_model(str(Path(folder) / "model.bin"))
        (Path(folder) / "model.bin").replace(model)


def _describe(sides: Sequence[Side], lines: Table, records: tuple[int, int]) -> dict[str, Any]:
    """A side's data for the card: files with their sizes, and a digest of what was learnt from."""
    digest = hashlib.sha256()
    for line in lines["line"]:
        digest.update(line.encode() + b"\n")
    files = [
        {SOURCE: source.name, "path": shown_path(file.path), "bytes": file.size}
        for side in sides
        for source in side.plan.sources
        if source.name in side.sources
        for file in source.inputs()
    ]
    trained, held = records
    return {"trained": trained, "held_out": held, "sha256": digest.hexdigest(), "files": files}
