"""JSON Lines to columns, without a Python object per record.

`scan_lines` reads a block of whole lines. It takes only lines that hold exactly one JSON object
of ordinary form and flags all others; what the flagged ones are is for a JSON library to say.
Numba is loaded on the first call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Strings: TypeAlias = tuple[Bytes, NDArray[np.int64]]
"""UTF-8 and offsets, as in an Arrow LargeString array (value i ends where i + 1 begins)."""

KINDS = ("missing", "null", "string", "number", "boolean", "object", "array")
"""Kinds of a member's value by number; `KINDS.index("string")` is 2."""

_COUNT_STEP = 1 << 18

PADDING = 64
"""Bytes that must follow the text in the array given to `scan_lines`, whatever they are."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The rows of a block: its lines but the blank ones.

    `recognised`: false where the line was not read (all else but `line` and `span` is then
    empty). `line`: number in the block, from 0. `span`: first byte and end of the line.
    `kinds[k]`: kind of the value of key k. `columns[k]`: content of strings, JSON text of other
    values as it stands, empty for null and missing. `meta`: JSON text of the object of all other
    members, each as it stands, joined by commas.
    """

    recognised: NDArray[np.bool_]
    line: NDArray[np.int64]
    span: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    columns: list[Strings]
    meta: Strings


def scan_lines(
    data: Bytes,
    extent: tuple[int, int],
    keys: Sequence[str],
    *,
    keep: Sequence[bool] = (),
    refused: NDArray[np.bool_] | None = None,
) -> Scan:
    r"""Read the lines of the text in `data`: valid UTF-8 that ends in a line end.

    Args:
        data: Writable array with `PADDING` bytes behind the text.
        extent: Bytes of text, and how many lines they are.
        keys: Distinct members wanted.
        keep: For each key, whether it stays in `meta` as well; none does where left out.
        refused: For each line, whether to flag it unread (it may then be invalid UTF-8).

    Flagged are lines that are no JSON object, repeat a wanted key, have a backslash in a key, a
    NUL in a wanted string, a lone surrogate, a number above 200 digits or with an exponent above
    two, or more than 60 levels.
    """
    from datakit.kernels import json_scan

    size, rows = extent
    assert size == 0 or data[size - 1] == 0x0A
    assert data.size >= size + PADDING
    encoded = [key.encode() for key in keys]
    wanted = json_scan.Wanted(
        names=np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8).copy(),
        bounds=np.cumsum([0, *map(len, encoded)], dtype=np.int64),
        keep=np.array([*keep] or [False] * len(keys), dtype=np.bool_),
    )
    found = json_scan.Found(
        recognised=np.empty(rows, dtype=np.bool_),
        line=np.empty(rows, dtype=np.int64),
        span=np.empty((rows, 2), dtype=np.int64),
        kinds=np.zeros((len(keys), rows), dtype=np.uint8),
        offsets=np.zeros((len(keys) + 1, rows + 1), dtype=np.int64),
        text=np.empty((len(keys) + 1, size + PADDING), dtype=np.uint8),
    )
    flagged = np.zeros(0, dtype=np.bool_) if refused is None else refused
    rows = int(json_scan.scan(data, size, wanted, found, flagged))
    strings = [
        (text[: offsets[rows]], offsets[: rows + 1])
        for text, offsets in zip(found.text, found.offsets, strict=True)
    ]
    return Scan(
        recognised=found.recognised[:rows],
        line=found.line[:rows],
        span=found.span[:rows],
        kinds=found.kinds[:, :rows],
        columns=strings[:-1],
        meta=strings[-1],
    )


def count_lines(data: Bytes) -> int:
    """Number of line ends; several times as fast as `bytes.count`."""
    is_end = np.empty(min(data.size, _COUNT_STEP), dtype=np.bool_)
    count = 0
    for at in range(0, data.size, _COUNT_STEP):
        piece = data[at : at + _COUNT_STEP]
        count += int(np.count_nonzero(np.equal(piece, 0x0A, out=is_end[: piece.size])))
    return count
