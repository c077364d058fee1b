"""MB of text per core-second: ingest -> write, a whole pipeline, and a bare orjson loop.

    python tests/bench/bench_throughput.py                        # sample data, 64 MB
    python tests/bench/bench_throughput.py --megabytes 200 zh.jsonl en.jsonl
    python tests/bench/bench_throughput.py --pipeline pipelines/medical_pretrain.toml zh.jsonl

Each figure is of whole processes: CPU seconds of the process and its children, start-up included
and also shown apart (a run on the first 4 MB, which loads all that a large run loads). Rounds
alternate between the contestants, because the machine may be shared: compare the ratios, not the
absolute figures.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import write_corpus

ORJSON_LOOP = """
import sys, orjson
with open(sys.argv[1], "rb") as lines, open(sys.argv[2], "wb") as out:
    for line in lines:
        out.write(orjson.dumps({"text": orjson.loads(line)["text"]}) + b"\\n")
"""

COPY = """
[pipeline]
name = "copy"
[[source]]
name = "bench"
path = "{corpus}"
id = "id"
[output]
path = "{output}"
format = "text"
"""


@dataclass(slots=True)
class Times:
    """CPU and wall seconds of a contestant's rounds, and its largest process in MB."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    rss: float = 0.0


def measure(command: list[str], times: Times) -> None:
    """Run a command once and note what it and its children took."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    times.wall.append(time.perf_counter() - began)
    times.cpu.append(usage.ru_utime + usage.ru_stime)
    times.rss = max(times.rss, usage.ru_maxrss / 1024)


def datakit_run(pipeline: Path, output: Path, options: list[str]) -> list[str]:
    """Command of a run into an empty output directory."""
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "datakit", "run", str(pipeline), "--output", str(output)]
    return [*command, "--quiet", *options]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pipeline", type=Path, help="a pipeline whose sources are replaced")
    parser.add_argument("--executor", choices=("local", "pool"), default="local")
    parser.add_argument("--workers", type=int, default=2, help="with the pool")
    arguments = parser.parse_args()
    options = ["--executor", arguments.executor]
    if arguments.executor == "pool":
        options += ["--workers", str(arguments.workers)]
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        size = write_corpus(folder / "big.jsonl", arguments.corpora, arguments.megabytes * 10**6)
        small = write_corpus(folder / "small.jsonl", arguments.corpora, 4 * 10**6)
        pipelines = {name: folder / f"{name}.toml" for name in ("big", "small")}
        for name, path in pipelines.items():
            path.write_text(pipeline_text(arguments.pipeline, folder / f"{name}.jsonl", folder))
        results = run_rounds(folder, pipelines, arguments.rounds, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(results, size / 1e6, small / 1e6)


def pipeline_text(pipeline: Path | None, corpus: Path, folder: Path) -> str:
    """A copying pipeline, or the stages of `pipeline` behind a source that reads the corpus.

    Left out are the stages that only make sense for the sources of `pipeline`: formatters, and
    a second stage of a name; a mixture has one source.
    """
    copy = COPY.format(corpus=corpus, output=folder / "out")
    if pipeline is None:
        return copy
    head, output = copy.split("[output]")
    tables: dict[str, str] = {}
    for stage in tomllib.loads(pipeline.read_text(encoding="utf-8"))["stage"]:
        name = stage["use"]
        settings = {key: value for key, value in stage.items() if key != "only"}
        if name == "mix.weighted":
            settings |= {"weights": {"bench": 1}, "max_epochs": 1}
        if not name.startswith("format."):
            lines = [f"{key} = {toml_value(value)}" for key, value in settings.items()]
            tables.setdefault(name, "\n".join(["[[stage]]", *lines, ""]))
    return head + "\n".join(tables.values()) + "\n[output]" + output


def toml_value(value: object) -> str:
    """A setting as TOML: what JSON and TOML write alike, and inline tables."""
    if isinstance(value, dict):
        members = (f"{json.dumps(key)} = {toml_value(v)}" for key, v in value.items())
        return "{ " + ", ".join(members) + " }"
    return json.dumps(value, ensure_ascii=False)


def run_rounds(
    folder: Path, pipelines: dict[str, Path], rounds: int, options: list[str]
) -> dict[str, Times]:
    """All contestants in turn; one round before the first is not counted."""
    loop, out = [sys.executable, "-c", ORJSON_LOOP], str(folder / "loop.jsonl")
    results = {"datakit": Times(), "datakit, 4 MB": Times(), "orjson loop": Times()}
    for number in range(rounds + 1):
        found = results if number else {name: Times() for name in results}
        target = folder / "out"
        measure(datakit_run(pipelines["big"], target, options), found["datakit"])
        measure(datakit_run(pipelines["small"], target, options), found["datakit, 4 MB"])
        measure([*loop, str(folder / "big.jsonl"), out], found["orjson loop"])
    return results


def show(results: dict[str, Times], megabytes: float, small: float) -> None:
    """Medians, and datakit's figure with start-up left out."""
    print(f"{megabytes:.0f} MB of text, medians of {len(results['datakit'].cpu)} rounds")
    for name, times in results.items():
        cpu, wall = statistics.median(times.cpu), statistics.median(times.wall)
        print(
            f"{name:20} {cpu:7.2f} CPU s {wall:7.2f} wall s {times.rss:6.0f} MB largest process"
            f" {(small if name.endswith('4 MB') else megabytes) / cpu:8.1f} MB/s a core"
        )
    net = statistics.median(results["datakit"].cpu) - statistics.median(
        results["datakit, 4 MB"].cpu
    )
    print(f"datakit without start-up: {(megabytes - small) / net:.1f} MB/s a core")


if __name__ == "__main__":
    main()
