"""Quality rules, language and length end to end, JSONL in, JSONL out: datakit beside its peers.

    python tests/bench/bench_quality.py                            # made from the sample data
    python tests/bench/bench_quality.py zh.jsonl en.jsonl --megabytes 40 \\
        --peer-python trove/bin/python --peer-python juicer/bin/python

Chinese text meets `fineweb2-zh`, English `gopher-en` (quality and repetition), both a language and
a length filter; a file of both is a mixed corpus, of which datakit judges each text by the rules of
its language, and the others all by those of Chinese. datatrove runs its own filters of the same
rules, its words cut by jieba or spaCy, the language by the fastText model that comes with datakit;
data-juicer, which has fewer rules, its filters of the same kind and the same model. Each contestant
is a process of its own on the same cores; the figures are those of `bench_dedup.py`: CPU seconds of
all processes, MB of text per core-second with start-up and without (the difference to a run on the
first 1 MB), memory. What is kept differs with the rules; the numbers stand beside.

    python -m venv trove && trove/bin/pip install "datatrove[processing,io]==0.10.1" spacy jieba \\
        fasttext-numpy2-wheel orjson
    python -m venv juicer && juicer/bin/pip install py-data-juicer==1.6.1 aiohttp \\
        fasttext-numpy2-wheel
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import draw, grow, read_texts, sample_texts
from dedup_peers import PEERS, Peer, probe
from planted import is_han
from watch import Usage, watch

PEER_SCRIPTS = {
    "datatrove": Peer(
        "filter_datatrove", "datatrove", ("datatrove", "fasttext", "jieba", "spacy"), ""
    ),
    "data-juicer": Peer("filter_datajuicer", "py-data-juicer", ("data_juicer", "fasttext"), ""),
}
PIPELINE = """
[[source]]
name = "bench"
path = "{corpus}"
id = "id"
[[stage]]
use = "filter.length"
min_chars = 20
[[stage]]
use = "filter.language"
keep = {languages}
[[stage]]
use = "filter.quality"
preset = "fineweb2-zh"
only_lang = ["zh"]
[[stage]]
use = "filter.quality"
preset = "gopher-en"
only_lang = ["en"]
[output]
path = "{output}"
format = "text"
"""


def main() -> None:
    arguments = parse_arguments()
    commands = find_commands(arguments.peer_python)
    size = int(arguments.megabytes * 1e6)
    if arguments.files:
        corpora = {p.stem: draw(read_texts(p), size, arguments.seed) for p in arguments.files}
    else:
        corpora = {name: list(grow(texts, size)) for name, texts in sample_texts().items()}
    folder = Path(tempfile.mkdtemp(prefix="bench-quality-"))
    try:
        for name, texts in corpora.items():
            compare(name, texts, folder, commands, arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=10, help="text of a corpus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=1, help="cores each contestant may use")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peer-megabytes", type=float, default=4, help="text that peers get")
    parser.add_argument("--peer-python", action="append", default=[], help="repeatable")
    return parser.parse_args()


def find_commands(pythons: Sequence[str]) -> dict[str, list[str]]:
    """How each contestant that can run here is started; says who cannot."""
    found = {"datakit": [sys.executable, "-m", "datakit", "run"]}
    for name, peer in PEER_SCRIPTS.items():
        said = {python: probe(python, peer) for python in pythons}
        able = [python for python, answer in said.items() if answer.startswith("found")]
        print(f"{name}: {said[able[0]] if able else 'not installed'}")
        if able:
            found[name] = [able[0], str(PEERS / f"{peer.script}.py")]
    return found


def compare(
    name: str,
    texts: Sequence[str],
    folder: Path,
    commands: dict[str, list[str]],
    arguments: argparse.Namespace,
) -> None:
    """Run all contestants on a corpus and on its first MB, print the table."""
    chinese = sum(map(is_han, texts)) / len(texts)
    language = "zh" if chinese > 0.75 else "en" if chinese < 0.25 else "mixed"
    sizes = {"small": 1e6, "peers": arguments.peer_megabytes * 1e6, "all": float("inf")}
    paths = {kind: folder / f"{name}-{kind}.jsonl" for kind in sizes}
    megabytes = {kind: write_lines(paths[kind], texts, most) for kind, most in sizes.items()}
    print(f"\n{name}: {megabytes['all']:.1f} MB, {len(texts)} texts, {language}")
    print(f"{'':12}  CPU s  start-up  MB/s a core  without start-up  datakit is  memory MB  kept")
    mine = 0.0
    for who, command in commands.items():
        whole = "all" if who == "datakit" else "peers"
        rounds = arguments.rounds if who == "datakit" else 1
        run(who, command, paths["small"], language, arguments.cores)  # compiles, fills caches
        small = [run(who, command, paths["small"], language, arguments.cores)[0]]
        big = [run(who, command, paths[whole], language, arguments.cores) for _ in range(rounds)]
        if failed := next((u.error for u, _ in big if u.error), ""):
            print(f"{who:12}  failed: {failed}")
            continue
        cpu = statistics.median(usage.cpu for usage, _ in big)
        net = (megabytes[whole] - megabytes["small"]) / max(cpu - small[0].cpu, 1e-3)
        mine = mine or net
        print(
            f"{who:12}  {cpu:5.1f}  {max(0.0, small[0].cpu - megabytes['small'] / net):8.2f}"
            f"  {megabytes[whole] / cpu:11.2f}  {net:16.2f}  {mine / net:9.1f}x"
            f"  {max(u.sum_rss for u, _ in big):9.0f}  {big[0][1] / megabytes[whole]:.0f} a MB"
        )


def write_lines(path: Path, texts: Sequence[str], most: float) -> float:
    """Write texts as records until `most` bytes of text; the MB written."""
    done = 0
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            if done >= most:
                break
            done += len(text.encode())
            file.write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")
    return done / 1e6


def run(
    who: str, command: Sequence[str], corpus: Path, language: str, cores: int
) -> tuple[Usage, int]:
    """What one run takes, and how many records it keeps."""
    work = corpus.with_suffix(".work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    if who == "datakit":
        pipeline = corpus.with_suffix(".toml")
        languages = ["zh", "en"] if language == "mixed" else [language]
        settings = {"corpus": corpus, "languages": json.dumps(languages), "output": work / "out"}
        pipeline.write_text(PIPELINE.format(**settings), encoding="utf-8")
        how = ["local"] if cores == 1 else ["pool", "--workers", str(cores)]
        more = [str(pipeline), "--quiet", "--executor", *how]
        written = work / "out" / "train"
    else:
        more = [str(corpus), str(work), language]
        written = work / "kept"
    usage = watch([*command, *more], cores=cores)
    return usage, sum(path.read_bytes().count(b"\n") for path in written.glob("*.jsonl"))


if __name__ == "__main__":
    main()
