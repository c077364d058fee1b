"""Keep records with little personal information."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from datakit.errors import SettingsError
from datakit.records import Batch, Columns, Table


@dataclass(frozen=True, kw_only=True, slots=True)
class PiiFilter:
    """Keep records in which `clean.pii`, which stands before, has found at most `max_pieces`
    pieces of personal information.

    A text with many is a list of people more often than prose; Dolma rejects documents with more
    than five. 0 keeps only records in which nothing was found.

    Reasons: `too_much_pii`. Values: `n_pii`, and `pii` by kind.
    """

    needs: ClassVar[Columns] = frozenset({"n_pii", "pii"})
    adds: ClassVar[Columns] = frozenset()

    max_pieces: int = 5

    def __post_init__(self) -> None:
        if self.max_pieces < 0:
            raise SettingsError("max_pieces", f"{self.max_pieces} is less than 0")

    def reject(self, batch: Batch) -> Table:
        """`reason`, and what was found beside `max_pieces`."""
        reason = pl.when(pl.col("n_pii") > self.max_pieces).then(pl.lit("too_much_pii"))
        most = pl.lit(self.max_pieces).alias("max_pieces")
        return batch.select(reason.alias("reason"), "n_pii", most, "pii")
