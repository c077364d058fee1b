"""From buckets to verified duplicates: records in keeper order, each against those that stay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from datakit.records import ADDRESS, ID, SOURCE, Table
from datakit.stage import Recall
from datakit.stages.dedup.keepers import KEEPER_ORDER, KEPT_ADDRESS, KEPT_ID, KEPT_SOURCE
from datakit.stages.dedup.stayers import Buckets, Shingles, Stayers, measure_similarity

BUCKET, SHINGLES, SIMILARITY = "bucket", "shingles", "similarity"

# Records whose shingles are in memory at once, with those of the stayers they meet.
BLOCK_RECORDS = 1024

DUPLICATE_SCHEMA = {
    ADDRESS: pl.UInt64,
    SOURCE: pl.String,
    KEPT_ID: pl.String,
    KEPT_SOURCE: pl.String,
    KEPT_ADDRESS: pl.UInt64,
    SIMILARITY: pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """The records that share a bucket with another, numbered in keeper order."""

    addresses: Buckets
    buckets: Sequence[Buckets]
    sizes: Buckets


def number_candidates(members: Table) -> Candidates:
    """From rows of `bucket`, `rank`, `_address`, one for each record in each bucket."""
    records = members.select(KEEPER_ORDER).unique().sort(KEEPER_ORDER).with_row_index("record")
    dense = members.select(ADDRESS, pl.col(BUCKET).rank("dense").cast(pl.Int64) - 1)
    placed = dense.join(records, on=ADDRESS).sort("record", BUCKET)
    buckets = placed[BUCKET].to_numpy()
    counts = np.bincount(placed["record"].to_numpy(), minlength=records.height)
    split = np.split(buckets, np.cumsum(counts)[:-1])
    return Candidates(records[ADDRESS].to_numpy(), split, np.bincount(buckets))


def find_duplicates(candidates: Candidates, threshold: float, recall: Recall) -> Table:
    """The records that go, each with the stayer it is most similar to (`DUPLICATE_SCHEMA`).

    A record goes if its similarity to a record that stays and shares a bucket with it is at least
    the threshold; else it stays. No other record has a say in it, so nothing is removed by way of
    a third.
    """
    stayers = Stayers(threshold, candidates.buckets, candidates.sizes)
    addresses = candidates.addresses
    for block in _blocks([n for n in range(addresses.size) if stayers.is_in_large(n)]):
        stayers.count_shingles(_shingle_sets(recall(addresses[block].tolist())))
    found = [pl.DataFrame(schema=DUPLICATE_SCHEMA)]
    for block in _blocks(range(addresses.size)):
        pairs = _check_block(block, stayers, (addresses, threshold, recall))
        if pairs:
            found.append(_name_pairs(pairs, addresses, recall))
    return pl.concat(found)


def _check_block(
    block: Sequence[int], stayers: Stayers, search: tuple[Buckets, float, Recall]
) -> list[tuple[int, int, float]]:
    """(record, stayer, similarity) of each record of the block that goes."""
    addresses, threshold, recall = search
    sets = dict(zip(block, _shingle_sets(recall(addresses[block].tolist())), strict=True))
    met = sorted({n for record in block for n in stayers.search(record, sets[record])})
    if met:
        sets |= zip(met, _shingle_sets(recall(addresses[met].tolist())), strict=True)
    pairs = []
    for record in block:
        others = stayers.search(record, sets[record])
        if others:
            similarity = measure_similarity(sets[record], [sets[n] for n in others])
            # The first of the most similar, in keeper order.
            best = int(similarity.argmax())
            if similarity[best] >= threshold:
                pairs.append((record, others[best], float(similarity[best])))
                continue
        stayers.add(record, sets[record])
    return pairs


def _name_pairs(pairs: list[tuple[int, int, float]], addresses: Buckets, recall: Recall) -> Table:
    gone, kept, similarity = (list(column) for column in zip(*pairs, strict=True))
    keepers = recall(addresses[kept].tolist())
    columns = {
        ADDRESS: pl.Series(addresses[gone]),
        SOURCE: recall(addresses[gone].tolist())[SOURCE],
        KEPT_ID: keepers[ID],
        KEPT_SOURCE: keepers[SOURCE],
        KEPT_ADDRESS: pl.Series(addresses[kept]),
        SIMILARITY: pl.Series(similarity),
    }
    return pl.DataFrame(columns, schema=DUPLICATE_SCHEMA)


def _shingle_sets(kept: Table) -> list[Shingles]:
    """The rows' shingles as arrays; every row recalled has some."""
    lists = kept[SHINGLES]
    flat = lists.explode().to_numpy()
    return np.split(flat, np.cumsum(lists.list.len().to_numpy())[:-1])


def _blocks(records: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(records), BLOCK_RECORDS):
        yield list(records[start : start + BLOCK_RECORDS])
