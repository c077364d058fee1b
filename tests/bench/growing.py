"""Corpora of any size for near-duplicate removal, made while they are written.

- `documents`: texts repeated, each time rewritten so far that they are no near-duplicates of what
  they were, and every fifth record a planted copy (`planted.py`): the share of duplicates is the
  same at every size;
- `short`: records of 30 to 200 characters, words drawn from the texts, half of them Chinese;
  every tenth a near-duplicate of an earlier one;
- `template`: one page with different bodies, all of one bucket: one half less similar to each
  other than 0.8 (about 0.71), so that all of it must stay though candidates abound, the other more
  (about 0.86), so that all but the first go; of the first half every tenth is a copy of another
  member with a character changed.
"""

import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from planted import is_han, plant, rewrite, write_records

BATCH = 100_000


def repeat(texts: Sequence[str], size: int) -> Iterator[str]:
    """Texts until `size` bytes: as they are, then again and again, each time rewritten."""
    done = 0
    for turn in itertools.count():
        for number, text in enumerate(texts):
            if done >= size:
                return
            text = rewrite(text, turn << 32 | number) if turn else text
            done += len(text.encode())
            yield text


def write_documents(path: Path, texts: Sequence[str], size: int, *, seed: int) -> dict[str, int]:
    """About `size` bytes of text; what was written."""
    order = random.Random(seed).sample(texts, len(texts))
    records = plant(repeat(order, int(size * 0.8)), prefix="d", seed=seed)
    return {"bytes": write_records(path, records)}


def write_short(path: Path, texts: Sequence[str], records: int, *, seed: int) -> dict[str, int]:
    """Many short records."""
    chance = np.random.default_rng(seed)
    vocabularies = [words_of(texts, han=True), words_of(texts, han=False)]
    written = {"records": 0, "copies": 0, "bytes": 0}
    earlier: list[tuple[int, NDArray[np.int64]]] = []
    with path.open("wb") as out:
        while written["records"] < records:
            size = min(BATCH, records - written["records"])
            rows, copies, earlier = draw_short(chance, vocabularies, size, earlier)
            lines = write_lines(rows, written["records"])
            out.write(lines)
            written["records"] += size
            written["copies"] += copies
            written["bytes"] += len(lines)
    return written


def words_of(texts: Sequence[str], *, han: bool) -> tuple[pl.Series, NDArray[np.float64]]:
    """Words (of Chinese, runs of two characters) and how often each is to be drawn."""
    chosen = [text[:3000] for text in texts[:20_000] if is_han(text) == han]
    pattern = r"[\u4e00-\u9fff]{2}" if han else r"[A-Za-z]{2,12}"
    counts = Counter(itertools.chain.from_iterable(re.findall(pattern, text) for text in chosen))
    words, seen = zip(*counts.most_common(50_000), strict=True)
    # Flatter than nature: few shingles are to be shared by chance.
    weight = np.sqrt(np.array(seen))
    return pl.Series(words), np.cumsum(weight / weight.sum())


def draw_short(
    chance: np.random.Generator,
    vocabularies: Sequence[tuple[pl.Series, NDArray[np.float64]]],
    size: int,
    earlier: list[tuple[int, NDArray[np.int64]]],
) -> tuple[pl.Series, int, list[tuple[int, NDArray[np.int64]]]]:
    """`size` texts, how many of them are copies, and some records for later copies."""
    texts, copies, recent = [], 0, list(earlier)
    for kind, (words, ends) in enumerate(vocabularies):
        rows = size // 2 if kind else size - size // 2
        lengths = chance.integers(30, 201, rows)
        counts = np.maximum(1, lengths // (2 if kind == 0 else 8))
        drawn = np.searchsorted(ends, chance.random(int(counts.sum()))).clip(0, len(words) - 1)
        records = np.split(drawn, np.cumsum(counts)[:-1])
        pool = [record for at, record in earlier if at == kind] or records[: rows // 10]
        is_copy = chance.random(rows) < 0.1
        # The first batch copies from its own first records, which are to stay what they are.
        is_copy[: 0 if earlier else rows // 10] = False
        for number in np.flatnonzero(is_copy):
            records[number] = near_copy(pool[chance.integers(len(pool))], chance, len(words))
            copies += 1
        recent += [(kind, records[n]) for n in chance.integers(0, rows, min(rows, 2000))]
        flat = pl.DataFrame(
            {
                "row": np.repeat(np.arange(rows), [record.size for record in records]),
                "word": words.gather(np.concatenate(records)),
            }
        )
        joined = pl.col("word").str.join("" if kind == 0 else " ")
        texts.append(flat.group_by("row", maintain_order=True).agg(joined)["word"])
    order = chance.permutation(size)
    kept = [recent[n] for n in chance.permutation(len(recent))[:20_000]]
    return pl.concat(texts).gather(order), copies, kept


def near_copy(
    record: NDArray[np.int64], chance: np.random.Generator, words: int
) -> NDArray[np.int64]:
    """The last word another, unless that would leave too little in common."""
    if record.size < 14:
        return record
    return np.append(record[:-1], chance.integers(words))


def write_lines(texts: pl.Series, start: int) -> bytes:
    ids = pl.Series(range(start, start + len(texts))).cast(pl.String)
    return pl.DataFrame({"id": "s" + ids, "text": texts}).write_ndjson().encode()


def write_template(path: Path, texts: Sequence[str], records: int, *, seed: int) -> dict[str, int]:
    """One page, many bodies."""
    chance = random.Random(seed)
    letters = re.sub(r"[^\u4e00-\u9fff]+", "", "".join(t for t in texts if is_han(t))[:3_000_000])
    page, bodies = letters[:240], letters[240:]
    written = {"records": records, "copies": 0, "bytes": 0}
    recent: list[str] = []
    with path.open("w", encoding="utf-8") as out:
        for number in range(records):
            length = 14 if number % 2 else 44
            pieces = [bodies[at : at + 2] for at in chance.choices(range(len(bodies) - 2), k=22)]
            body = "".join(pieces)[:length]
            if length == 44 and recent and chance.random() < 0.1:
                other = chance.choice(recent)
                body = other[:-1] + body[0]
                written["copies"] += 1
            elif length == 44:
                recent = [*recent[-999:], body]
            text = f"{page[:160]}{body}{page[160:]}"
            line = json.dumps({"id": f"t{number}", "text": text}, ensure_ascii=False)
            written["bytes"] += len(text.encode())
            out.write(line + "\n")
    return written
