import json
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.records import Batch
from datakit.stages.ingest import json_rows, line_rows
from datakit.stages.ingest.blocks import make_block
from datakit.stages.ingest.mapping import Fault, FieldMapping, RowMapper


def mapper(**settings: Any) -> RowMapper:
    return RowMapper(FieldMapping(**settings), "s", "f.jsonl")


def map_one(record: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """One record by all three ways in, which must agree."""
    text = orjson.dumps(record)
    by_text = mapper(**settings).map_texts([text], [1])
    by_object = mapper(**settings).map_objects([record], [1])
    block = make_block(text, 1, {})
    by_line = line_rows.read_block(block, mapper(**settings), max_line_bytes=1000, compiled=True)
    rows = [batch.to_dicts()[0] for batch in (by_text, by_object, by_line)]
    for row in rows:
        row["meta"] = row["meta"] and json.loads(row["meta"])
    assert rows[0] == rows[1] == rows[2]
    return rows[0]


def refusal(record: dict[str, Any], **settings: Any) -> tuple[str, dict[str, Any]]:
    row = map_one(record, **settings)
    return row["_reason"], json.loads(row["_values"])


def test_the_field_text_is_the_text_where_nothing_is_said() -> None:
    assert map_one({"text": "甲", "n": 1}) == {
        "id": "s/f.jsonl:1",
        "source": "s",
        "text": "甲",
        "meta": {"n": 1},
        "_file": "f.jsonl",
        "_line": 1,
        "_reason": None,
        "_values": None,
    }


def test_columns_stand_in_a_fixed_order() -> None:
    row = map_one({"a": "x", "b": 1}, text="a", fields=["c", "b"], id="b")
    assert [*row] == [
        *("id", "source", "text", "c", "b", "meta"),
        *("_nested", "_file", "_line", "_reason", "_values"),
    ]


def test_lists_and_objects_are_told_from_texts_that_look_like_them() -> None:
    record = {"a": [1], "b": {"k": 1}, "c": "[1]", "d": 1, "e": None}
    fields = {"x": "a", "y": "b", "z": "c", "v": "d", "w": "e", "u": "b.k"}

    row = map_one(record, fields=fields)

    assert (row["x"], row["z"]) == ("[1]", "[1]")
    assert row["_nested"] == ["x", "y"]
    assert map_one({"c": "[1]"}, fields=["c"])["_nested"] is None
    table = pl.DataFrame({"a": [[1], None], "b": [{"k": 1}] * 2, "c": ["[1]"] * 2})
    batch = mapper(fields=["a", "b", "c"]).map_columns(table, [1, 2])
    assert batch["_nested"].to_list() == [["a", "b"], ["b"]]


def test_parts_are_joined_without_the_empty_ones() -> None:
    record = {"title": "题", "body": "文", "note": None, "end": ""}
    settings: dict[str, Any] = {"text": ["title", "note", "nothing", "end", "body"]}
    assert map_one(record, **settings)["text"] == "题\n\n文"
    assert map_one(record, **settings, join=" | ")["text"] == "题 | 文"


@pytest.mark.parametrize(
    ("value", "found"), [("x\n", "x\n"), (1.5, "1.5"), (True, "true"), (None, None), ([], "[]")]
)
def test_a_field_gives_a_string_as_it_is_and_json_text_of_all_else(value: Any, found: Any) -> None:
    row = map_one({"a": value, "b": {"c": [value]}}, fields={"x": "a", "y": "b.c", "z": "no"})
    inner = orjson.dumps([value]).decode()
    assert (row["x"], row["y"], row["z"], row["_reason"]) == (found, inner, None, None)
    assert row["meta"] == {"b": {"c": [value]}}
    assert "text" not in row


def test_a_path_leads_into_objects_and_a_field_of_just_that_name_wins() -> None:
    record = {"a": {"b": {"c": "in"}}, "a.b": {"c": "literal"}}
    assert map_one(record, text="a.b.c")["text"] == "in"
    assert map_one(record, fields={"x": "a.b"})["x"] == '{"c":"literal"}'
    assert map_one(record, fields={"x": "a.b"})["meta"] == {"a": {"b": {"c": "in"}}}
    assert map_one({"a": {"b.c": "x"}}, text="a.b.c")["text"] == "x"


def test_a_mapped_field_leaves_meta_even_if_a_path_leads_into_it() -> None:
    row = map_one({"a": {"b": "x"}, "n": 0}, text="a.b", fields={"whole": "a"})
    assert (row["text"], json.loads(row["whole"]), row["meta"]) == ("x", {"b": "x"}, {"n": 0})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("k1", "k1"), (17, "17"), (None, "s/f.jsonl:1"), ("", "s/f.jsonl:1"), ([1], "[1]")],
)
def test_an_id_is_the_field_s_value_or_the_place(value: Any, expected: str) -> None:
    assert map_one({"text": "x", "key": value}, id="key")["id"] == expected
    assert map_one({"text": "x", "a": {"key": value}}, id="a.key")["id"] == expected


