"""daft: its MinHash expression on normalised text, bands grouped by its engine, a filter.

The records of a cluster are joined by union-find, the first of each stays.

python near_daft.py INPUT OUTPUT WORK LANGUAGE THRESHOLD
"""

import sys
from pathlib import Path

import daft
from daft import col, functions

NUM_PERM, BANDS, ROWS = 128, 16, 8


def main() -> None:
    source, target, work = sys.argv[1:4]
    records = daft.read_json(source).select("id", "text")
    # The expression takes its units from spaces: each Han character is made one.
    plain = functions.regexp_replace(
        functions.lower(col("text")), r"([\u{3400}-\u{9fff}])", " ${1} "
    )
    plain = functions.regexp_replace(plain, r"[^\p{L}\p{N}]+", " ")
    signature = functions.minhash(plain, num_hashes=NUM_PERM, ngram_size=5, seed=1)
    signed = records.select("id", signature.alias("signature")).collect()
    parents: dict[str, str] = {}
    for band in range(BANDS):
        rows = functions.slice(col("signature"), band * ROWS, (band + 1) * ROWS)
        keyed = signed.select(
            "id", rows.cast(daft.DataType.list(daft.DataType.uint32())).hash().alias("key")
        )
        buckets = keyed.groupby("key").agg(functions.list_agg(col("id")).alias("ids"))
        shared = (
            buckets.where(functions.list_count(col("ids")) > 1).select("ids").to_pydict()["ids"]
        )
        for ids in shared:
            for other in ids[1:]:
                one, two = sorted((root(parents, ids[0]), root(parents, other)))
                if one != two:
                    parents[two] = one
    gone = set(parents)
    stays = records.where(~functions.is_in(col("id"), list(gone))) if gone else records
    stays.write_json(work)
    with Path(target).open("wb") as out:
        for part in sorted(Path(work).glob("**/*.json*")):
            out.write(part.read_bytes())


def root(parents: dict[str, str], record: str) -> str:
    while record in parents:
        record = parents[record]
    return record


main()
