import json
from itertools import pairwise

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datakit.kernels.json_lines import KINDS, PADDING, Scan, count_lines, scan_lines
from datakit.stages.ingest.blocks import make_block
from datakit.stages.ingest.line_rows import read_block
from datakit.stages.ingest.mapping import FieldMapping, RowMapper

ORDINARY = [
    b'{"text":"a"}',
    b'{ "text" : "a" , "b" : [ 1 , { "c" : null } ] }',
    '{"text":"你好，世界😀","id":"一"}'.encode(),
    rb'{"text":"\u4f60\u597d\ud83d\ude00\n\t\"\\\/\b\f\r"}',
    b'{"text":"' + b"x" * 31 + b'\\n"}',
    b'{"text":"' + b"x" * 32 + b'"}',
    b'{"text":"' + b"x" * 100 + b"\\u00e9" + b"y" * 100 + b'"}',
    b"{}",
    b'{"b":{},"c":[],"d":[[[]]],"e":{"f":{"g":[]}}}\r',
    b'\t {"n":[0,-0,-1.5,1e5,1E-5,1.0e+10,12345678901234567890123]} ',
    b'{"t":[true,false,null],"text":null}',
    b'{"text":"\x7f\xc2\x80"}',
    b'{"x":' + b"[" * 60 + b"]" * 60 + b"}",
    b'{"b":1,"b":2}',
    rb'{"z":"\u0000"}',
]
FLAGGED = [
    b"",
    b"[]",
    b'"text"',
    b"null",
    b"{",
    b'{"text"}',
    b'{"text":}',
    b'{"text":"a",}',
    b'{,"text":"a"}',
    b'{"text":"a"}}',
    b'{"text":"a"} x',
    b'{"text":"a" "b":1}',
    b'{"text":"a","text":"b"}',
    b'{"text":"a"',
    b'{"text":"a',
    b'{"text":"a\t"}',
    b'{"text":"\0"}',
    rb'{"text":"\u0000"}',
    rb'{"text":"\ud800"}',
    rb'{"text":"\ud800\u0041"}',
    rb'{"text":"\ud800\ud7ff"}',
    rb'{"text":"\ud800\ue000"}',
    rb'{"z":"\ud800\ud7ff"}',
    rb'{"z":"\ud800\ue000"}',
    rb'{"text":"\udc00"}',
    rb'{"z":"\ud800"}',
    rb'{"z":"\udc00"}',
    rb'{"text":"\x"}',
    rb'{"text":"\u12g4"}',
    rb'{"z":"\u12"}',
    rb'{"te\u0078t":"a"}',
    b'{"z":01}',
    b'{"z":-}',
    b'{"z":1.}',
    b'{"z":.5}',
    b'{"z":1e}',
    b'{"z":+1}',
    b'{"z":1e400}',
    b'{"z":' + b"9" * 400 + b"}",
    b'{"z":tru}',
    b'{"z":nul}',
    b'{"z":falze}',
    b'{"z":NaN}',
    b'{"z":[1,]}',
    b'{"z":[1 2]}',
    b'{"z":[1}}',
    b'{"z":{"a":1]}',
    b'{"z":{"a"}}',
    b'{"z":{1:2}}',
    b'{"z":{"a":1,}}',
    b"{'z':1}",
    b'{"z":1}//',
    b'{"x":' + b"[" * 62 + b"]" * 62 + b"}",
]


def as_array(text: bytes) -> np.ndarray:
    return np.frombuffer(text + b"\xaa" * PADDING, dtype=np.uint8).copy()


def scan(lines: list[bytes], keys: list[str], **options: object) -> Scan:
    text = b"".join(line + b"\n" for line in lines)
    return scan_lines(as_array(text), (len(text), len(lines)), keys, **options)


def strings(column: tuple[np.ndarray, np.ndarray]) -> list[str]:
    text, offsets = column
    return [bytes(text[a:b]).decode() for a, b in pairwise(offsets)]


def slow_read(line: bytes, key: str) -> tuple[str, str]:
    """Kind and content of a member, by the JSON library."""
    value = orjson.loads(line)
    if key not in value:
        return "missing", ""
    found = value[key]
    return ("string", found) if isinstance(found, str) else ("null", "")


def test_ordinary_lines_are_read_by_the_scanner_itself() -> None:
    found = scan(ORDINARY, ["text"])

    assert [line for line, ok in zip(ORDINARY, found.recognised, strict=True) if not ok] == []
    kinds = [KINDS[kind] for kind in found.kinds[0]]
    expected = [slow_read(line, "text") for line in ORDINARY]
    assert list(zip(kinds, strings(found.columns[0]), strict=True)) == expected
    rest = [{k: v for k, v in orjson.loads(line).items() if k != "text"} for line in ORDINARY]
    assert [orjson.loads(meta) for meta in strings(found.meta)] == rest


