"""The passes over characters or tokens that count what signals are made of, one or two a group.

A pass has its columns, and is given working memory once for a whole batch of texts.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels import (
    signals_lines,
    signals_ngrams,
    signals_phrases,
    signals_runs,
    signals_stops,
    signals_windows,
)
from datakit.kernels.signals_automaton import make_automaton
from datakit.kernels.signals_chars import Chars
from datakit.kernels.signals_kinds import Kinds
from datakit.kernels.signals_lists import AS_IS, IN_LOWER_CASE, lower_table, make_listed
from datakit.kernels.signals_tokens import Tokens

Lists: TypeAlias = Mapping[str, tuple[str, ...]]

STOP_LISTS = {
    "gopher_stops": IN_LOWER_CASE,
    "fineweb2_zh_stops": AS_IS,
    "fineweb2_yue_stops": AS_IS,
    "stops": IN_LOWER_CASE,
}


class Setting(NamedTuple):
    """What is the same for all texts of a batch; `longest`: bytes of the longest of them."""

    kinds: Kinds
    lists: Lists
    longest: int


class Stretch(NamedTuple):
    """Some texts, read: their characters, their tokens if a pass needs them, the line feeds of
    each; `number` is that of the first.
    """

    chars: Chars
    tokens: Tokens
    newlines: NDArray[np.int64]
    number: int


Run: TypeAlias = Callable[[Stretch, NDArray[Any]], None]


class Pass(NamedTuple):
    """A pass for a group: `prepare` gives the function that counts a stretch, a row a text."""

    group: str
    columns: tuple[str, ...]
    prepare: Callable[[Setting], Run]
    kind: type = np.int64
    reads_tokens: bool = False


def _empty(size: int, kind: type = np.int32) -> NDArray[Any]:
    return np.empty(size, dtype=kind)


def _prepare_lines(setting: Setting) -> Run:
    # A hash set has at most four places for each line, and none is entered unless there is room.
    places = 4 * setting.longest + 16

    def make_set() -> signals_lines.Seen:
        return signals_lines.Seen(_empty(places, np.uint64), np.zeros(places, dtype=np.int32))

    sets = make_set(), make_set()

    def run(stretch: Stretch, counts: NDArray[Any]) -> None:
        first_stamp = stretch.number + 1
        signals_lines.measure_lines(
            stretch.chars, setting.kinds, sets, stretch.newlines, first_stamp, counts
        )

    return run


def _prepare_stops(setting: Setting) -> Run:
    listed = make_listed(tuple((setting.lists[name], way) for name, way in STOP_LISTS.items()))
    return lambda stretch, counts: signals_stops.count_listed(stretch.tokens, listed, counts)


def _prepare_ngrams(setting: Setting) -> Run:
    size = setting.longest + 2
    room = signals_ngrams.Room(
        keys=_empty(size, np.uint64),
        first=_empty(size),
        counts=_empty(size),
        places=_empty(size),
        rest=_empty(size),
        table=_empty(4 * size + 16),
        met=_empty(8 * size + 16, np.uint8),
        solid=_empty(size),
        spaced=_empty(size),
    )
    return lambda stretch, counts: signals_ngrams.measure_ngrams(stretch.tokens, room, counts)


def _make_room_for_runs(setting: Setting) -> signals_runs.Room:
    size = setting.longest + 2
    return signals_runs.Room(
        units=_empty(size, np.uint64),
        keys=_empty(size, np.uint64),
        table=_empty(4 * size + 16),
        counts=_empty(size),
        spread=_empty(size),
    )


def _prepare_word_runs(setting: Setting) -> Run:
    room = _make_room_for_runs(setting)
    return lambda stretch, counts: signals_runs.measure_words(stretch.tokens, room, counts)


def _prepare_char_runs(setting: Setting) -> Run:
    room, small = _make_room_for_runs(setting), lower_table()
    return lambda stretch, counts: signals_runs.measure_chars(
        stretch.chars, setting.kinds, small, room, counts
    )


def _prepare_windows(setting: Setting) -> Run:
    size, codes = setting.longest + 1, 0x110000
    room = signals_windows.Room(
        window=np.zeros(codes, dtype=np.int32),
        whole=np.zeros(codes, dtype=np.int32),
        new=_empty(min(size, signals_windows.WINDOW) + 1, np.uint32),
        met=_empty(size, np.uint32),
    )
    return lambda stretch, found: signals_windows.measure_windows(stretch.chars, room, found)


def _prepare_phrases(setting: Setting) -> Run:
    automaton = make_automaton(setting.lists["boilerplate"], setting.lists["readmore"])
    return lambda stretch, counts: signals_phrases.find_phrases(
        stretch.chars, setting.kinds, automaton, counts
    )


_STOPS = tuple(f"{name}_{what}" for name in STOP_LISTS for what in ("hits", "met"))

PASSES = (
    Pass("lines", signals_lines.COUNTS, _prepare_lines),
    Pass("stops", _STOPS, _prepare_stops, reads_tokens=True),
    Pass("ngrams", signals_ngrams.COUNTS, _prepare_ngrams, reads_tokens=True),
    Pass("word_runs", signals_runs.WORD_COUNTS, _prepare_word_runs, reads_tokens=True),
    Pass("char_ngrams", signals_runs.CHAR_COUNTS, _prepare_char_runs),
    Pass("windows", signals_windows.FIGURES, _prepare_windows, kind=np.float64),
    Pass("phrases", signals_phrases.COUNTS, _prepare_phrases),
)
