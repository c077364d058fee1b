"""Numbers that quality rules are written on, measured of every text of a column.

Names, units and exact definitions: `datakit.text.signal_catalogue`. Numba is loaded on the first
call, and of the kernels only those that the groups asked for need.
"""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.json_lines import Bytes

Measures = dict[str, NDArray[np.int64] | NDArray[np.float64]]


def measure_signals(
    data: Bytes,
    offsets: NDArray[np.int64],
    groups: Collection[str],
    *,
    lists: Mapping[str, tuple[str, ...]],
    cuts: Bytes | None = None,
) -> Measures:
    """The signals of the groups `groups`, one value a text each.

    Text i is the valid UTF-8 `data[offsets[i]:offsets[i + 1]]`: the two buffers of an Arrow
    LargeString array, where a null counts as empty. `lists` are the catalogue's word lists;
    phrases in lower case. With `cuts`, one byte for each of `data`, a Han character begins a word
    only where its first byte is marked (not 0). Counts are int64, the rest float64; 0 for a share
    or mean of nothing.
    """
    from datakit.kernels.signals_chars import Texts
    from datakit.kernels.signals_counts import count_all
    from datakit.kernels.signals_shares import SHARES

    if cuts is not None and cuts.size != data.size:
        message = f"{cuts.size} cuts for {data.size} bytes"
        raise ValueError(message)
    if unknown := set(groups) - SHARES.keys():
        message = f"no groups of signals: {sorted(unknown)}; there are {list(SHARES)}"
        raise ValueError(message)
    cuts = np.zeros(0, dtype=np.uint8) if cuts is None else cuts
    frozen = data.view(), cuts.view(), offsets.view()
    for array in frozen:
        array.flags.writeable = False  # so that kernels are compiled for one kind of array
    counts = count_all(Texts(*frozen), frozenset(groups), lists)
    found: Measures = {}
    for group, find_shares in SHARES.items():
        if group in groups:
            found |= find_shares(counts)
    return found
