"""How near-duplicate removal grows: with the corpus, with many short records, with one template.

    python tests/bench/bench_growth.py                            # small, from the sample data
    python tests/bench/bench_growth.py --gigabytes 0.2,0.4,0.8,1.6 zh.jsonl en.jsonl
    python tests/bench/bench_growth.py --short-records 20000000 zh.jsonl en.jsonl
    python tests/bench/bench_growth.py --template 500000 zh.jsonl

Shown for each size and executor: CPU and wall seconds, in all and per MB or per 1,000 records;
memory at its peak in MB, of the main process, of the largest worker, and of all processes
together, as resident sets (shared pages counted once for each process) and as proportional sets
(counted once); the peak of the disk that the work folder takes; and what the run removed. Memory
is looked at ten times a second, disk once. What the corpora are, `growing.py` says. Corpora
are written to `--folder`, which needs room for the corpus, the work and the output.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import documents
from dedup_quality import write_pipeline
from growing import write_documents, write_short, write_template
from watch import Usage, watch

Write = Callable[..., dict[str, int]]


def main() -> None:
    arguments = parse_arguments()
    texts = documents(arguments.files)
    folder = Path(tempfile.mkdtemp(prefix="bench-growth-", dir=arguments.folder))
    print("executor  size", *COLUMNS)
    try:
        for write, size, unit in sizes(arguments):
            corpus = folder / "corpus.jsonl"
            written = write(corpus, texts, size, seed=arguments.seed)
            for executor in arguments.executor.split(","):
                usage, removed = run(corpus, executor, arguments)
                show(executor, written, usage, removed, unit=unit)
            corpus.unlink()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--gigabytes", default="0.005,0.01", help="sizes, with commas")
    parser.add_argument("--short-records", type=int, help="this many short records instead")
    parser.add_argument("--template", type=int, help="a quarter, half and all of so many members")
    parser.add_argument("--executor", default="local,pool", help="local, pool or both")
    parser.add_argument("--workers", type=int, default=2, help="with the pool")
    parser.add_argument("--threshold", type=float, default=0.8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where to write corpora and work")
    return parser.parse_args()


def sizes(arguments: argparse.Namespace) -> Iterator[tuple[Write, int, str]]:
    """What to write, how much of it, and the unit of the figures."""
    if arguments.short_records:
        yield write_short, arguments.short_records, "1,000 records"
    elif arguments.template:
        for part in (4, 2, 1):
            yield write_template, arguments.template // part, "1,000 records"
    else:
        for size in arguments.gigabytes.split(","):
            yield write_documents, int(float(size) * 1e9), "MB"


def run(corpus: Path, executor: str, arguments: argparse.Namespace) -> tuple[Usage, int]:
    """One run with its work and output in a folder of its own; what it took and removed."""
    work = corpus.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    pipeline = write_pipeline(corpus.parent, corpus, corpus.parent / "out", arguments.threshold)
    command = [sys.executable, "-m", "datakit", "run", str(pipeline), "--quiet"]
    command += ["--workdir", str(work), "--executor", executor]
    if executor == "pool":
        command += ["--workers", str(arguments.workers)]
    usage = watch(command, folder=work)
    if usage.error:
        sys.exit(f"{executor}: {usage.error}")
    removed = count_removed(corpus.parent / "out")
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(corpus.parent / "out", ignore_errors=True)
    return usage, removed


def count_removed(output: Path) -> int:
    """Lines of the file of rejects, read a piece at a time."""
    count = 0
    for path in (output / "_datakit" / "rejects").glob("*dedup.minhash*.jsonl"):
        with path.open("rb") as file:
            count += sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
    return count


COLUMNS = [
    "CPU-s",
    "wall-s",
    "CPU/unit",
    "wall/unit",
    "main-MB",
    "worker-MB",
    "sum-RSS",
    "sum-PSS",
    "work-MB",
    "removed",
]


def show(executor: str, written: dict[str, int], usage: Usage, removed: int, *, unit: str) -> None:
    count = written["bytes"] / 1e6 if unit == "MB" else written["records"] / 1e3
    figures = [
        f"{usage.cpu:.1f}",
        f"{usage.wall:.1f}",
        f"{usage.cpu / count:.4f}",
        f"{usage.wall / count:.4f}",
        *(f"{value:.0f}" for value in (usage.main_rss, usage.worker_rss, usage.sum_rss)),
        f"{usage.sum_pss:.0f}",
        f"{usage.disk:.0f}",
        f"{removed}",
    ]
    cells = [f"{value:>{len(name)}}" for value, name in zip(figures, COLUMNS, strict=True)]
    print(f"{executor:8} {count:8.0f} {unit}", *cells, json.dumps(written), flush=True)


if __name__ == "__main__":
    main()
