import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datakit.kernels.json_members import split_elements, split_members

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS | st.sampled_from(['"', "\\", "}", "]", '\\"', "{[,:"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES), st.sampled_from([None, 1]), st.booleans())
def test_members_put_together_again_are_the_object(
    value: dict[str, object], indent: int | None, is_ascii: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii).encode()

    members = split_members(b" " + text + b"\r\n")

    assert [(m.key, json.loads(m.value)) for m in members] == list(value.items())
    assert json.loads(b"{%b}" % b",".join(m.text for m in members)) == value


@given(st.lists(VALUES), st.sampled_from([None, 1]))
def test_elements_are_those_of_the_array(values: list[object], indent: int | None) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=False).encode()

    assert [json.loads(element) for element in split_elements(text)] == values


def test_texts_stay_as_they_are_written() -> None:
    members = split_members(b'{"a": 1.0,"b":1e5 ,"a" : [ 1 ],"\\u0061":123456789012345678901}')

    assert [member.key for member in members] == ["a", "b", "a", "a"]
    assert [member.text for member in members] == [
        b'"a": 1.0',
        b'"b":1e5',
        b'"a" : [ 1 ]',
        b'"\\u0061":123456789012345678901',
    ]


@pytest.mark.parametrize("text", [b"{}", b" { } ", b"[]", b"[ ]\n"])
def test_empty_ones(text: bytes) -> None:
    split = split_members if b"{" in text else split_elements
    assert split(text) == list(orjson.loads(text))
