"""The simplest stages there can be, for tests of the engine alone; importable by workers."""

import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import polars as pl
import pyarrow as pa

from datakit.barriers import Decisions, Observation, Recall, Reduced
from datakit.errors import DatakitError
from datakit.records import ADDRESS, PARTITION, Batch, Columns, Table, hash_strings
from datakit.stage import InputFile, Shard


@dataclass(frozen=True, kw_only=True, slots=True)
class LineSource:
    """One record a line, the line being its text; a line "bad" is malformed."""

    name: str
    path: str
    batch_rows: int = 7
    on_malformed: str = "reject"
    adds: ClassVar[Columns] = frozenset({"text"})

    def inputs(self) -> list[InputFile]:
        stat = Path(self.path).stat()
        return [InputFile(path=self.path, size=stat.st_size, version=str(stat.st_mtime_ns))]

    def shards(self, shard_bytes: int) -> list[Shard]:
        found, start, line, size = [], 0, 1, 0
        path = Path(self.path)
        for text in [*path.read_bytes().splitlines(keepends=True), b""]:
            if size and (size >= shard_bytes or not text):
                shard = Shard(path=path, file=path.name, size=size, start=start, stop=start + size)
                found.append(replace(shard, first_line=line))
                line += path.read_bytes()[start : start + size].count(b"\n")
                start, size = start + size, 0
            size += len(text)
        return found

    def read(self, shard: Shard) -> Iterator[Batch]:
        lines = shard.path.read_bytes()[shard.start : shard.stop].decode().splitlines()
        for first in range(0, len(lines), self.batch_rows):
            texts = lines[first : first + self.batch_rows]
            numbers = [shard.first_line + first + n for n in range(len(texts))]
            yield pl.DataFrame(
                {
                    "id": [f"{self.name}/{shard.file}:{n}" for n in numbers],
                    "source": [self.name] * len(texts),
                    "text": texts,
                    "meta": ["{}"] * len(texts),
                    "_file": [shard.file] * len(texts),
                    "_line": pl.Series(numbers, dtype=pl.UInt64),
                    "_reason": pl.Series(
                        ["bad" if t == "bad" else None for t in texts], dtype=pl.String
                    ),
                    "_values": pl.Series([None] * len(texts), dtype=pl.String),
                }
            )

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        raise AssertionError("nothing is packed here")


@dataclass(frozen=True, kw_only=True, slots=True)
class Upper:
    """Upper-case; optionally slow, or deadly to its worker while a file exists."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset()
    seconds: float = 0.0
    deadly: str = ""

    def map(self, batch: Batch) -> Batch:
        time.sleep(self.seconds)
        if self.deadly and Path(self.deadly).exists():
            if Path(self.deadly).read_text() == "once":
                Path(self.deadly).unlink()
            os._exit(9)
        return batch.with_columns(pl.col("text").str.to_uppercase())


@dataclass(frozen=True, kw_only=True, slots=True)
class WantsNumbers:
    """A map that cannot do with what it finds, and names itself."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset()
    name: str = ""

    def map(self, batch: Batch) -> Batch:
        raise DatakitError(f"{self.name}{batch['text'][0]!r} is no number")


@dataclass(frozen=True, kw_only=True, slots=True)
class LosesRow:
    """A broken map."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset()

    def map(self, batch: Batch) -> Batch:
        return batch[1:]


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaks:
    """A stage with a bug."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset()

    def map(self, batch: Batch) -> Batch:
        raise ZeroDivisionError("no")


