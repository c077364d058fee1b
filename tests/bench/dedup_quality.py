"""What near-duplicate removal got right, against exact similarity of all pairs.

    python tests/bench/dedup_quality.py                     # samples made from the sample data
    python tests/bench/dedup_quality.py zh.jsonl en.jsonl articles_1000.train
    python tests/bench/dedup_quality.py --threshold 0.7 --records 3000 --seed 2 zh.jsonl

Runs `dedup.minhash` on samples of 3,000 documents, into each of which copies are planted unless
`--no-planting`, and compares its rejects with all pairs of the sample. Files are JSON Lines with a
field `text`, or lines of "id text". The exit code is 1 where a promise is broken: a reject without
a record that stays at the threshold or with another similarity than the exact one, or fewer than
99 % of the records gone that exact removal in reading order would remove.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from corpus import read_texts, sample_texts
from planted import plant, write_records
from yardstick import YARDSTICKS, Pairs, number_shingles, similar_pairs

# Beside precision at the threshold, precision this far below it: estimates go wrong by as much.
NEAR = 0.1

# Shingles of 32 bits: of a few thousand in a document two may be taken for one.
HASHED = 1e-3

PIPELINE = """
[pipeline]
name = "near"
[[source]]
name = "bench"
path = "{corpus}"
id = "id"
[[stage]]
use = "dedup.minhash"
threshold = {threshold}
ngram_words = 5
ngram_chars = 5
[output]
path = "{output}"
format = "text"
"""


class Truth:
    """All similar pairs of a corpus, and what follows from them at a threshold."""

    def __init__(
        self, texts: Sequence[str], threshold: float, *, yardstick: str = "script"
    ) -> None:
        self.sets = number_shingles(map(YARDSTICKS[yardstick], texts))
        self.threshold = threshold
        self._all = similar_pairs(self.sets, max(threshold - NEAR, 0.05))
        self.first, self.second, self.similarity = self._cut(threshold)
        self.similar = dict(
            zip(
                zip(self.first.tolist(), self.second.tolist(), strict=True),
                self.similarity.tolist(),
                strict=True,
            )
        )

    def _cut(self, least: float) -> Pairs:
        first, second, similarity = self._all
        enough = similarity >= least
        return first[enough], second[enough], similarity[enough]

    def removable(self, stays: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the records there (`stays`) exact removal in reading order would take away."""
        gone = np.zeros(stays.size, dtype=bool)
        order = np.lexsort((self.first, self.second))
        for one, two in zip(self.first[order].tolist(), self.second[order].tolist(), strict=True):
            if stays[one] and stays[two] and not gone[one]:
                gone[two] = True
        return gone

    def precision(self, stays: NDArray[np.bool_], *, least: float) -> float:
        """Share of the removed records with one that stays at `least` similarity or more."""
        first, second, _ = self._cut(least)
        has = np.zeros(stays.size, dtype=bool)
        has[first[stays[second]]] = True
        has[second[stays[first]]] = True
        return float(has[~stays].mean()) if not stays.all() else 1.0

    def lost_groups(self, stays: NDArray[np.bool_]) -> int:
        """Clusters of records joined by similar pairs of which none stays."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        ones = np.ones(self.first.size)
        links = coo_matrix((ones, (self.first, self.second)), shape=(stays.size, stays.size))
        _, cluster = connected_components(links, directed=False)
        sizes = np.bincount(cluster)
        return int(((sizes > 1) & (np.bincount(cluster, weights=stays) == 0)).sum())


@dataclass(frozen=True, slots=True)
class Quality:
    """How a removal compares with the truth."""

    removed: int
    precision: float
    near_precision: float
    recall: float
    lost_groups: int


def judge(truth: Truth, stays: NDArray[np.bool_]) -> Quality:
    """Recall is the share of what exact removal would remove that is no longer there to remove,
    whichever record of a pair stayed.
    """
    before = truth.removable(np.ones(stays.size, dtype=bool)).sum()
    left = truth.removable(stays).sum()
    return Quality(
        removed=int((~stays).sum()),
        precision=truth.precision(stays, least=truth.threshold),
        near_precision=truth.precision(stays, least=truth.threshold - NEAR),
        recall=float(1 - left / before) if before else 1.0,
        lost_groups=truth.lost_groups(stays),
    )


def write_pipeline(folder: Path, corpus: Path, output: Path, threshold: float) -> Path:
    """A pipeline file that removes near-duplicates of a corpus, and nothing else."""
    path = folder / f"{corpus.stem}.toml"
    path.write_text(PIPELINE.format(corpus=corpus, output=output, threshold=threshold))
    return path


def read_rejects(output: Path) -> dict[str, dict[str, Any]]:
    """The near-duplicates a run rejected: id -> values."""
    found = {}
    for path in (output / "_datakit" / "rejects").glob("*dedup.minhash*"):
        with path.open(encoding="utf-8") as lines:
            rows = map(json.loads, lines)
            found |= {row["id"]: row["values"] for row in rows}
    return found


def check_rejects(
    truth: Truth, ids: Sequence[str], rejects: dict[str, dict[str, Any]]
) -> list[str]:
    """What is wrong with rejects: no stayer, too little similarity, another than the exact one."""
    place = {name: number for number, name in enumerate(ids)}
    wrong = []
    for gone, values in rejects.items():
        kept = values["kept_id"]
        pair = tuple(sorted((place[gone], place[kept])))
        exact = truth.similar.get(pair)
        if kept in rejects:
            wrong.append(f"{gone}: its keeper {kept} was rejected too")
        elif exact is None:
            wrong.append(f"{gone}: less similar to {kept} than the threshold")
        elif abs(exact - values["similarity"]) > HASHED:
            wrong.append(f"{gone}: similarity {values['similarity']}, exactly {exact}")
    return wrong


def check_corpus(corpus: Path, threshold: float) -> list[str]:
    """Run datakit on a corpus, print how it did; what is wrong."""
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    ids = [row["id"] for row in rows]
    output = corpus.with_suffix(".out")
    pipeline = write_pipeline(corpus.parent, corpus, output, threshold)
    subprocess.run([sys.executable, "-m", "datakit", "run", str(pipeline), "--quiet"], check=True)
    rejects = read_rejects(output)
    truth = Truth([row["text"] for row in rows], threshold)
    stays = np.array([name not in rejects for name in ids])
    quality = judge(truth, stays)
    exact = truth.removable(np.ones(stays.size, dtype=bool))
    same = float((exact & ~stays).sum() / max(1, exact.sum()))
    left = int((stays[truth.first] & stays[truth.second]).sum())
    wrong = check_rejects(truth, ids, rejects)
    print(
        f"{corpus.stem:10} {len(ids):6} records {truth.first.size:7} pairs {exact.sum():6}"
        f" removable {quality.removed:6} removed, precision {quality.precision:.4f}, recall"
        f" {quality.recall:.4f}, the very same records {same:.4f}; pairs left {left},"
        f" groups lost {quality.lost_groups}, wrong {len(wrong)}"
    )
    if quality.recall < 0.99:
        wrong.append(f"{corpus.stem}: recall {quality.recall:.4f}")
    return wrong


def samples(paths: Iterable[Path]) -> dict[str, list[str]]:
    return {path.stem: read_texts(path) for path in paths} or sample_texts()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", type=Path)
    parser.add_argument("--records", type=int, default=3000, help="records of a sample")
    parser.add_argument("--threshold", type=float, action="append", help="may be given repeatedly")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-planting", action="store_true", help="natural duplicates only")
    arguments = parser.parse_args()
    wrong: list[str] = []
    share = 0.0 if arguments.no_planting else 0.2
    with tempfile.TemporaryDirectory(prefix="quality-") as folder:
        for threshold in arguments.threshold or [0.7, 0.8]:
            print(f"threshold {threshold}")
            for name, texts in samples(arguments.corpora).items():
                number = min(len(texts), round(arguments.records * (1 - share)))
                drawn = random.Random(arguments.seed).sample(texts, number)
                corpus = Path(folder, f"{name}.jsonl")
                write_records(corpus, plant(drawn, prefix=name, seed=arguments.seed, share=share))
                wrong += check_corpus(corpus, threshold)
    print("\n".join(wrong[:20]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
