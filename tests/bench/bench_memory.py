"""Peak memory of a run over a large corpus, per process.

    python tests/bench/bench_memory.py --gigabytes 2 zh.jsonl en.jsonl
    python tests/bench/bench_memory.py --gigabytes 2 --pipeline pipelines/medical_pretrain.toml ...

Prints the largest resident set of the main process and of any worker, polled ten times a second.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_throughput import pipeline_text
from corpus import write_corpus
from watch import watch


def main() -> None:
    """Make the corpus, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", type=Path)
    parser.add_argument("--gigabytes", type=float, default=0.25)
    parser.add_argument("--pipeline", type=Path)
    parser.add_argument("--same-texts", action="store_true", help="repeat texts unedited")
    parser.add_argument("--executor", choices=("local", "pool"), default="local")
    parser.add_argument("--workers", type=int, default=2, help="with the pool")
    arguments = parser.parse_args()
    options = ["--executor", arguments.executor]
    if arguments.executor == "pool":
        options += ["--workers", str(arguments.workers)]
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        size = int(arguments.gigabytes * 1e9)
        edit = not arguments.same_texts
        write_corpus(folder / "big.jsonl", arguments.corpora, size, edit=edit)
        pipeline = folder / "big.toml"
        pipeline.write_text(pipeline_text(arguments.pipeline, folder / "big.jsonl", folder))
        command = [sys.executable, "-m", "datakit", "run", str(pipeline), *options]
        usage = watch(command)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if usage.error:
        sys.exit(usage.error)
    print(
        f"{size / 1e9:.2f} GB of text in {usage.wall:.0f} s: main process {usage.main_rss:.0f} MB, "
        f"largest worker {usage.worker_rss:.0f} MB"
    )


if __name__ == "__main__":
    main()
