"""Records from JSON values one at a time: small inputs, lines of unusual form, parsed objects.

For whole blocks of lines there is `line_rows`, which gives the same rows.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import polars as pl

from datakit.kernels.json_lines import KINDS
from datakit.kernels.json_members import split_members
from datakit.stages.ingest.rows import (
    ARRAY,
    BOOLEAN,
    MISSING,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Fault,
    Rows,
    Values,
    decode_bytes,
    make_excerpt,
    make_lines,
    split_path,
)

Found = tuple[str | None, int]
NOTHING: Found = (None, MISSING)


def rows_from_texts(
    texts: Sequence[bytes | Fault], lines: Sequence[int] | pl.Series, paths: Collection[str]
) -> Rows:
    """Rows from JSON texts, one value each. What is only carried stays as it is written."""

    def read(text: bytes) -> tuple[str, list[Found]] | Fault:
        value = parse_object(text)
        if isinstance(value, Fault):
            return value
        members = split_members(text)
        kept = (m.text for m in members if m.key not in paths)
        raw = {m.key: m.value for m in members}
        meta = b"{%b}" % b",".join(kept)
        return meta.decode(), [find_raw(value, raw, path) for path in paths]

    return _collect(texts, lines, paths, read)


def rows_from_objects(
    objects: Sequence[Any], lines: Sequence[int] | pl.Series, paths: Collection[str]
) -> Rows:
    """Rows from parsed JSON values (or what a data set library gives for them)."""

    def read(value: Any) -> tuple[str, list[Found]] | Fault:
        if not isinstance(value, dict):
            excerpt = make_excerpt(_dump(value))
            return Fault("not_an_object", {"found": _kind_name(value), "excerpt": excerpt})
        try:
            meta = _dump({key: rest for key, rest in value.items() if key not in paths})
            return meta.decode(), [_find(value, path) for path in paths]
        except UnicodeEncodeError as error:
            excerpt = ascii(value)[: len(ascii("")) + 200]
            return Fault("lone_surrogate", {"error": error.reason, "excerpt": excerpt})

    return _collect(objects, lines, paths, read)


def parse_object(text: bytes) -> dict[str, Any] | Fault:
    """The JSON object that is the whole of `text`, or what is wrong with it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _diagnose(text, str(error))
    if isinstance(value, dict):
        return value
    return Fault("not_an_object", {"found": _kind_name(value), "excerpt": make_excerpt(text)})


def find_raw(value: Mapping[str, Any], raw: Mapping[str, bytes], path: str) -> Found:
    """What a parsed object has at `path`; `raw` has its members' texts."""
    if path in value:
        found = value[path]
        kind = _kind(found)
        if kind == STRING:
            return found, STRING
        return (None, NULL) if kind == NULL else (raw[path].decode(), kind)
    head, rest = split_path(path)
    inner = value.get(head)
    if not rest or not isinstance(inner, dict):
        return NOTHING
    return find_raw(inner, {m.key: m.value for m in split_members(raw[head])}, rest)


def _collect(
    items: Sequence[Any],
    lines: Sequence[int] | pl.Series,
    paths: Collection[str],
    read: Callable[[Any], tuple[str, list[Found]] | Fault],
) -> Rows:
    metas: list[str | None] = []
    found: list[list[Found]] = []
    faults: dict[int, Fault] = {}
    for row, item in enumerate(items):
        result = item if isinstance(item, Fault) else read(item)
        if isinstance(result, Fault):
            faults[row] = result
            metas.append(None)
            found.append([NOTHING] * len(paths))
        else:
            metas.append(result[0])
            found.append(result[1])
    columns = zip(*found, strict=True) if found else [()] * len(paths)
    values = {path: make_values(column) for path, column in zip(paths, columns, strict=True)}
    return Rows(make_lines(lines), values, pl.Series("meta", metas, dtype=pl.String), faults)


def make_values(found: Sequence[Found]) -> Values:
    """A column of what was found."""
    text = pl.Series([text for text, _ in found], dtype=pl.String)
    return Values(text, np.array([kind for _, kind in found], dtype=np.uint8))


def _find(value: Mapping[str, Any], path: str) -> Found:
    if path not in value:
        head, rest = split_path(path)
        inner = value.get(head)
        return _find(inner, rest) if rest and isinstance(inner, dict) else NOTHING
    found = value[path]
    if not isinstance(found, str | bool | int | float | dict | list | None):
        found = orjson.loads(_dump(found))
    if isinstance(found, str):
        found.encode()  # a lone surrogate is an error here rather than in a column
        return found, STRING
    text = _dump(found).decode()
    return (None, NULL) if text == "null" else (text, _kind(found))


def _kind(value: Any) -> int:
    if isinstance(value, str):
        return STRING
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, dict):
        return OBJECT
    return ARRAY if isinstance(value, list) else NUMBER


def _kind_name(value: Any) -> str:
    return KINDS[_kind(value)]


def _dump(value: Any) -> bytes:
    """JSON text; integers of any size, dates as ISO text, bytes as UTF-8 or else as base64."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError:  # an integer beyond 64 bit, or a lone surrogate
        plain = _all_plain(value)
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()


def _all_plain(value: Any) -> Any:
    """What the standard library can write, and means JSON by."""
    if isinstance(value, dict):
        return {str(key): _all_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_all_plain(item) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    return orjson.loads(orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY))


def _plain(value: Any) -> Any:
    return decode_bytes(value) if isinstance(value, bytes) else str(value)


def _diagnose(text: bytes, error: str) -> Fault:
    """Which fault it is that makes a JSON library refuse `text`."""
    shown = {"error": error, "excerpt": make_excerpt(text)}
    if b"\0" in text:
        return Fault("nul_character", {"byte": text.index(b"\0"), "excerpt": shown["excerpt"]})
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        where = {"error": wrong.reason, "byte": wrong.start, "bytes": text[wrong.start :][:8].hex()}
        return Fault("invalid_utf8", {**where, "excerpt": shown["excerpt"]})
    return Fault("lone_surrogate" if _has_lone_surrogate(text) else "malformed_json", shown)


def _has_lone_surrogate(text: bytes) -> bool:
    r"""Whether all that is wrong is half of a `\ud83d\ude00` pair, which Python's parser takes."""
    if b"\\u" not in text:
        return False
    try:
        value = json.loads(text, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