@dataclass(frozen=True, kw_only=True, slots=True)
class NoDigits:
    """A filter."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset()
    most: int = 3

    def reject(self, batch: Batch) -> Table:
        digits = pl.col("text").str.count_matches(r"\d").alias("digits")
        table = batch.select(digits, pl.lit(self.most).alias("most"))
        reason = pl.when(pl.col("digits") > self.most).then(pl.lit("digits")).alias("reason")
        return table.with_columns(reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unique:
    """A barrier: keeps the first of equal texts, repeats texts that start with B."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset({"first"})

    def observe(self, batch: Batch, partitions: int) -> Observation:
        key = hash_strings(batch["text"]).alias("key")
        rows = batch.select(ADDRESS, "id").with_columns(key)
        part = (pl.col("key") % partitions).cast(pl.UInt32).alias(PARTITION)
        return Observation(rows.with_columns(part))

    def reduce(self, observed: Table) -> Reduced:
        first = pl.col("id").first().over("key").alias("first")
        copy = pl.int_range(pl.len()).over("key").alias("nth")
        rows = observed.with_columns(first, copy).select(ADDRESS, "first", "nth")
        return Reduced(rows, rows.select(pl.len().alias("rows")))

    def decide(self, summaries: Iterable[Table]) -> Table:
        return pl.concat(list(summaries)).sum()

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:
        starts = batch["text"].str.starts_with("B").cast(pl.UInt32) + 1
        again = (rows["nth"] > 0).fill_null(False)
        copies = starts.cast(pl.UInt32).zip_with(~again, starts.clear(batch.height).fill_null(0))
        reason = pl.Series(["again" if a else None for a in again], dtype=pl.String)
        values = rows.select(pl.col("first").alias("kept_id"))
        return Decisions(copies.cast(pl.UInt32), reason, values, rows.select("first"))


@dataclass(frozen=True, kw_only=True, slots=True)
class LineSink:
    """One JSON object a line."""

    needs: ClassVar[Columns] = frozenset({"text"})
    suffix: ClassVar[str] = ".jsonl"

    def reject(self, batch: Batch) -> Table:
        return batch.select(
            pl.when(pl.col("text") == "UNWRITABLE").then(pl.lit("no")).alias("reason")
        )

    def encode(self, batch: Batch) -> pa.Table:
        rows = batch.select("id", "text").to_dicts()
        lines = [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows]
        sizes = pa.array([len(line) for line in lines], pa.uint64())
        return pa.table({"line": pa.array(lines, pa.large_binary()), "_size": sizes})

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        with path.open("wb") as handle:
            for table in tables:
                handle.writelines(table["line"].to_pylist())


@dataclass(frozen=True, kw_only=True, slots=True)
class DropRepeatedParts:
    """A barrier on parts of records: letters and digits of a text are parts; of equal ones the
    first in the corpus stays. A record without any left is rejected.
    """

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset({"dropped"})
    many_rows: ClassVar[bool] = True

    def observe(self, batch: Batch, partitions: int) -> Observation:
        parts = batch.select(ADDRESS, part=pl.col("text").str.extract_all(r"\D+|\d+"))
        parts = parts.with_columns(number=pl.int_ranges(pl.col("part").list.len()))
        rows = parts.explode("part", "number").drop_nulls()
        partition = hash_strings(rows["part"]) % partitions
        return Observation(rows.with_columns(partition.cast(pl.UInt32).alias(PARTITION)))

    def reduce(self, observed: Table) -> Reduced:
        again = observed.filter(pl.int_range(pl.len()).over("part") > 0)
        most = again.group_by("part").agg(pl.len(), pl.col(ADDRESS).first())
        return Reduced(again.select(ADDRESS, "number", "part"), most)

    def decide(self, summaries: Iterable[Table]) -> Table:
        return pl.concat(list(summaries)).sort("len", ADDRESS, descending=[True, False]).head(3)

    def illustrate(self, verdict: Table, recall: Recall) -> Table:
        return verdict.with_columns(recall(verdict[ADDRESS].to_list())["text"].alias("seen"))

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:
        if "number" not in rows.columns:
            rows = rows.with_columns(number=pl.lit(None, dtype=pl.List(pl.Int64)))
        texts, dropped = [], []
        for text, numbers in zip(batch["text"], rows["number"], strict=True):
            parts = re.findall(r"\D+|\d+", text)
            gone = [] if numbers is None else list(numbers)
            assert gone == sorted(gone)
            texts.append("".join(p for n, p in enumerate(parts) if n not in gone))
            dropped.append(len(gone))
        copies = pl.Series([int(t != "" or not d) for t, d in zip(texts, dropped, strict=True)])
        reason = pl.Series([None if c else "all_repeated" for c in copies], dtype=pl.String)
        columns = pl.DataFrame({"text": texts, "dropped": dropped})
        kept = sum(d for d, c in zip(dropped, copies, strict=True) if c)
        return Decisions(copies.cast(pl.UInt32), reason, columns=columns, edits={"parts": kept})
