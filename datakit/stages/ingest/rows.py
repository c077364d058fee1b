"""What a reader has found in a piece of input, before the field mapping makes a batch of it."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from datakit.kernels.json_lines import KINDS

MISSING, NULL, STRING, NUMBER, BOOLEAN, OBJECT, ARRAY = range(len(KINDS))

EXCERPT_CHARS = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a piece of input is no record: the reject's reason, and what was found."""

    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def values_json(self) -> str:
        """`values` as JSON text."""
        return orjson.dumps(self.values).decode()


class Values(NamedTuple):
    """What each record has under one name or path.

    `text` (String): the content of a string, the JSON text of another value, null for null and
    for nothing. `kinds`: number of each value's kind in `KINDS`.
    """

    text: pl.Series
    kinds: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Rows:
    """Records in order, with the values asked for by path and the rest as `meta` (JSON text).

    `lines` (UInt64): where each begins. `faults`: by row; such a row has no values and null meta.
    `nul_free`: known to have no NUL character in any value.
    """

    lines: pl.Series
    values: Mapping[str, Values]
    meta: pl.Series
    faults: Mapping[int, Fault] = field(default_factory=dict)
    nul_free: bool = False


def make_lines(lines: Sequence[int] | pl.Series) -> pl.Series:
    """Line numbers as a column."""
    return pl.Series("_line", lines, dtype=pl.UInt64)


def make_excerpt(data: bytes) -> str:
    """The beginning of a piece of input, to be shown."""
    return data[: 4 * EXCERPT_CHARS].decode("utf-8", "replace")[:EXCERPT_CHARS]


def split_path(path: str) -> tuple[str, str]:
    """First part of a dotted path and the rest; the rest is empty if there is no dot inside."""
    head, _, rest = path.partition(".")
    return (head, rest) if head and rest else (path, "")


def decode_bytes(value: bytes) -> str:
    """Bytes as text: UTF-8, or base64 where they are none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
