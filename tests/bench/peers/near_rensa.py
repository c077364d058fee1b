"""rensa: shingles as Python strings, sketches in batches, its deduplicator with LSH.

python near_rensa.py INPUT OUTPUT WORK LANGUAGE THRESHOLD
"""

import sys
from itertools import islice
from pathlib import Path

import orjson
from rensa import RMinHash, RMinHashDeduplicator

NUM_PERM, BANDS, BATCH = 128, 16, 1000


def shingles(text: str) -> list[str]:
    """Five words, or five characters of a text that is mostly Han."""
    text = text.lower()
    if sum("\u3400" <= c <= "\u9fff" for c in text) * 4 > len(text):
        return [text[i : i + 5] for i in range(max(1, len(text) - 4))]
    words = text.split()
    return [" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))]


def main() -> None:
    source, target, _, _, threshold = sys.argv[1:]
    dedup = RMinHashDeduplicator(
        threshold=float(threshold), num_perm=NUM_PERM, use_lsh=True, num_bands=BANDS
    )
    with Path(source).open("rb") as lines, Path(target).open("wb") as out:
        while batch := list(islice(lines, BATCH)):
            rows = [orjson.loads(line) for line in batch]
            sketches = RMinHash.from_token_sets(
                [shingles(row["text"]) for row in rows], NUM_PERM, 42
            )
            ids = (row["id"] for row in rows)
            stays = dedup.add_pairs(zip(ids, sketches, strict=True))
            out.writelines(line for line, stay in zip(batch, stays, strict=True) if stay)


main()
