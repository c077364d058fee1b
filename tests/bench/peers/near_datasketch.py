"""datasketch 2: shingles as Python strings, one MinHash a record, a loop over its LSH index.

python near_datasketch.py INPUT OUTPUT WORK LANGUAGE THRESHOLD
"""

import sys
from pathlib import Path

import orjson
from datasketch import MinHash, MinHashLSH

NUM_PERM, BANDS, ROWS = 128, 16, 8


def shingles(text: str) -> set[bytes]:
    """Five words, or five characters of a text that is mostly Han, as UTF-8."""
    text = text.lower()
    if sum("\u3400" <= c <= "\u9fff" for c in text) * 4 > len(text):
        return {text[i : i + 5].encode() for i in range(max(1, len(text) - 4))}
    words = text.split()
    return {" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))}


def main() -> None:
    source, target, _, _, threshold = sys.argv[1:]
    index = MinHashLSH(num_perm=NUM_PERM, params=(BANDS, ROWS))
    first, kept = MinHash(num_perm=NUM_PERM), {}
    with Path(source).open("rb") as lines, Path(target).open("wb") as out:
        for line in lines:
            row = orjson.loads(line)
            signature = first.copy()
            signature.update_batch(shingles(row["text"]))
            candidates = index.query(signature)
            if any(kept[c].jaccard(signature) >= float(threshold) for c in candidates):
                continue
            index.insert(row["id"], signature)
            kept[row["id"]] = signature
            out.write(line)


main()
