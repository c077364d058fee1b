"""The raw texts of a JSON object's members or an array's elements, as they stand.

For values that a JSON library has found valid; here nothing is checked. A parsed number or
object cannot be written again as it was (`1e5`, `1.0`, 20-digit integers), so what is only
carried along is cut out of the text.
"""

import re
from typing import NamedTuple

import orjson

_COMMA, _CLOSE_BRACKET, _CLOSE_BRACE = b",]}"

_S = rb"[ \t\r\n]*+"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = rb"(?:%b|[^\s,\[\]{}]++)" % _STRING  # a value without brackets of its own

_MEMBER = re.compile(rb"%b(%b)%b:%b(%b?)%b" % (_S, _STRING, _S, _S, _PLAIN, _S))
_ELEMENT = re.compile(rb"%b(%b?)%b" % (_S, _PLAIN, _S))
_STRING_OR_BRACKET = re.compile(rb"%b|[\[\]{}]" % _STRING)
_SPACE = re.compile(_S)


class Member(NamedTuple):
    """One member: its key decoded, the raw text of its value, and of key and value together."""

    key: str
    value: bytes
    text: bytes


def split_members(data: bytes) -> list[Member]:
    """The members of the valid JSON object in `data`, in order, repeated keys too."""
    members = []
    at = _skip_space(data, data.index(b"{") + 1)
    while data[at] != _CLOSE_BRACE:
        match = _MEMBER.match(data, at)
        assert match is not None
        key, (start, end), after = match.group(1), match.span(2), match.end()
        if start == end:
            end = _find_end(data, start)
            after = _skip_space(data, end)
        name = orjson.loads(key) if b"\\" in key else key[1:-1].decode()
        members.append(Member(name, data[start:end], data[match.start(1) : end]))
        at = after + (data[after] == _COMMA)
    return members


def split_elements(data: bytes) -> list[bytes]:
    """The raw texts of the elements of the valid JSON array in `data`.

    >>> split_elements(b'[1.0, {"a": [2]}]')
    [b'1.0', b'{"a": [2]}']
    """
    elements = []
    at = _skip_space(data, data.index(b"[") + 1)
    while data[at] != _CLOSE_BRACKET:
        match = _ELEMENT.match(data, at)
        assert match is not None
        (start, end), after = match.span(1), match.end()
        if start == end:
            end = _find_end(data, start)
            after = _skip_space(data, end)
        elements.append(data[start:end])
        at = after + (data[after] == _COMMA)
    return elements


def _skip_space(data: bytes, at: int) -> int:
    match = _SPACE.match(data, at)
    assert match is not None
    return match.end()


def _find_end(data: bytes, start: int) -> int:
    """Where the object or array that begins at `start` ends."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(data, start):
        byte = data[match.start()]
        if byte in b"{[":
            depth += 1
        elif byte in b"}]":
            depth -= 1
            if depth == 0:
                return match.end()
    raise AssertionError("not a valid JSON value")
