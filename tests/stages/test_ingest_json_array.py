"""Records from JSON files of every shape people keep them in."""

import gzip
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_reading import kept, read_all, rejects
from polars.testing import assert_frame_equal

from datakit.errors import DatakitError, SettingsError
from datakit.stages.ingest import json_array
from datakit.stages.ingest.json_array import JsonArraySource
from datakit.stages.ingest.json_elements import split_array


def source(path, **settings):
    return JsonArraySource(name="s", path=str(path), **settings)


def read(tmp_path, content, **settings):
    path = tmp_path / "x.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_all(source(path, **settings))


def test_array_of_objects(tmp_path):
    rows = read(tmp_path, '[{"text": "头痛", "n": 1e5},\n {"text": "b", "m": {"a": [1.0]}}]\n')
    assert kept(rows, "id", "text", "meta", "_line") == [
        ("s/x.json:1", "头痛", '{"n": 1e5}', 1),
        ("s/x.json:2", "b", '{"m": {"a": [1.0]}}', 2),
    ]


def test_single_object_is_one_record(tmp_path):
    rows = read(tmp_path, '{\n  "text": "a",\n  "n": 1\n}')
    assert kept(rows, "id", "text", "meta") == [("s/x.json:1", "a", '{"n": 1}')]


@pytest.mark.parametrize("content", ["[]", " [ ] \n"])
def test_empty_array_has_no_records(tmp_path, content):
    assert read(tmp_path, content).height == 0


def test_json_lines_under_the_name_of_json(tmp_path):
    rows = read(tmp_path, '{"text": "a"}\n\n{"text": "b"}\r\n{"text": \n{"text": "c"}')
    assert kept(rows, "text", "_line") == [("a", 1), ("b", 3), ("c", 5)]
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(4, "malformed_json")]


@pytest.mark.parametrize("bad", ['{"text": ', "header", '{"text": "x"}}'])
def test_bad_first_line_costs_none_of_the_lines_after_it(tmp_path, bad):
    rows = read(tmp_path, f"{bad}\n" + '{"text": "a"}\n' * 1000)
    assert kept(rows, "text", "_line") == [("a", line) for line in range(2, 1002)]
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(1, "malformed_json")]


def test_lines_of_an_object_that_is_whole_are_no_records(tmp_path):
    rows = read(tmp_path, '{"text": "a", "m":\n{"text": "b"}\n}')
    assert kept(rows, "text") == [("a",)]


def test_lines_of_a_broken_object_are_no_records(tmp_path):
    rows = read(tmp_path, '{\n  "m": [\n    {"text": "b"}\n  ],\n  "text": "a",\n}')
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(1, "malformed_json")]
    assert not kept(rows, "text")


def test_array_inside_objects(tmp_path):
    content = '{"version": 1, "data": {"items": [{"text": "a"}, {"text": "b"}]}}'
    rows = read(tmp_path, content, records="data.items")
    assert kept(rows, "id", "text") == [("s/x.json:1", "a"), ("s/x.json:2", "b")]


def test_one_object_at_a_path_is_one_record(tmp_path):
    assert kept(read(tmp_path, '{"data": {"text": "a"}}', records="data"), "text") == [("a",)]


def test_values_of_an_object_keep_their_names(tmp_path):
    content = '{"1": {"text": "a", "n": 1.0}, "2": {"text": "b", "key": "own"}, "3": {}}'
    rows = read(tmp_path, content, records="*", id="key", fields=["key"], text="text")
    assert kept(rows, "id", "key", "text", "meta") == [
        ("1", "1", "a", '{"n": 1.0}'),
        ("own", "own", "b", "{}"),
    ]
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(3, "missing_field")]


def test_values_that_are_no_objects_become_a_field(tmp_path):
    content = '{"d": {"头痛": "休息", "咳嗽": "多喝水"}}'
    rows = read(tmp_path, content, records="d.*", text="value", fields=["key"])
    assert kept(rows, "key", "text") == [("头痛", "休息"), ("咳嗽", "多喝水")]


def test_conversation_a_file(tmp_path):
    for number in (1, 2):
        turns = [{"role": "client", "content": f"问{number}"}]
        (tmp_path / f"{number}.json").write_text(json.dumps(turns), encoding="utf-8")
    rows = read_all(source(tmp_path, array_field="turns", fields=["turns"]))
    assert [json.loads(turns)[0]["content"] for (turns,) in kept(rows, "turns")] == ["问1", "问2"]
    assert rows["id"].to_list() == ["s/1.json:1", "s/2.json:1"]


def test_broken_elements_cost_no_others(tmp_path):
    content = (
        '[{"text": "a"}, {"text": nope}, 5, {"text": 5}, {"n": 1}, {"text": " "}, {"text": "z"}]'
    )
    rows = read(tmp_path, content)
    assert kept(rows, "text", "_line") == [("a", 1), ("z", 7)]
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [
        (2, "malformed_json"),
        (3, "not_an_object"),
        (4, "wrong_type"),
        (5, "missing_field"),
        (6, "empty_text"),
    ]


