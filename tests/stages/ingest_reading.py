"""Reading a source in tests: every way it can be cut must give the same rows."""

import json
import tempfile
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from datakit.stage import Source


def read_all(source: Source) -> pl.DataFrame:
    """All rows of a source, after it was cut at several sizes and unpacked with equal results."""
    assert isinstance(source, Source)
    whole = _read(source, 1 << 26)
    assert set(whole.columns) - {"_reason", "_values"} == set(source.adds) or not whole.width
    for size in (1, 100, 4000):
        assert_frame_equal(_read(source, size), whole)
        with tempfile.TemporaryDirectory() as folder:
            assert_frame_equal(_read_unpacked(source, Path(folder), size), whole)
    return whole


def _read(source: Source, shard_bytes: int) -> pl.DataFrame:
    batches = [batch for shard in source.shards(shard_bytes) for batch in source.read(shard)]
    return pl.concat(batches) if batches else pl.DataFrame()


def _read_unpacked(source: Source, folder: Path, shard_bytes: int) -> pl.DataFrame:
    batches = []
    for number, shard in enumerate(source.shards(shard_bytes)):
        pieces = [shard]
        if shard.packed:
            below = folder / str(number)
            below.mkdir()
            pieces = source.unpack(shard, below, shard_bytes)
            assert all(piece.path.is_relative_to(below) and not piece.packed for piece in pieces)
        for piece in pieces:
            found = list(source.read(piece))
            assert not found or found[0]["_line"][0] >= piece.first_line
            batches += found
    return pl.concat(batches) if batches else pl.DataFrame()


def rejects(rows: pl.DataFrame) -> list[tuple[int, str, dict]]:
    """Line, reason and values of the rows that are no records."""
    refused = rows.filter(pl.col("_reason").is_not_null())
    return [
        (line, reason, json.loads(values))
        for line, reason, values in refused.select("_line", "_reason", "_values").iter_rows()
    ]


def kept(rows: pl.DataFrame, *columns: str) -> list[tuple]:
    """Some columns of the rows that are records."""
    return rows.filter(pl.col("_reason").is_null()).select(columns).rows()
