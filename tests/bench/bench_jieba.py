"""Han words of our kernel beside jieba's own: how many are the same, and MB of text a CPU second.

    python tests/bench/bench_jieba.py [FILE.jsonl ...] [--megabytes 3]

Compared are the words that hold a Han character, by where they begin and end in the text: `runs`
with jieba given each run of Han characters by itself, `texts` with jieba given the whole text,
where it also looks for words with Latin letters in them (`T恤`), which the kernel cuts apart.
"""

import argparse
import re
import time
import warnings
from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl
from corpus import draw, read_texts, sample_texts

from datakit.kernels.segmentation import FIRST, LAST, mark_words
from datakit.records import utf8_buffers

RUN = re.compile(f"[{chr(FIRST)}-{chr(LAST)}]+")
Words = set[tuple[int, int]]


def words_here(texts: list[str]) -> list[Words]:
    """Begin and end, in characters, of each text's words with a Han character."""
    data, offsets = utf8_buffers(pl.Series(texts))
    marks = mark_words(data, offsets)
    found = []
    for text, start in zip(texts, offsets.tolist(), strict=False):
        places = accumulate((len(char.encode()) for char in text), initial=start)
        begins = [n for n, place in zip(range(len(text)), places, strict=False) if marks[place]]
        found.append({(a, b) for a, b in pairwise([*begins, len(text)]) if RUN.search(text[a:b])})
    return found


def words_of(pieces: Iterable[str], start: int) -> Words:
    """Begin and end of pieces that follow each other, those with a Han character."""
    found, at = set(), start
    for piece in pieces:
        if RUN.search(piece):
            found.add((at, at + len(piece)))
        at += len(piece)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Agreement of words with jieba.")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=3)
    arguments = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(60)
    corpora = {p.stem: read_texts(p) for p in arguments.files} or {"sample": sample_texts()["zh"]}
    print("| corpus | MB | words of Han | same, runs | same, texts | MB/s here | MB/s jieba |")
    print("|---|---|---|---|---|---|---|")
    for name, texts in corpora.items():
        print(compare(name, draw(texts, int(arguments.megabytes * 1e6), 1), jieba.lcut))


def compare(name: str, texts: list[str], cut: Callable[[str], list[str]]) -> str:
    """A row of the table."""
    cut(texts[0])
    began = time.process_time()
    whole = [words_of(cut(text), 0) for text in texts]
    theirs = time.process_time() - began
    runs: list[Words] = [
        set().union(*(words_of(cut(run[0]), run.start()) for run in RUN.finditer(text)))
        for text in texts
    ]
    here, packed = words_here(texts), utf8_buffers(pl.Series(texts))
    began = time.process_time()
    mark_words(*packed)
    ours = time.process_time() - began
    count, size = sum(map(len, here)), packed[0].size / 1e6
    same = [
        100 * sum(len(a & b) for a, b in zip(here, found, strict=True)) / sum(map(len, found))
        for found in (runs, whole)
    ]
    shares = f"{same[0]:.4f} % | {same[1]:.3f} %"
    return (
        f"| {name} | {size:.1f} | {count:,} | {shares} | {size / ours:.0f} | {size / theirs:.2f} |"
    )


if __name__ == "__main__":
    main()