@pytest.mark.parametrize("line", [line for line in FLAGGED if line])
def test_unusual_lines_are_flagged_and_leave_nothing_behind(line: bytes) -> None:
    found = scan([b'{"text":"a","m":1}', line, b'{"text":"b"}'], ["text", "z"])

    assert found.recognised.tolist() == [True, False, True]
    assert strings(found.columns[0]) == ["a", "", "b"]
    assert strings(found.meta) == ['{"m":1}', "", "{}"]
    assert found.kinds[:, 1].tolist() == [0, 0]
    assert found.line.tolist() == [0, 1, 2]


def test_every_value_is_given_as_it_stands() -> None:
    found = scan([b'{"a":1.0, "b": [1, 2e5], "c":true,"d":{"e" : 1},"f":null}'], [*"abcdf"])

    assert [strings(column)[0] for column in found.columns] == [
        "1.0",
        "[1, 2e5]",
        "true",
        '{"e" : 1}',
        "",
    ]
    assert [KINDS[kind] for kind in found.kinds[:, 0]] == [
        "number",
        "array",
        "boolean",
        "object",
        "null",
    ]


def test_a_kept_key_is_in_its_column_and_in_meta() -> None:
    found = scan([b'{"a": {"b":1},"c" : 2, "d":3}'], ["a", "d"], keep=[True, False])

    assert strings(found.columns[0]) == ['{"b":1}']
    assert strings(found.meta) == ['{"a": {"b":1},"c" : 2}']


def test_refused_lines_are_not_read_and_blank_lines_are_no_rows() -> None:
    lines = [b'{"a":1}', b" \t\r", b'{"a":"\xff"}', b"", b'{"a":2}']
    found = scan(lines, ["a"], refused=np.array([False, False, True, False, False]))

    assert found.recognised.tolist() == [True, False, True]
    assert found.line.tolist() == [0, 2, 4]
    assert found.span.tolist() == [[0, 7], [12, 21], [23, 30]]


def test_keys_beyond_ascii_and_keys_that_begin_alike_are_told_apart() -> None:
    found = scan(['{"内容":"甲","内":"乙","content":"丙"}'.encode()], ["内", "内容", "conten"])

    assert [strings(column)[0] for column in found.columns] == ["乙", "甲", ""]


def test_no_lines_and_no_keys() -> None:
    assert scan([], ["a"]).recognised.size == 0
    assert strings(scan([b'{"a":1}'], []).meta) == ['{"a":1}']


@given(st.lists(st.binary(max_size=5).map(lambda b: b.replace(b"\n", b"")), max_size=20))
def test_count_lines(lines: list[bytes]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    assert count_lines(np.frombuffer(text, dtype=np.uint8)) == len(lines)
    assert count_lines(np.frombuffer(text * 20_000, dtype=np.uint8)) == len(lines) * 20_000


TEXTS = st.one_of(
    st.text(max_size=8),
    st.text(alphabet='ab"\\/\n\t你😀\x00\x7f\ud800', max_size=80),
    st.sampled_from(["a.b", "a", "b", "text", "id", "", " ", "\u3000"]),
)
KEYS = st.one_of(st.sampled_from(["text", "id", "a", "b", "a.b", "c"]), st.text(max_size=3))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def object_lines(draw: st.DrawFn) -> bytes:
    members = draw(st.lists(st.tuples(KEYS, VALUES), max_size=5))
    gap = draw(st.sampled_from(["", " ", "\t", " \r"]))
    is_ascii = draw(st.booleans())
    dumped = [
        f"{json.dumps(key, ensure_ascii=is_ascii)}{gap}:{gap}"
        f"{json.dumps(value, ensure_ascii=is_ascii)}"
        for key, value in members
    ]
    return (gap + "{" + f"{gap},{gap}".join(dumped) + "}" + gap).encode("utf-8", "surrogatepass")


@st.composite
def broken_lines(draw: st.DrawFn) -> bytes:
    line = draw(object_lines())
    at = draw(st.integers(0, len(line)))
    with_what = draw(st.sampled_from([b"", b'"', b"\\", b"{", b"]", b",", b"\xff", b"\xe4", b"\0"]))
    return line[:at] + with_what + line[at + draw(st.integers(0, 2)) :]


LINES = st.one_of(object_lines(), broken_lines(), st.sampled_from([*ORDINARY, *FLAGGED]))
MAPPINGS = st.sampled_from(
    [
        FieldMapping(),
        FieldMapping(text="a", id="id"),
        FieldMapping(text="a.b", fields=["c", "a.c.b", "a"], id="b"),
        FieldMapping(text=["text", "a"], fields={"x": "b", "y": "b.a"}),
        FieldMapping(fields={"t": "text", "a": "a"}),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=6), MAPPINGS)
@example([b'{"a":{"b":1},"a.b":null}', b'{"a":{"b":"x","b":"y"}}'], FieldMapping(text="a.b"))
def test_the_scanner_and_the_library_give_the_same_records(
    lines: list[bytes], mapping: FieldMapping
) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    mapper = RowMapper(mapping, "s", "f.jsonl")
    fast, slow = (
        read_block(
            make_block(b"\n".join(lines), 5, {}), mapper, max_line_bytes=400, compiled=compiled
        )
        for compiled in (True, False)
    )

    assert fast.schema == slow.schema
    assert fast.equals(slow), pl.concat([fast, slow]).to_dicts()
