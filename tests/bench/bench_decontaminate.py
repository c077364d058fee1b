"""Share of planted benchmark items found, false hits, and MB of text per core-second.

    python tests/bench/bench_decontaminate.py                            # sample data
    python tests/bench/bench_decontaminate.py --benchmark test.jsonl --documents 50000 en.jsonl

Every item of the benchmark is planted three times, word for word, lightly edited (see `edit`) and
with every number another, each time between two lines of another document; all other documents
are the corpus as it is.
"""

import argparse
import random
import re
import sys
import time
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import SAMPLES, documents, grow

from datakit.stages.filter.benchmark_items import read_items
from datakit.stages.filter.decontaminate import DecontaminationFilter
from datakit.testing import make_batch

BATCH_ROWS = 1000


def edit(text: str, chance: random.Random) -> str:
    """A light edit for every 20 words, one at the least: a word left out, two swapped, a number
    replaced, or a word put in; and the first letter in another case.
    """
    words = text.split()
    for _ in range(max(1, len(words) // 20)):
        at = chance.randrange(max(1, len(words) - 1))
        kind = chance.randrange(4)
        if kind == 0 and len(words) > 4:
            del words[at]
        elif kind == 1:
            words[at : at + 2] = words[at : at + 2][::-1]
        elif kind == 2:
            numbers = [n for n, word in enumerate(words) if word.isdigit()] or [at]
            words[chance.choice(numbers)] = str(chance.randrange(2, 99))
        else:
            words.insert(at, chance.choice(("also", "then", "exactly", "about")))
    return " ".join(words).swapcase()[:1] + " ".join(words)[1:]


def renumber(text: str, chance: random.Random) -> str:
    """The same text with every number another."""
    return re.sub(r"\d+", lambda _: str(chance.randrange(2, 999)), text)


KINDS = {"verbatim": lambda text, _: text, "edited": edit, "renumbered": renumber}


def plant(texts: list[str], questions: list[str], seed: int) -> dict[int, str]:
    """Put every question in every form into a text of its own; the form by number of the text."""
    chance = random.Random(seed)
    rows = iter(chance.sample(range(len(texts)), len(KINDS) * len(questions)))
    kinds = {}
    for kind, change in KINDS.items():
        for question in questions:
            row = next(rows)
            lines = texts[row].split("\n")
            lines.insert(chance.randrange(len(lines) + 1), change(question, chance))
            texts[row], kinds[row] = "\n".join(lines), kind
    return kinds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", type=Path)
    parser.add_argument("--benchmark", type=Path, default=SAMPLES / "benchmark" / "gsm8k.jsonl")
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--recipe", default="by-script")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    questions = [item.question for item in read_items("planted", arguments.benchmark, {})]
    found = documents(arguments.corpora)
    texts = list(islice(grow(found, 10**12), arguments.documents))
    kinds = plant(texts, questions, arguments.seed)
    stage = DecontaminationFilter(
        benchmarks={"planted": arguments.benchmark}, recipe=arguments.recipe
    )
    stage.reject(make_batch([{"text": "text"}]))  # the index is built, kernels are there
    starts = range(0, len(texts), BATCH_ROWS)
    batches = [make_batch([{"text": t} for t in texts[at : at + BATCH_ROWS]]) for at in starts]
    began, rejected = time.process_time(), set()
    for start, batch in zip(starts, batches, strict=True):
        verdicts = stage.reject(batch)
        rejected |= {start + row for row in verdicts["reason"].is_not_null().arg_true()}
    seconds = time.process_time() - began
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{arguments.recipe}: {len(texts):,} documents, {size:.0f} MB, {len(questions):,} items")
    for kind in KINDS:
        rows = {row for row, planted in kinds.items() if planted == kind}
        print(
            f"  planted {kind:10} {len(rows & rejected):6,} of {len(rows):,} found"
            f" ({len(rows & rejected) / len(rows):.2%})"
        )
    clean = len(texts) - len(kinds)
    wrong = len(rejected - kinds.keys())
    print(f"  false hits         {wrong:6,} of {clean:,} ({wrong / clean:.3%})")
    print(f"  {size / seconds:.0f} MB/s a core")


if __name__ == "__main__":
    main()
