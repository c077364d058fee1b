"""What repairs did to conversations, told in a column: `drop_trailing_user 1, drop_empty 2`."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import polars as pl

from datakit.conversations.repairs import Step
from datakit.records import SPOKEN

Done = list[pl.DataFrame]
"""For each repair that changed anything one column of its name: the messages of each row that
went, or else were changed."""


def carry_out(flat: pl.DataFrame, steps: Iterable[Step], rows: int) -> tuple[pl.DataFrame, Done]:
    """Conversations in flat form after all steps, and what each did."""
    done: Done = []
    for name, step in steps:
        flat, was = step(flat), flat
        done += count_changes(name, was, flat, rows)
    return flat, done


def count_changes(name: str, was: pl.DataFrame, now: pl.DataFrame, rows: int) -> Done:
    """What one repair did; nothing if there is nothing to tell."""
    if was is now:
        return []
    if was.height == now.height:
        same = (was["row"] == now["row"]) & (was["message"] == now["message"])
        for field in (*SPOKEN, "tool_calls"):
            same &= was[field].eq_missing(now[field])
        counts = np.bincount(was.filter(~same)["row"].to_numpy(), minlength=rows)
    else:
        old, new = (np.bincount(f["row"].to_numpy(), minlength=rows) for f in (was, now))
        counts = old - new
    return [pl.DataFrame({name: counts})] if counts.any() else []


def tell(done: Done, rows: int, column: str) -> pl.Series:
    """The column of this name: what was done to each row, null where nothing was."""
    if not done:
        return pl.Series(column, [None], dtype=pl.String).new_from_index(0, rows)
    parts = [
        pl.when(pl.col(name) > 0).then(pl.format(name + " {}", pl.col(name)))
        for frame in done
        for name in frame.columns
    ]
    told = pl.concat_str(parts, separator=", ", ignore_nulls=True)
    frames = pl.concat(done, how="horizontal")
    return frames.select(pl.when(told != "").then(told).alias(column)).to_series()


def count_told(told: pl.Series) -> Counter[str]:
    """How many messages each repair concerned, from what `tell` told."""
    found: Counter[str] = Counter()
    # Few different ones are told.
    for text, records in told.drop_nulls().value_counts().iter_rows():
        for repair in text.split(", "):
            name, _, count = repair.rpartition(" ")
            found[name] += int(count) * records
    return found
