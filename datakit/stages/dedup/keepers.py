"""What becomes of the duplicates of a record that stays."""

from dataclasses import replace

import polars as pl

from datakit.barriers import Decisions
from datakit.records import Table

KEPT_ID, KEPT_SOURCE, KEPT_ADDRESS = "kept_id", "kept_source", "kept_address"
KEPT_IN = "kept_in"
"""The index that the record that stays is in; null where it is one of the run."""


def decide_duplicates(rows: Table, reason: str, values: Table) -> Decisions:
    """Reject the records whose reduced row names a record that stays."""
    is_duplicate = (
        rows[KEPT_ID].is_not_null()
        if KEPT_ID in rows.columns
        else pl.Series([False]).new_from_index(0, rows.height)
    )
    copies = (~is_duplicate).cast(pl.UInt32)
    named = pl.select(pl.when(is_duplicate).then(pl.lit(reason, dtype=pl.String))).to_series()
    return Decisions(copies, named, values)


def reject_also(decisions: Decisions, which: pl.Series, reason: str) -> Decisions:
    """The decisions, and the rows `which` rejected for a reason of their own."""
    if not which.any():
        return decisions
    none, named = pl.Series([0], dtype=pl.UInt32), pl.Series([reason])
    return replace(
        decisions,
        copies=decisions.copies.zip_with(~which, none.new_from_index(0, len(which))),
        reason=decisions.reason.zip_with(~which, named.new_from_index(0, len(which))),
    )
