"""The word lists that come with datakit (`word_lists.toml`)."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from datakit.text.signal_catalogue import LISTS

ONE_RUN = frozenset({"end_marks", "hant", "hans"})
"""Lists whose items are single characters, written without spaces between."""
ONE_A_LINE = frozenset({"boilerplate", "readmore"})


@cache
def word_lists() -> Mapping[str, tuple[str, ...]]:
    """The lists named in the catalogue of signals, each without repetition, in the file's order."""
    written = (files("datakit.text") / "word_lists.toml").read_text(encoding="utf-8")
    table: dict[str, str] = tomllib.loads(written)
    return {name: tuple(dict.fromkeys(_items(name, table[name]))) for name in LISTS}


def _items(name: str, text: str) -> list[str]:
    if name in ONE_RUN:
        return list("".join(text.split()))
    return text.strip().split("\n") if name in ONE_A_LINE else text.split()
