"""Kill a run at random moments, main process or worker, and compare the final bytes.

Run it by hand for the full count:

    python tests/executors/kill_runs.py pipelines/medical.toml --kills 30

Each round starts the run, kills it (SIGKILL) after a random time, and starts the same command
again, until a run ends by itself; its output must equal that of a run nobody disturbed.
"""

import argparse
import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Outcome:
    """Kills that hit the main process and workers, and whether the bytes were equal."""

    main_kills: int
    worker_kills: int
    is_equal: bool


def output_digest(folder: Path) -> str:
    """Digest of all that a run leaves, names and bytes, but for the times in the report."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and "work" not in inside.parts and path.name != "report.json":
            digest.update(f"{inside.as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def command(pipeline: Path, output: Path, options: Sequence[str]) -> list[str]:
    """The command line of a run."""
    base = [sys.executable, "-m", "datakit", "run", str(pipeline), "--output", str(output)]
    return [*base, "--executor", "pool", "--workers", "2", "--quiet", *options]


def kill_runs(pipeline: Path, kills: int, seed: int, options: Sequence[str] = ()) -> Outcome:
    """Undisturbed run first, then runs killed `kills` times in all; fresh output per few kills."""
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="kill-runs-"))
    try:
        began = time.monotonic()
        subprocess.run(command(pipeline, folder / "whole", options), check=True)
        seconds = time.monotonic() - began
        expected = output_digest(folder / "whole")
        hits = {"main": 0, "worker": 0}
        is_equal, rounds = True, 0
        while sum(hits.values()) < kills:
            output = folder / f"round-{rounds}"
            rounds += 1
            # A few kills into one work directory, then let it finish.
            for _ in range(min(3, kills - sum(hits.values()))):
                hit = kill_once(command(pipeline, output, options), chance, seconds)
                if hit:
                    hits[hit] += 1
                else:  # too late: the first run may have compiled, or others have run beside it
                    seconds *= 0.7
            subprocess.run(command(pipeline, output, options), check=True)
            is_equal &= output_digest(output) == expected
            shutil.rmtree(output)
        return Outcome(hits["main"], hits["worker"], is_equal)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def kill_once(run: Sequence[str], chance: random.Random, seconds: float) -> str | None:
    """Start a run and kill it, or a worker of it, at a random moment; what was hit, if anything."""
    process = subprocess.Popen(run, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    time.sleep(chance.uniform(0.2, 1.0) * seconds)
    victim, hit = psutil.Process(process.pid), "main"
    if chance.random() < 0.5 and (workers := _workers(victim)):
        victim, hit = chance.choice(workers), "worker"
    try:
        victim.kill()
    except psutil.NoSuchProcess:
        process.wait()
        return None
    code = process.wait()
    if hit == "main" and code >= 0:
        return None  # it had ended by itself before the kill
    return hit


def _workers(main: psutil.Process) -> list[psutil.Process]:
    try:
        children = main.children()
        return [c for c in children if "resource_tracker" not in " ".join(c.cmdline())]
    except psutil.Error:
        return []


def main() -> int:
    """Run from the command line; exit code 1 if any byte differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    arguments, options = parser.parse_known_args()
    outcome = kill_runs(arguments.pipeline, arguments.kills, arguments.seed, options)
    print(
        f"{outcome.main_kills} kills of the main process, {outcome.worker_kills} of workers: "
        + ("all outputs equal the undisturbed run's" if outcome.is_equal else "OUTPUTS DIFFER")
    )
    return 0 if outcome.is_equal else 1


if __name__ == "__main__":
    sys.exit(main())