@pytest.mark.parametrize(
    ("record", "reason", "values"),
    [
        ({}, "missing_field", {"field": "text", "found": "nothing"}),
        ({"text": None}, "missing_field", {"field": "text", "found": "null"}),
        ({"text": 1}, "wrong_type", {"field": "text", "found": "number"}),
        ({"text": True}, "wrong_type", {"field": "text", "found": "boolean"}),
        ({"text": ["a"]}, "wrong_type", {"field": "text", "found": "array"}),
        ({"text": {"a": 1}}, "wrong_type", {"field": "text", "found": "object"}),
        ({"text": ""}, "empty_text", {"field": "text"}),
        ({"text": " \u3000\n\t"}, "empty_text", {"field": "text"}),
        ({"text": "a\0b"}, "nul_character", {"field": "text"}),
    ],
)
def test_a_record_without_text_is_refused(
    record: dict[str, Any], reason: str, values: dict[str, Any]
) -> None:
    assert refusal(record) == (reason, values)


def test_joined_texts_are_refused_as_one() -> None:
    both: dict[str, Any] = {"text": ["a", "b"]}
    assert refusal({}, **both)[1] == {"field": "a + b", "found": "nothing"}
    assert refusal({"a": "x", "b": 2}, **both)[1] == {"field": "b", "found": "number"}
    assert refusal({"a": " ", "b": ""}, **both)[0] == "empty_text"


def test_a_nul_is_refused_where_it_is_mapped_and_kept_where_it_is_carried() -> None:
    assert refusal({"text": "x", "a": {"b": "\0"}}, fields={"c": "a.b"}, text="text") == (
        "nul_character",
        {"field": "a.b"},
    )
    assert map_one({"text": "x", "n": "\0"})["_reason"] is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "malformed_json"),
        (b'{"text":"a",}', "malformed_json"),
        (b'{"text":"a","z":NaN}', "malformed_json"),
        (b'{"text":"a\tb"}', "malformed_json"),
        (b'[{"text":"a"}]', "not_an_object"),
        (b"3", "not_an_object"),
        (b'{"text":"\xc4\xe3"}', "invalid_utf8"),
        (rb'{"text":"\ud83d"}', "lone_surrogate"),
        (rb'{"text":"a","z":["\udc00"]}', "lone_surrogate"),
        (rb'{"text":"\ud83d",}', "malformed_json"),
        (b'{"text":"a\0"}', "nul_character"),
        (b"\0\0\0", "nul_character"),
        (b"[" * 5000, "malformed_json"),
        (b'{"text":"a","\\ud83d":1}', "lone_surrogate"),
    ],
)
def test_a_text_that_is_no_record_says_why_and_shows_itself(text: bytes, reason: str) -> None:
    row = mapper().map_texts([text], [7]).to_dicts()[0]

    assert (row["id"], row["text"], row["meta"]) == ("s/f.jsonl:7", None, None)
    assert row["_reason"] == reason
    assert json.loads(row["_values"])["excerpt"] == text.decode("utf-8", "replace")[:200]


def test_repeated_keys_count_once_where_mapped_and_stay_as_they_are_in_meta() -> None:
    text = b'{"text":"a","n":1,"text":"b","n":2}'
    row = mapper().map_texts([text], [1]).to_dicts()[0]
    assert (row["text"], row["meta"]) == ("b", '{"n":1,"n":2}')


def test_numbers_stay_as_they_are_written() -> None:
    text = b'{"text":"a","n":1.0,"e":1e5,"i":123456789012345678901234567890,"o":{"x" : 0.10}}'
    row = mapper(text="text", fields=["i"]).map_texts([text], [1]).to_dicts()[0]
    assert row["i"] == "123456789012345678901234567890"
    assert row["meta"] == '{"n":1.0,"e":1e5,"o":{"x" : 0.10}}'


def test_faults_of_a_reader_stand_among_the_records() -> None:
    fault = Fault("wrong_number_of_fields", {"expected": 3})
    batch = mapper().map_objects([{"text": "a"}, fault, {"text": "b"}], [1, 2, 5])
    assert batch["_reason"].to_list() == [None, "wrong_number_of_fields", None]
    assert batch["_values"].to_list() == [None, '{"expected":3}', None]
    assert batch["_line"].to_list() == [1, 2, 5]


def test_objects_of_a_data_set_library_become_json() -> None:
    import datetime

    record = {
        "text": "a",
        "when": datetime.datetime(2020, 1, 2, 3, 4),
        "raw": b"ab",
        "bad": b"\xff",
        "big": 2**70,
        "no": float("nan"),
    }
    fields = {"w": "when", "r": "raw", "b": "bad", "i": "big", "n": "no"}
    row = mapper(text="text", fields=fields).map_objects([record], [1]).to_dicts()[0]
    assert [row[name] for name in fields] == ["2020-01-02T03:04:00", "ab", "/w==", str(2**70), None]
    meta = json.loads(mapper().map_objects([record], [1])["meta"][0])
    assert (meta["big"], meta["no"], meta["raw"]) == (2**70, None, "ab")


