"""Finding the records in a JSON file's text, without parsing what they hold."""

import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import orjson

from datakit.errors import DatakitError
from datakit.kernels.json_members import split_members
from datakit.stages.ingest.rows import Fault

Element: TypeAlias = bytes | Fault

VALUES_OF = "*"
SPACE = b" \t\r\n"
LINES_TRIED = 20
NOT_CLOSED = Fault("malformed_json", {"error": "the file ends before the array is closed"})

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)


def split_array(data: bytes) -> Iterator[Element]:
    """The texts of the elements of a JSON array, whether they are valid or not.

    What is left open at the end, and what follows the array, comes as one more text; where the
    file breaks off between elements, `NOT_CLOSED` comes. A comma too many is passed over.

    >>> list(split_array(b'[{"a": [1, 2]}, x, "]"]'))
    [b'{"a": [1, 2]}', b'x', b'"]"']
    """
    depth, start = 0, 1
    for token in _TOKEN.finditer(data):
        found = token.group()
        if found in (b"[", b"{"):
            depth += 1
        elif found in (b"]", b"}"):
            depth -= 1
        if depth > 1 or (depth == 1 and found != b","):
            continue
        if element := data[start : token.start()].strip(SPACE):
            yield element
        start = token.end()
        if depth <= 0:
            break
    if rest := data[start:].strip(SPACE):
        yield rest
    if depth == 1:
        yield NOT_CLOSED


def whole_or_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """One record, or JSON Lines under another name."""
    if _is_lines(data):
        for number, line in enumerate(data.split(b"\n"), start=1):
            if line.strip(SPACE):
                yield number, line.strip(SPACE)
    else:
        yield 1, data


def _is_lines(data: bytes) -> bool:
    """Whether one of the first lines is an object, and the whole is none: a line may be broken."""
    lines = list(islice(io.BytesIO(data), LINES_TRIED))
    if len(lines) < 2:
        return False
    # Inside a broken object that is written over several lines, its parts are mostly indented.
    parts = (line for line in lines[1:] if line.startswith(b"{"))
    return _is_object(lines[0]) or (any(map(_is_object, parts)) and not _is_object(data))


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def find_records(data: bytes, records: str, path: Path) -> Iterator[Element]:
    """The texts of the records at a path inside objects; of a file that is no JSON, all of it.

    Raises:
        DatakitError: the file has nothing at that path; the message names what is there.
    """
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        yield data
        return
    for step in records.split("."):
        members = {m.key: m.value for m in split_members(data)} if data[:1] == b"{" else {}
        if step == VALUES_OF and data[:1] == b"{":
            yield from (_with_key(m.key, m.value) for m in split_members(data))
            return
        if step not in members:
            there = ", ".join(list(members)[:20]) or "no object there"
            raise DatakitError(f"{path} has no records at {records!r}: {step!r} not in: {there}")
        data = members[step]
    yield from split_array(data) if data[:1] == b"[" else [data]


def _with_key(key: str, value: bytes) -> bytes:
    """A member of an object as a record; a field `key` of its own stays as it is."""
    if value[:1] != b"{":
        return orjson.dumps({"key": key, "value": orjson.Fragment(value)})
    members = split_members(value)
    if any(member.key == "key" for member in members):
        return value
    named = b'"key":' + orjson.dumps(key)
    return b"{%b}" % b",".join([named, *(member.text for member in members)])
