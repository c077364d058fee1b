"""How fast signals are measured: MB of text a CPU second, for each group and for all.

    python tests/bench/bench_signals.py [FILE.jsonl ...] [--size MB]

Without files, the text is made from the sample data. The first call of each kernel, which may
compile it, is told apart from the rest.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from corpus import documents, grow

from datakit.kernels.json_lines import Bytes
from datakit.kernels.signals import measure_signals
from datakit.kernels.simd import Offsets
from datakit.text.signal_catalogue import GROUPS
from datakit.text.word_lists import word_lists

REPEATS = 5
RULES = ("chars", "lines", "tokens", "stops", "ngrams")
"""What gopher-en and fineweb2-zh need."""


def spend(data: Bytes, offsets: Offsets, groups: tuple[str, ...]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    measure_signals(data, offsets, groups, lists=word_lists())
    return time.process_time() - start


def measure(name: str, texts: list[bytes]) -> None:
    """Print the rates for some texts."""
    data = np.frombuffer(b"".join(texts), dtype=np.uint8)
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    print(f"\n{name}: {len(texts)} texts, {data.size / 1e6:.1f} MB")
    # Characters are read for every group; `chars` alone is that reading.
    alone = [(group,) for group in GROUPS]
    for groups in (*alone, RULES, tuple(GROUPS)):
        best = min(spend(data, offsets, groups) for _ in range(REPEATS))
        what = " + ".join(groups) if len(groups) < len(GROUPS) else "all groups"
        print(f"{data.size / 1e6 / best:8.1f} MB/s  {what}")


def main() -> None:
    """Measure files, or made text, as asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--size", type=float, default=4.0, help="MB of text from each file")
    options = parser.parse_args()
    tiny = np.frombuffer("词 word.\n".encode(), dtype=np.uint8)
    first = spend(tiny, np.array([0, tiny.size]), tuple(GROUPS))
    print(f"first call, kernels compiled or taken from the cache: {first:.1f} s CPU")
    for path in options.files or [None]:
        found = grow(documents([path] if path else []), int(options.size * 1e6))
        measure(path.name if path else "sample data", [text.encode() for text in found])


if __name__ == "__main__":
    main()