def test_objects_that_are_no_records() -> None:
    batch = mapper().map_objects([["x"], "x", None, {"text": "\ud800"}, {"n": "\udc00"}], range(5))
    assert batch["_reason"].to_list() == ["not_an_object"] * 3 + ["lone_surrogate"] * 2


def map_table(table: dict[str, Any] | pl.DataFrame, **settings: Any) -> Batch:
    frame = pl.DataFrame(table, strict=False)
    return mapper(**settings).map_columns(frame, range(1, frame.height + 1))


def test_a_table_gives_the_rows_that_its_records_as_objects_give() -> None:
    records = [
        {"text": "甲", "n": 1, "o": {"a": "x", "b": [1, 2]}, "f": 1.5, "t": True},
        {"text": None, "n": None, "o": {"a": None, "b": None}, "f": -2.0, "t": None},
        {"text": " ", "n": 3, "o": {"a": "", "b": []}, "f": 1e300, "t": False},
    ]
    settings: dict[str, Any] = {
        "text": "text",
        "fields": {"x": "o.a", "y": "o.b", "z": "t", "w": "f", "v": "o", "u": "nothing"},
        "id": "n",
    }
    by_table = map_table(pl.DataFrame(records), **settings)
    by_object = mapper(**settings).map_objects(records, [1, 2, 3])
    missing = '"found":"null"'
    assert by_object["_values"][1] == '{"field":"text",' + missing + "}"
    assert by_table.drop("w").equals(by_object.drop("w"))
    assert [float(x) for x in by_table["w"]] == [float(x) for x in by_object["w"]]


def test_a_table_s_own_types() -> None:
    import datetime
    from decimal import Decimal

    table = pl.DataFrame(
        {
            "text": pl.Series(["a", "b"], dtype=pl.Categorical),
            "day": [datetime.date(2020, 1, 2), None],
            "raw": [b"ab", b"\xff"],
            "nested": [{"raw": b"\xff", "list": [b"c"]}, None],
            "no": [float("nan"), float("inf")],
            "sum": [Decimal("1.50"), None],
            "nil": [None, None],
        }
    )
    fields = {"d": "day", "r": "raw", "e": "nested", "n": "no", "s": "sum", "x": "nil"}
    batch = map_table(table, text="text", fields=fields)
    assert batch["text"].to_list() == ["a", "b"]
    assert batch.select(*fields).rows() == [
        ("2020-01-02", "ab", '{"raw":"/w==","list":["c"]}', None, "1.50", None),
        (None, "/w==", None, None, None, None),
    ]
    meta = map_table(table)["meta"]
    assert json.loads(meta[1]) == {
        "day": None, "raw": "/w==", "nested": None, "no": None, "sum": None, "nil": None,
    }  # fmt: skip


def test_a_table_s_text_column_of_another_type_is_refused() -> None:
    batch = map_table({"text": [1, None]})
    assert batch["_reason"].to_list() == ["wrong_type", "missing_field"]
    assert map_table({"a": ["x"]})["_reason"].to_list() == ["missing_field"]


def test_no_rows_have_the_same_columns() -> None:
    settings: dict[str, Any] = {"text": "a", "fields": ["b"], "id": "c"}
    batches = [
        mapper(**settings).map_texts([], []),
        mapper(**settings).map_objects([], []),
        map_table(pl.DataFrame(schema={"a": pl.String, "z": pl.Int64}), **settings),
        mapper(**settings).map_texts([b'{"a":"x"}', b"["], [1, 2]),
        map_table({"a": ["x"], "b": [1], "c": [2]}, **settings),
    ]
    assert all(batch.schema == batches[0].schema for batch in batches)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"text": ""}, "text"),
        ({"text": []}, "text"),
        ({"text": ["a", ""]}, "text"),
        ({"text": ["a", "a"]}, "text"),
        ({"fields": []}, "fields"),
        ({"fields": {}}, "fields"),
        ({"fields": ["a", "a"]}, "fields"),
        ({"fields": {"a": ""}}, "fields"),
        ({"fields": ["meta"]}, "fields"),
        ({"fields": {"_x": "a"}}, "fields"),
        ({"fields": {"text": "a"}}, "fields"),
        ({"id": ""}, "id"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_an_error(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        FieldMapping(**settings)
    assert caught.value.key == key


def test_a_reserved_name_comes_with_what_to_write() -> None:
    with pytest.raises(SettingsError) as caught:
        FieldMapping(fields=["messages"])
    assert caught.value.hint == (
        'give the column another name: fields = { conversation = "messages" }'
    )


@given(st.text(max_size=300).map(lambda text: "{" + text.encode("utf-8", "replace").decode()))
def test_an_excerpt_is_cut_at_characters(text: str) -> None:
    fault = json_rows.parse_object(text.encode() + b"[")
    assert isinstance(fault, Fault)
    assert fault.values["excerpt"] == (text + "[")[:200]
