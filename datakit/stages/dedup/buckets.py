"""Buckets of records that are alike in a band of their signatures: their rows, and their heads."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.records import ADDRESS, PARTITION, Table
from datakit.stages.dedup.groups import HEAD

BUCKET = "bucket"


def bucket_rows(addresses: pl.Series, keys: NDArray[np.uint64], partitions: int) -> Table:
    """A row for each of the bucket `keys` of each record, shape (records, bands)."""
    buckets = keys.reshape(-1)
    columns = {
        ADDRESS: np.repeat(addresses.to_numpy(), keys.shape[1]),
        BUCKET: buckets,
        PARTITION: (buckets % np.uint64(partitions)).astype(np.uint32),
    }
    return pl.DataFrame(columns)


def find_heads(rows: Table) -> Table:
    """For each record in a bucket with others, the first of the bucket (its head).

    Buckets with the same head become one, which only adds candidates; near copies share most of
    their buckets, so that few rows are left.
    """
    from datakit.kernels.components import head_buckets

    keys, addresses = rows[BUCKET].to_numpy(), rows[ADDRESS].to_numpy()
    found, heads = np.empty((2, keys.size), dtype=np.uint64)
    kept = head_buckets(keys, np.argsort(keys), addresses, found, heads)
    return pl.DataFrame({ADDRESS: found[:kept], HEAD: heads[:kept]})
