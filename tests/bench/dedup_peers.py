"""Who takes part in the comparison of near-duplicate removal, and with which Python.

Each peer is a script of its own in `peers/`, run as a process of its own:

    python peers/near_NAME.py INPUT.jsonl OUTPUT.jsonl WORK LANGUAGE THRESHOLD

It reads records with `id` and `text` and writes the lines that stay. WORK is an empty folder,
LANGUAGE is `zh`, `en` or `mixed`. Settings are those a user would take for documents: shingles of
five, 16 bands of 8 rows for the libraries that leave it to the caller (128 permutations), the
peers' own defaults where they are applications.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dedup_quality import read_rejects, write_pipeline

PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parents[2]
DATAKIT = "datakit"

PROBE = """
import importlib.util, sys
from importlib.metadata import version
missing = [name for name in sys.argv[1].split(",") if not importlib.util.find_spec(name)]
print("missing", *missing) if missing else print("found", version(sys.argv[2]))
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A script, the package it is about, what it imports, and its unit of comparison."""

    script: str
    package: str
    modules: tuple[str, ...]
    unit: str


PEER_SCRIPTS = {
    "bar": Peer("near_flat", "rensa", ("rensa", "numpy", "orjson"), "5 characters"),
    "rensa": Peer("near_rensa", "rensa", ("rensa", "orjson"), "5 words or characters"),
    "daft": Peer("near_daft", "daft", ("daft",), "5 words or characters"),
    "datasketch": Peer(
        "near_datasketch", "datasketch", ("datasketch", "orjson"), "5 words or characters"
    ),
    "datatrove": Peer("near_datatrove", "datatrove", ("datatrove", "spacy", "jieba"), "5 words"),
    "data-juicer": Peer(
        "near_datajuicer", "py-data-juicer", ("data_juicer",), "5 words or characters"
    ),
    "text-dedup": Peer("near_textdedup", "text-dedup", ("text_dedup", "datasets"), "5 words"),
}


@dataclass(frozen=True, slots=True)
class Contestant:
    """A peer that can run here, or datakit (`script` empty)."""

    name: str
    python: str
    version: str
    script: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One corpus to deduplicate and where to."""

    corpus: Path
    language: str
    threshold: float
    cores: int

    @property
    def work(self) -> Path:
        return self.corpus.with_suffix(".work")

    @property
    def output(self) -> Path:
        return self.corpus.with_suffix(".kept")


def find_contestants(pythons: Sequence[str]) -> tuple[list[Contestant], dict[str, str]]:
    """datakit and the peers that one of the interpreters can import; of the others, why not."""
    found, absent = [Contestant(DATAKIT, sys.executable, "this tree")], {}
    for name, peer in PEER_SCRIPTS.items():
        answers = {python: probe(python, peer) for python in [*pythons, sys.executable]}
        able = [python for python, said in answers.items() if said.startswith("found")]
        if able:
            version = answers[able[0]].removeprefix("found ")
            found.append(Contestant(name, able[0], f"{peer.package} {version}", peer.script))
        else:
            absent[name] = answers[[*pythons, sys.executable][0]]
    return found, absent


def probe(python: str, peer: Peer) -> str:
    """`found VERSION`, or what is missing."""
    command = [python, "-c", PROBE, ",".join(peer.modules), peer.package]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"cannot be asked: {error}"


def prepare(contestant: Contestant, job: Job) -> list[str]:
    """The command of a run, after the traces of the run before it are gone."""
    shutil.rmtree(job.work, ignore_errors=True)
    job.output.unlink(missing_ok=True)
    job.work.mkdir()
    if not contestant.script:
        pipeline = write_pipeline(job.corpus.parent, job.corpus, job.work / "out", job.threshold)
        pool = ["--executor", "pool", "--workers", str(job.cores)]
        executor = pool if job.cores > 1 else ["--executor", "local"]
        return [contestant.python, "-m", "datakit", "run", str(pipeline), "--quiet", *executor]
    script = str(PEERS / f"{contestant.script}.py")
    places = [str(path) for path in (job.corpus, job.output, job.work)]
    return [contestant.python, script, *places, job.language, str(job.threshold)]


def kept_ids(contestant: Contestant, job: Job, ids: Sequence[str]) -> set[str]:
    """The records that are left after a run; datakit names those that are not."""
    if not contestant.script:
        return set(ids) - read_rejects(job.work / "out").keys()
    with job.output.open(encoding="utf-8") as lines:
        return {json.loads(line)["id"] for line in lines}
