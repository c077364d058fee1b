"""Values of the columns a stage tallies are counted by source, however the input is cut."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl
from small_run import make_runner, texts
from small_stages import Upper

from datakit.records import Batch, Columns, Table


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstLetter:
    """A map and what it tallies."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset({"first"})
    tally: ClassVar[tuple[str, ...]] = ("first",)

    def map(self, batch: Batch) -> Batch:
        first = pl.col("text").str.head(1)
        return batch.with_columns(pl.when(first != "").then(first).alias("first"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Short:
    """A filter and what it tallies: a column of its verdicts, of kept and rejected rows."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset()
    tally: ClassVar[tuple[str, ...]] = ("chars",)

    def reject(self, batch: Batch) -> Table:
        chars = pl.col("text").str.len_chars()
        reason = pl.when(chars < 3).then(pl.lit("short"))
        return batch.select(reason.alias("reason"), chars.alias("chars"))


def test_a_map_and_a_filter_are_tallied_in_any_cut(tmp_path: Path) -> None:
    run = make_runner(tmp_path)
    reports = [
        run((FirstLetter(), Short(), Upper()), shard_bytes=size, out=f"out{size}")
        for size in (300, 50_000)
    ]

    kept = [text for text in texts() if text != "bad"]
    first, chars = reports[0].counts.tally_tables().values()
    assert {row[0]: row[1] for row in first[1]} == Counter(text[0] for text in kept)
    assert first[0] == ["first", "one", "two"]
    assert {row[0]: row[2] for row in chars[1]} == Counter(str(len(text)) for text in kept)
    assert reports[0].counts.tallies == reports[1].counts.tallies
