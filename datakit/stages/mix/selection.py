"""Which records of a group are taken: in the order of a hash of seed and id, up to a cut."""

import polars as pl

from datakit.records import ADDRESS, ID, PARTITION, Batch, Table, hash_strings

UPPER = 1 << 32


def make_keys(batch: Batch, salt: str) -> pl.Series:
    """Each record's place in the order of selection: `key`, a hash of `salt` and its id."""
    number = hash_strings(pl.Series([salt], dtype=pl.String))[0]
    return hash_strings(batch[ID], seed=number).alias("key")


def deal(rows: Table, partitions: int) -> Table:
    """The rows with their `_partition`; the order of partitions is that of `key`: its upper bits
    decide.
    """
    number = (pl.col("key") // UPPER * partitions // UPPER).cast(pl.UInt32)
    return rows.with_columns(number.alias(PARTITION))


def count_copies(placed: Table) -> Table:
    """`copies` of each record, whose `key`, `_address` and group's cut are given: the full passes,
    and one more before the cut; and `is_named`, whether there is a cut at all.
    """
    key, cut = pl.col("key"), pl.col("_cut_key")
    is_taken = (key < cut) | ((key == cut) & (pl.col(ADDRESS) <= pl.col("_cut_address")))
    copies = pl.col("_passes") + is_taken.fill_null(False).cast(pl.UInt32)
    return placed.select(
        copies.fill_null(0).alias("copies"), pl.col("_passes").is_not_null().alias("is_named")
    )