@pytest.mark.parametrize(
    ("content", "good"),
    [
        ('[{"text": "a"}, {"text": "b', 1),
        ('[{"text": "a"}, {"text": [1, "b"]', 1),
        ('[{"text": "a"}] rubbish', 1),
        ('[{"text": "a"}]]', 1),
        ("", 0),
        ("no json at all", 0),
        ('{"text": ', 0),
    ],
)
def test_broken_file_keeps_what_is_whole(tmp_path, content, good):
    rows = read(tmp_path, content)
    reasons = [reason for _, reason, _ in rejects(rows)]
    assert rows.height - len(reasons) == good
    assert reasons == ["malformed_json"]


@pytest.mark.parametrize("end", [",\n", "\n", ""])
def test_array_cut_off_between_elements_is_told(tmp_path, monkeypatch, end):
    content = '[{"text": "a"},\n{"text": "b"}' + end
    rows = read(tmp_path, content)
    assert kept(rows, "text") == [("a",), ("b",)]
    said = {"error": "the file ends before the array is closed"}
    assert rejects(rows) == [(3, "malformed_json", said)]
    monkeypatch.setattr(json_array, "COMPILED_FROM_BYTES", 10)
    assert_frame_equal(read(tmp_path, content), rows)


def test_broken_file_with_a_path_to_records_is_one_reject(tmp_path):
    rows = read(tmp_path, '{"data": [{"text": "a"}', records="data")
    assert [reason for _, reason, _ in rejects(rows)] == ["malformed_json"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16", "utf-16-le", "big5"])
def test_encodings_are_told_apart(tmp_path, encoding):
    text = "他們在這裡的時候都很好，醫生也說沒有問題。"
    rows = read(tmp_path, f'[{{"text": "{text}"}}]'.encode(encoding))
    assert kept(rows, "text") == [(text,)]


def test_undecodable_file_is_one_reject(tmp_path):
    broken = '[{"text": "患者的头很痛，不知道为什么会这样X"}]'.encode("gb18030")
    broken = broken.replace(b"X", b"\xb5\x32\xb2\x41")
    rows = read(tmp_path, broken)
    ((line, reason, values),) = rejects(rows)
    assert (line, reason, values["encoding"]) == (1, "undecodable", "gb18030")
    assert values["bytes"].startswith("b5 32 b2")
    replaced = read(tmp_path, broken, encoding_errors="replace")
    assert "\ufffd" in kept(replaced, "text")[0][0]


def test_many_small_files_and_a_compressed_one(tmp_path):
    for number in range(30):
        (tmp_path / f"{number:02d}.json").write_text(f'[{{"text": "{number}"}}]')
    (tmp_path / "99.json.gz").write_bytes(gzip.compress(b'[{"text": "99"}]'))
    rows = read_all(source(tmp_path))
    assert rows["text"].to_list() == [*map(str, range(30)), "99"]
    assert len(list(source(tmp_path).shards(1 << 20))) == 1
    assert len(source(tmp_path).inputs()) == 31


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("as_lines", [False, True])
def test_large_files_are_read_as_small_ones_are(tmp_path, monkeypatch, indent, as_lines):
    """The compiled reader, and the JSON library for what is small."""
    values = [{"text": "头痛\\n" * 40, "n": [1, {"a": n}]} for n in range(300)]
    texts = [json.dumps(value, ensure_ascii=False, indent=indent) for value in values]
    texts[100:100] = ['{"text": "broken\nstring"}', '{"text": 1.0}', "[]", '{"text": }', " "]
    if as_lines:
        content = "\n\n".join(text.replace("\n", " ") for text in texts)
    else:
        content = "[" + ",\n".join(texts) + "]"
    small = read(tmp_path, content)
    monkeypatch.setattr(json_array, "COMPILED_FROM_BYTES", 100)
    monkeypatch.setattr(json_array, "BLOCK_BYTES", 3000)
    assert_frame_equal(read(tmp_path, content), small)
    assert small.filter(pl.col("_reason").is_not_null()).height == 4 - as_lines
    assert small.height == 304


def test_too_large_file_is_an_error_that_helps(tmp_path):
    (tmp_path / "x.json").write_text("[" + " " * 100 + "]")
    with pytest.raises(
        DatakitError, match=r"x\.json holds more than max_file_bytes = 100; convert"
    ):
        read_all(source(tmp_path, max_file_bytes=100))


def test_wrong_path_to_records_says_what_there_is(tmp_path):
    with pytest.raises(DatakitError, match=r"no records at 'data\.item': 'item' not in: items, n"):
        read(tmp_path, '{"data": {"items": [], "n": 1}}', records="data.item")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"records": "a..b"}, "records"),
        ({"records": "*.a"}, "records"),
        ({"records": ""}, "records"),
        ({"array_field": ""}, "array_field"),
        ({"array_field": "a", "records": "b"}, "array_field"),
        ({"on_malformed": "skip"}, "on_malformed"),
        ({"max_file_bytes": 0}, "max_file_bytes"),
        ({"max_file_bytes": -1}, "max_file_bytes"),
        ({"encoding": "gb18O30"}, "encoding"),
        ({"fields": ["id"]}, "fields"),
    ],
)
def test_settings_mistakes(settings, key):
    with pytest.raises(SettingsError) as error:
        source("x", **settings)
    assert error.value.key == key


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=6), st.sampled_from([None, 2]), st.booleans())
def test_splitting_gives_each_element_as_it_stands(elements, indent, ascii_only):
    data = json.dumps(elements, indent=indent, ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    )
    assert [json.loads(text) for text in split_array(data)] == elements
