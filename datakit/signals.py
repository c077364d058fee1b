"""Signals of the texts of a batch, measured only as far as they are asked for.

What there is to measure: `datakit.text.signal_catalogue`.
"""

from collections.abc import Iterable
from typing import Any

import polars as pl
from numpy.typing import NDArray

from datakit.kernels.scripts import Bytes, Offsets
from datakit.kernels.segmentation import mark_tokens
from datakit.records import Table, utf8_buffers
from datakit.text.signal_catalogue import JIEBA, SIGNALS
from datakit.text.word_lists import word_lists


def columns_named(*expressions: str) -> list[str]:
    """The columns that SQL expressions name, each once; an empty string is no expression."""
    found = [pl.sql_expr(sql).meta.root_names() for sql in expressions if sql]
    return list(dict.fromkeys(name for names in found for name in names))


def measure(texts: pl.Series, names: Iterable[str]) -> Table:
    """The named signals of each text, one column each, in the order of the catalogue.

    A null counts as an empty text. Counts are Int64, everything else Float64. A name that is no
    signal is passed over.
    """
    wanted = set(names)
    signals = [signal for signal in SIGNALS.values() if signal.name in wanted]
    plain = frozenset(s.group for s in signals if not s.name.startswith(JIEBA))
    cut = frozenset(s.group.removeprefix(JIEBA) for s in signals if s.name.startswith(JIEBA))
    data, offsets = utf8_buffers(texts)
    found = _measured(data, offsets, plain) if plain else {}
    if cut:
        by_jieba = _measured(data, offsets, cut, cuts=mark_tokens(data, offsets))
        found |= {f"{JIEBA}{name}": values for name, values in by_jieba.items()}
    return pl.DataFrame({signal.name: found[signal.name] for signal in signals})


def _measured(
    data: Bytes, offsets: Offsets, groups: frozenset[str], *, cuts: Bytes | None = None
) -> dict[str, NDArray[Any]]:
    from datakit.kernels.signals import measure_signals

    return measure_signals(data, offsets, groups, lists=word_lists(), cuts=cuts)
