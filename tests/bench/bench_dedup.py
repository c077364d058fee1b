"""Near-duplicate removal end to end, JSONL in, JSONL out: datakit beside its peers.

    python tests/bench/bench_dedup.py                              # made from the sample data
    python tests/bench/bench_dedup.py --megabytes 20 \\
        --peer-python peers/bin/python --peer-python datatrove/bin/python zh.jsonl en.jsonl

Each JSONL file (fields `text`, any others) gives a corpus of its own, and two or more of them a
mixed one besides; without files there are three from the sentences of the sample data. Every
fifth record is a planted copy (`planted.py`). Contestants run one after the other, each in its
own process, on the same cores, rounds alternating after one that is not counted; one that takes
longer than `--patience` in that one is not run again, and it counts. Shown are medians of

- CPU seconds of all its processes, and wall seconds;
- MB of text per core-second, start-up included, and without it: from the difference to a run on
  the first 2 MB, so that whatever is paid once drops out; what is left of that run is the start-up;
- memory at its peak in MB: of the largest process, and the resident sets of all of them together.

Beside speed stands what was removed, judged by the exact similarity of all pairs on a yardstick
that is the same for all (`yardstick.py`; `script`: five words of a text, or five characters of a
Chinese one; `characters`: five characters of any):

- precision: removed records that have a record that stays at the threshold or more; and at 0.1
  less, for who estimates;
- recall: of what exact removal would remove, the share no longer there to remove;
- groups lost: clusters of which not one record stays;
- recall of planted copies that are at the threshold or more, by kind of edit.

Peers are not needed to run datakit: who is not installed in this Python, nor in one given by
`--peer-python`, is listed as such. Two cannot always live in one environment; what was used:

    python -m venv light && light/bin/pip install rensa==0.5.0 daft==0.7.26 datasketch==2.0.0 \\
        orjson numpy
    python -m venv trove && trove/bin/pip install "datatrove[processing,io]==0.10.1" spacy jieba \\
        orjson
    python -m venv juicer && juicer/bin/pip install py-data-juicer==1.6.1 aiohttp
    python -m venv chenghao && chenghao/bin/pip install text-dedup==0.4.0

datakit also writes every reject with reason, keeper and similarity, lineage and a report; the
others only the records that stay.
"""

import argparse
import itertools
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import draw, read_texts, sample_texts
from dedup_peers import Contestant, Job, find_contestants, kept_ids, prepare
from dedup_quality import Truth
from dedup_tables import Runs, show_quality, show_speed
from planted import Planted, language_of, plant, shuffle_sentences, write_records
from watch import watch


def main() -> None:
    arguments = parse_arguments()
    contestants, absent = find_contestants(arguments.peer_python)
    if arguments.contestants:
        wanted = arguments.contestants.split(",")
        contestants = [c for c in contestants if c.name in wanted]
    for contestant in contestants:
        print(f"{contestant.name}: {contestant.version}")
    for name, why in absent.items():
        print(f"{name}: not installed ({why})")
    folder = Path(arguments.folder or tempfile.mkdtemp(prefix="bench-dedup-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, texts in corpora(arguments).items():
            compare(name, texts, folder, contestants, arguments)
    finally:
        if not arguments.folder:
            shutil.rmtree(folder, ignore_errors=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=20, help="text of a corpus")
    parser.add_argument("--small", type=float, default=2, help="MB of the run taken off")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=1, help="cores each contestant may use")
    parser.add_argument("--threshold", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=60, help="CPU seconds, see above")
    parser.add_argument("--peer-python", action="append", default=[], help="repeatable")
    parser.add_argument("--contestants", help="names with commas: bar,rensa")
    parser.add_argument("--corpora", help="only these corpora, by name, with commas")
    parser.add_argument("--yardstick", action="append", help="script, characters, plain")
    parser.add_argument("--folder", help="work here and keep the corpora and the truth")
    return parser.parse_args()


def corpora(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """Texts of each corpus, `--megabytes` with the copies still to be planted."""
    size, seed = int(arguments.megabytes * 0.8e6), arguments.seed
    if arguments.files:
        whole = {path.stem: read_texts(path) for path in arguments.files}
    else:
        samples = sample_texts()
        whole = {name: shuffle_sentences(texts, size, seed) for name, texts in samples.items()}
    found = {name: draw(texts, size, seed) for name, texts in whole.items()}
    if len(whole) > 1:
        parts = [draw(texts, size // len(whole), seed) for texts in whole.values()]
        mixed = list(itertools.chain(*parts))
        random.Random(seed).shuffle(mixed)
        found["mixed"] = mixed
    wanted = (arguments.corpora or ",".join(found)).split(",")
    return {name: texts for name, texts in found.items() if name in wanted}


def compare(
    name: str,
    texts: Sequence[str],
    folder: Path,
    contestants: Sequence[Contestant],
    arguments: argparse.Namespace,
) -> None:
    """Write the corpus, run all contestants on it, print the tables."""
    records = list(plant(texts, prefix=name, seed=arguments.seed))
    few = list(first_of(records, arguments.small * 1e6))
    big, small = folder / f"{name}.jsonl", folder / f"{name}-small.jsonl"
    sizes = [
        write_records(path, some, truth=path.with_suffix(".truth")) / 1e6
        for path, some in ((big, records), (small, few))
    ]
    jobs = [
        Job(path, language_of(texts), arguments.threshold, arguments.cores) for path in (big, small)
    ]
    ids = [record.id for record in records]
    print(
        f"\n{name}: {sizes[0]:.1f} MB, {len(ids)} records, {sum(bool(r.kind) for r in records)} of"
        f" them planted copies; threshold {arguments.threshold}, {arguments.cores} core(s)"
    )
    runs = [Runs(contestant) for contestant in contestants]
    for number in range(arguments.rounds + 1):
        for one in runs:
            run_round(one, jobs, ids, number, arguments.patience)
    show_speed(runs, sizes)
    good = [one for one in runs if not one.error]
    for yardstick in arguments.yardstick or ["script", "characters"]:
        truth = Truth([r.text for r in records], arguments.threshold, yardstick=yardstick)
        show_quality(yardstick, truth, records, good)


def first_of(records: Sequence[Planted], size: float) -> Iterator[Planted]:
    done = 0
    for record in records:
        if done >= size:
            return
        done += len(record.text.encode())
        yield record


def run_round(one: Runs, jobs: Sequence[Job], ids: list[str], number: int, patience: float) -> None:
    """Round 0 fills caches and compiles, in the small run that comes first; it counts only for
    who is not run again.
    """
    if one.error or (one.big and one.big[0].cpu > patience):
        return
    if number == 1:
        one.big.clear()
        one.small.clear()
    for job, usages in zip(reversed(jobs), (one.small, one.big), strict=True):
        usage = watch(prepare(one.contestant, job), cores=job.cores)
        if usage.error:  # Some fail now and then; twice running is a failure.
            usage = watch(prepare(one.contestant, job), cores=job.cores)
        if usage.error:
            one.error = usage.error
            return
        usages.append(usage)
        if usages is one.big and not one.kept:
            one.kept = kept_ids(one.contestant, job, ids)


if __name__ == "__main__":
    main()
