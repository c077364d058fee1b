"""Language labels: our kernel beside the installed fastText binding, over the same texts.

    python tests/bench/bench_language.py [CORPUS.jsonl ...] [--megabytes 20] [--rounds 3]
        [--python /path/to/other/venv/bin/python]

Each round runs all contestants in turn, one line a text as both want it; figures are the best
round's MB of text per CPU second. `--python` adds the binding of another environment (its module
`fasttext`, whichever package that is from). Corpora: JSONL with a field `text`; else text made from
the sample data.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from corpus import documents, grow

from datakit.kernels.language import detect, load_cached
from datakit.records import utf8_buffers
from datakit.stages.annotate.language import LanguageAnnotation
from datakit.testing import make_batch

LID = Path(str(files("datakit"))) / "models" / "lid.176.ftz"
BINDING = """
import json, sys, time
import fasttext
predict = fasttext.load_model(sys.argv[1]).f.predict
lines = json.load(open(sys.argv[2], encoding="utf-8"))
began = time.process_time()
found = [predict(line + "\\n", 1, 0.0, "strict") for line in lines]
seconds = time.process_time() - began
json.dump([seconds, [list(f[0]) if f else [0.0, ""] for f in found]], sys.stdout)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpora", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", action="append", default=[])
    arguments = parser.parse_args()
    size = int(arguments.megabytes * 1e6)
    for corpus in arguments.corpora or [None]:
        texts = list(grow(documents([corpus] if corpus else []), size, edit=False))
        print(f"{corpus or 'sample data'}: {len(texts):,} texts, {size / 1e6:.0f} MB")
        compare(texts, [sys.executable, *arguments.python], arguments.rounds)


def compare(texts: list[str], pythons: list[str], rounds: int) -> None:
    """The kernel and each binding on whole texts; then what stages do with them."""
    lines = pl.Series([text.replace("\n", " ").replace("\0", " ") for text in texts])
    megabytes = lines.str.len_bytes().sum() / 1e6
    packed, model = utf8_buffers(lines), load_cached(None)
    batch = make_batch([{"text": text} for text in texts])
    stage, whole = LanguageAnnotation(), LanguageAnnotation(max_chars=0)
    ours: dict[str, Callable[[], object]] = {
        "kernel, whole texts": lambda: model.best(*packed),
        "scripts, then kernel, whole texts": lambda: detect(*packed),
        "annotate.language, whole texts": lambda: whole.map(batch),
        "annotate.language": lambda: stage.map(batch),
    }
    best = dict.fromkeys([*ours, *pythons], float("inf"))
    found = {}
    for work in ours.values():
        work()  # compiles
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(lines.to_list(), file, ensure_ascii=False)
        file.flush()
        for _ in range(rounds):
            for name, work in ours.items():
                began = time.process_time()
                work()
                best[name] = min(best[name], time.process_time() - began)
            for python in pythons:
                seconds, found[python] = ask_binding(python, file.name)
                best[python] = min(best[python], seconds)
    for name, seconds in best.items():
        print(f"  {megabytes / seconds:8.1f} MB/s  {name}")
    fastest = min(best[python] for python in pythons)
    print(f"  kernel: {fastest / best['kernel, whole texts']:.1f} times the fastest binding")
    agree(model.best(*packed), model.labels, found[pythons[0]])


def ask_binding(python: str, lines: str) -> tuple[float, list[tuple[float, str]]]:
    """CPU seconds, and the labels and probabilities of an environment's `fasttext`."""
    command = [python, "-c", BINDING, str(LID), lines]
    seconds, found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return seconds, found


def agree(
    ours: tuple[np.ndarray, np.ndarray], labels: tuple[str, ...], theirs: list[tuple[float, str]]
) -> None:
    """How many labels are the same, and the largest difference of probabilities where they are."""
    same, most = 0, 0.0
    for label, score, (their_score, their_label) in zip(*ours, theirs, strict=True):
        if f"__label__{labels[label]}" == their_label:
            same, most = same + 1, max(most, abs(score - their_score))
    print(f"  same label: {same:,} of {len(theirs):,}; probabilities differ by {most:.1e} at most")


if __name__ == "__main__":
    main()
