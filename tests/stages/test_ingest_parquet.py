"""Records from Parquet files: any column types, row groups in any cut."""

import datetime
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingest_reading import kept, read_all, rejects

from datakit.errors import DatakitError, SettingsError
from datakit.stages.ingest.parquet import ParquetSource


def source(path, **settings):
    return ParquetSource(name="s", path=str(path), **settings)


def read(tmp_path, table, row_group_size=2, **settings):
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=row_group_size)
    return read_all(source(tmp_path / "x.parquet", **settings))


def test_rows_are_records_numbered_over_the_file(tmp_path):
    table = pa.table({"text": ["头痛", "b", "c", "d", "e"], "n": [1, None, 3, 4, 5]})
    rows = read(tmp_path, table)
    assert kept(rows, "id", "text", "_line")[0] == ("s/x.parquet:1", "头痛", 1)
    assert rows["_line"].to_list() == [1, 2, 3, 4, 5]
    assert json.loads(rows["meta"][2]) == {"n": 3}


def test_row_groups_are_cut_into_shards(tmp_path):
    pq.write_table(pa.table({"text": ["a"] * 10}), tmp_path / "x.parquet", row_group_size=2)
    shards = source(tmp_path).shards(1)
    assert [(shard.start, shard.stop, shard.first_line) for shard in shards] == [
        (0, 1, 1),
        (1, 2, 3),
        (2, 3, 5),
        (3, 4, 7),
        (4, 5, 9),
    ]
    assert len(source(tmp_path).shards(1 << 20)) == 1


def test_other_types_than_strings_become_json(tmp_path):
    table = pa.table(
        {
            "text": pa.array(["a", "b"]).dictionary_encode(),
            "when": [datetime.datetime(2024, 5, 1, 12), None],
            "turns": [[{"role": "user", "content": "你好"}], None],
            "score": [1.5, 2.0],
            "labels": pa.array([["x"], []], pa.large_list(pa.large_string())),
        }
    )
    rows = read(tmp_path, table, fields=["turns", "score", "when"], text="text")
    (first, second) = kept(rows, "text", "turns", "score", "when", "meta")
    assert json.loads(first[1]) == [{"role": "user", "content": "你好"}]
    assert (first[0], first[2], json.loads(first[4])) == ("a", "1.5", {"labels": ["x"]})
    assert first[3].startswith("2024-05-01T12:00")
    assert (second[1], second[3]) == (None, None)


def test_member_of_a_struct_column(tmp_path):
    table = pa.table({"doc": [{"body": "a", "n": 1}, {"body": None, "n": 2}]})
    rows = read(tmp_path, table, text="doc.body")
    assert kept(rows, "text") == [("a",)]
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(2, "missing_field")]


def test_rejects_of_the_mapping(tmp_path):
    rows = read(tmp_path, pa.table({"text": ["a", None, " ", "b"]}))
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [
        (2, "missing_field"),
        (3, "empty_text"),
    ]
    rows = read(tmp_path, pa.table({"text": [1, 2]}))
    assert [reason for _, reason, _ in rejects(rows)] == ["wrong_type", "wrong_type"]


def test_batches_are_bounded_by_bytes(tmp_path):
    table = pa.table({"text": ["长" * 400_000] * 30})
    pq.write_table(table, tmp_path / "x.parquet", use_dictionary=False)
    (shard,) = source(tmp_path).shards(1 << 30)
    sizes = [batch.estimated_size() for batch in source(tmp_path).read(shard)]
    assert len(sizes) > 3
    assert max(sizes) < 20 << 20


def test_file_without_rows(tmp_path):
    assert read(tmp_path, pa.table({"text": pa.array([], pa.string())})).height == 0


def test_what_is_no_parquet_is_an_error_that_names_it(tmp_path):
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(DatakitError, match=r"x\.parquet cannot be read as Parquet"):
        source(tmp_path).shards(1)


def test_damage_found_while_reading_names_the_file(tmp_path):
    path = tmp_path / "x.parquet"
    pl.DataFrame({"text": ["abc" * 1000] * 1000}).write_parquet(path)
    (shard,) = source(tmp_path).shards(1 << 30)
    content = bytearray(path.read_bytes())
    content[4:300] = b"\xff" * 296
    path.write_bytes(content)
    with pytest.raises(DatakitError, match=r"x\.parquet cannot be read as Parquet"):
        list(source(tmp_path).read(shard))


def test_missing_column_is_found_before_the_run(tmp_path):
    pq.write_table(pa.table({"content": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(DatakitError, match="has no column 'contents'; did you mean 'content'"):
        source(tmp_path, text="contents").shards(1)


def test_settings_mistakes():
    with pytest.raises(SettingsError, match="on_malformed"):
        source("x", on_malformed="skip")
    with pytest.raises(SettingsError, match="fields"):
        source("x", fields=["meta"])
