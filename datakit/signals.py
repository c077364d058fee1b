"""Signals of the texts of a batch, measured only as far as they are asked for.

What there is to measure: `datakit.text.signal_catalogue`.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.kernels.hashing import hash_values
from datakit.kernels.scripts import Bytes, Offsets
from datakit.kernels.segmentation import mark_tokens
from datakit.kernels.signals import Measures, measure_signals
from datakit.records import Table, utf8_buffers
from datakit.text.signal_catalogue import JIEBA, MEASURED, SEGMENTED, SIGNALS
from datakit.text.word_lists import word_lists


def columns_named(*expressions: str) -> list[str]:
    """The columns that SQL expressions name, each once; an empty string is no expression."""
    found = [pl.sql_expr(sql).meta.root_names() for sql in expressions if sql]
    return list(dict.fromkeys(name for names in found for name in names))


def measure(texts: pl.Series, names: Iterable[str]) -> Table:
    """The named signals of each text, one column each, in the order of the catalogue.

    A null counts as an empty text. Counts are Int64, everything else Float64. A name that is no
    signal is passed over. What was measured is held until the next call, so that neighbours in a
    chain that look at the same texts, or at some of them, share one measuring; texts are known
    again by a hash of 64 bits.
    """
    global _held  # noqa: PLW0603
    wanted = set(names)
    signals = [signal for signal in SIGNALS.values() if signal.name in wanted]
    data, offsets = utf8_buffers(texts)
    keys = hash_values(data, offsets)
    groups = _held.of(keys)
    asked = {signal.group for signal in signals} - groups.keys()
    plain = {group for group in asked if not group.startswith(JIEBA)}
    if cut := asked - plain:
        # What does not depend on words is measured in the same reading.
        shared = plain - SEGMENTED
        named = {group.removeprefix(JIEBA) for group in cut} | shared
        by_jieba = _measured(data, offsets, named, cuts=mark_tokens(data, offsets))
        groups |= {group: by_jieba.pop(group) for group in shared}
        groups |= {f"{JIEBA}{group}": columns for group, columns in by_jieba.items()}
        plain -= shared
    groups |= _measured(data, offsets, plain)
    _held = _Held(keys, groups)
    return pl.DataFrame(
        {s.name: groups[s.group][s.name.removeprefix(JIEBA)] for s in signals},
    )


class _Held(NamedTuple):
    """Hashes of texts, and by group what was measured of them."""

    keys: NDArray[np.uint64]
    groups: dict[str, Measures]

    def of(self, keys: NDArray[np.uint64]) -> dict[str, Measures]:
        """What was measured of texts, by group; nothing unless it was of all of them."""
        if not self.keys.size or not keys.size:
            return {}
        order = np.argsort(self.keys, kind="stable")
        places = order[np.searchsorted(self.keys, keys, sorter=order) % order.size]
        if not np.array_equal(self.keys[places], keys):
            return {}
        return {
            group: {name: values[places] for name, values in columns.items()}
            for group, columns in self.groups.items()
        }


_held = _Held(np.zeros(0, dtype=np.uint64), {})


def _measured(
    data: Bytes, offsets: Offsets, groups: Collection[str], *, cuts: Bytes | None = None
) -> dict[str, Measures]:
    """Signals by group."""
    if not groups:
        return {}
    found = measure_signals(data, offsets, groups, lists=word_lists(), cuts=cuts)
    owners = {signal.name: signal.group for signal in MEASURED}
    return {
        group: {name: values for name, values in found.items() if owners[name] == group}
        for group in groups
    }
