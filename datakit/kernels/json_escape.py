"""Texts to JSON strings, a whole column at once: what the JSON Lines sink writes.

Numba is loaded on the first call.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Strings: TypeAlias = tuple[Bytes, NDArray[np.int64]]


def encode_json_strings(
    data: Bytes, offsets: NDArray[np.int64], *, prefix: bytes = b"", suffix: bytes = b""
) -> Strings:
    r"""Each value as a quoted JSON string between `prefix` and `suffix`: (bytes, offsets).

    Value i is `data[offsets[i]:offsets[i + 1]]`, valid UTF-8 (the two buffers of an Arrow
    LargeString array; a null there is written as an empty string). Escaped as `orjson.dumps`
    does: `\" \\ \b \f \n \r \t`, other control characters as `\u00xx`, all else as it is.
    """
    from datakit.kernels import json_quote

    data, offsets = _read_only(data), _read_only(offsets)
    before = np.frombuffer(prefix + b'"', dtype=np.uint8).copy()
    after = np.frombuffer(b'"' + suffix, dtype=np.uint8).copy()
    rows = offsets.size - 1
    capacity = int(json_quote.measure(data, offsets)) + rows * (before.size + after.size)
    out = np.empty(capacity + json_quote.PADDING, dtype=np.uint8)
    ends = np.zeros(rows + 1, dtype=np.int64)
    json_quote.quote(data, offsets, (before, after), out, ends)
    return out[: ends[-1]], ends


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view that cannot be written, so that a kernel is compiled once for both kinds of array."""
    view = array.view()
    view.flags.writeable = False
    return view
