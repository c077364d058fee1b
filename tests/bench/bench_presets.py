"""How many records each preset rejects: a table, corpora across, presets down.

    python tests/bench/bench_presets.py corpus.jsonl [more.jsonl ...]
    python tests/bench/bench_presets.py corpus.jsonl --rules datakit-zh-doc

A corpus is a JSONL file; `text` of each line (or `--field`) is measured, of at most `--limit` lines
spread evenly over the file. With `--rules PRESET` the table is that preset's rules, each by itself.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from datakit.presets.load import load_preset, preset_names
from datakit.signals import columns_named, measure
from datakit.stages.filter.quality import QualityFilter


def read_texts(path: Path, field: str, limit: int) -> pl.Series:
    """The texts of a file's lines, every n-th so that at most `limit` come."""
    with path.open(encoding="utf-8") as lines:
        texts = [json.loads(line)[field] for line in lines]
    step = max(1, -(-len(texts) // limit))
    return pl.Series("text", texts[::step], dtype=pl.String)


def signals_of(presets: Sequence[str]) -> set[str]:
    """All signals that the presets' rules name."""
    rules = [rule for name in presets for rule in load_preset(name).rules]
    return {column for rule in rules for column in columns_named(rule.signal, rule.when)}


def rejected_by(measured: pl.DataFrame, preset: str, only: str | None = None) -> float:
    """Share of texts that a preset rejects, or that one of its rules rejects."""
    rules = [rule.name for rule in load_preset(preset).rules]
    skip = tuple(name for name in rules if only is not None and name != only)
    reasons = QualityFilter(preset=preset, skip=skip, reuse=True).reject(measured)["reason"]
    return 1 - reasons.null_count() / len(reasons)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Rejection rates of presets.")
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--field", default="text")
    parser.add_argument("--limit", type=int, default=5000)
    parser.add_argument("--rules", metavar="PRESET")
    options = parser.parse_args(arguments)
    presets = [options.rules] if options.rules else preset_names()
    rows = [rule.name for rule in load_preset(options.rules).rules] if options.rules else presets
    columns = {}
    for path in options.corpora:
        texts = read_texts(path, options.field, options.limit)
        measured = measure(texts, signals_of(presets))
        chosen = [(options.rules, row) if options.rules else (row, None) for row in rows]
        columns[f"{path.stem} ({len(texts):,})"] = [rejected_by(measured, *each) for each in chosen]
    print("| " + " | ".join(["rejected, %", *columns]) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for place, row in enumerate(rows):
        print("| " + " | ".join([row, *(f"{100 * c[place]:.1f}" for c in columns.values())]) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
