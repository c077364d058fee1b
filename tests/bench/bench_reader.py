"""How fast JSON Lines become batches, beside a bare loop of a JSON library.

    python tests/bench/bench_reader.py [FILE.jsonl ...] [--text FIELD]

Without files, a Chinese and an English corpus of 64 MB each are made. Figures are MB of input per
second of CPU time (all threads), the best of three; the first, uncounted, pass compiles.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from datakit.stages.ingest.jsonl import JsonlSource

BYTES = 64 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--text", default="text", help="the field that holds the text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for path in options.files or make_corpora(Path(folder)):
            read = JsonlSource(name="bench", path=str(path), text=options.text)
            size = path.stat().st_size
            print(f"{path.name}: {size / 1e6:.0f} MB")
            show("datakit reader", size, lambda: read_batches(read))  # noqa: B023
            show("bare orjson.loads", size, lambda: load_lines(path))  # noqa: B023


def show(name: str, size: int, work: Callable[[], int]) -> None:
    rows = work()
    seconds = []
    for _ in range(3):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    print(f"  {name:20} {size / 1e6 / min(seconds):6.0f} MB/s  {rows} records")


def read_batches(source: JsonlSource) -> int:
    return sum(b.height for shard in source.shards(64 << 20) for b in source.read(shard))


def load_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if orjson.loads(line))


def make_corpora(folder: Path) -> Iterator[Path]:
    words = [chr(code) for code in range(0x4E00, 0x5E00)]
    spaced = ["".join(random.Random(n).choices("etaoinshrdlu", k=n % 9 + 2)) for n in range(4000)]
    for name, units, glue in (("zh", words, ""), ("en", spaced, " ")):
        chance = random.Random(1)
        path, size = folder / f"{name}.jsonl", 0
        with path.open("wb") as file:
            while size < BYTES:
                lines = [glue.join(chance.choices(units, k=40)) + "。" for _ in range(20)]
                record = {"id": f"{name}:{size}", "text": "\n".join(lines), "score": 0.5}
                size += file.write(orjson.dumps(record) + b"\n")
        yield path


if __name__ == "__main__":
    main()
