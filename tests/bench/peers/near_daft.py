"""daft: its MinHash expression, bands exploded and grouped by its engine, a filter.

The records of a cluster are joined by union-find; one of each stays, nothing is verified.

python near_daft.py INPUT OUTPUT WORK LANGUAGE THRESHOLD
"""

import os
import sys
from pathlib import Path

import daft
from daft import DataType, col, functions

NUM_PERM, ROWS = 128, 8


def main() -> None:
    source, target, work, language, _ = sys.argv[1:]
    records = daft.read_json(source).select("id", "text")
    # The expression takes its units from spaces: each Han character is made one.
    pattern = (r"[^\p{L}\p{N}]+", " ") if language == "en" else (r"([\u{3400}-\u{9fff}])", " ${1} ")
    plain = functions.regexp_replace(functions.lower(col("text")), *pattern)
    signature = functions.minhash(plain, num_hashes=NUM_PERM, ngram_size=5, seed=1)
    bands = records.select("id", functions.chunk(signature, ROWS).alias("rows")).explode("rows")
    key = col("rows").cast(DataType.list(DataType.uint32())).hash()
    buckets = bands.select("id", key.alias("key")).groupby("key")
    shared = buckets.agg(functions.list_agg(col("id")).alias("ids"))
    shared = shared.where(functions.list_count(col("ids")) > 1)
    gone = join_buckets(shared.to_pydict()["ids"])
    stays = records.where(~functions.is_in(col("id"), gone)) if gone else records
    stays.write_json(work)
    with Path(target).open("wb") as out:
        for part in sorted(Path(work).glob("**/*.json*")):
            out.write(part.read_bytes())
    # At the end of the interpreter daft 0.7.26 crashes now and then.
    os._exit(0)


def join_buckets(buckets: list[list[str]]) -> list[str]:
    """All records of the clusters that the buckets join but one of each."""
    parents: dict[str, str] = {}
    for first, *others in buckets:
        for other in others:
            one, two = sorted((find_root(parents, first), find_root(parents, other)))
            if one != two:
                parents[two] = one
    return list(parents)


def find_root(parents: dict[str, str], record: str) -> str:
    while record in parents:
        record = parents[record]
    return record


main()
