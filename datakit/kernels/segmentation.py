"""Where Chinese words begin, as jieba's accurate mode cuts them.

The algorithm is jieba's (https://github.com/fxsj/jieba, 0.42.1, MIT): the most likely way through
a dictionary's words, and a hidden Markov model over begin, middle, end and single characters for
what the dictionary does not know. Dictionary and model come from the installed package. Numba is
loaded on the first call.
"""

import math
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.scripts import Bytes, Offsets

FIRST, LAST = 0x4E00, 0x9FD5
"""The characters that jieba takes for Han; each other one is a word of its own."""
NEVER = -3.14e100
"""jieba's logarithm of a probability of 0."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
HINT_BITS = 21
_STATES = "BMES"


class Dictionary(NamedTuple):
    """Words and their beginnings, hashed, and the Markov model.

    A slot of `table` holds the upper 48 bits of a beginning's hash, and in the lower 16 which of
    `weights` it has; 0 is an empty slot. `weights` are logarithms of the words' shares;
    weight 0 is that of a character which is no word, weight 1 (NaN) that of a beginning which is
    none. `hints` is a bitmap of hashes that may be in the table, small enough to stay in the
    cache: most characters do not go on with any word. `first` has, for single characters, the same
    numbers by code point, 0 where no word begins with it. `start`, `transitions` and `emissions`
    are the Markov model's, states in the order B, M, E, S.
    """

    table: NDArray[np.uint64]
    hints: NDArray[np.uint64]
    weights: NDArray[np.float64]
    first: NDArray[np.uint16]
    start: NDArray[np.float64]
    transitions: NDArray[np.float64]
    emissions: NDArray[np.float64]


def mark_words(data: Bytes, offsets: Offsets) -> Bytes:
    """One byte for each of `data`: 0 where a Han character begins that goes on with the word of
    the character before it, 1 everywhere else.

    Text i is the valid UTF-8 `data[offsets[i]:offsets[i + 1]]`.
    """
    from datakit.kernels.jieba_cuts import mark_all

    marks = np.ones(data.size, dtype=np.uint8)
    frozen = data.view(), offsets.view()
    for array in frozen:
        array.flags.writeable = False
    mark_all(*frozen, _dictionary(), marks)
    return marks


def mark_tokens(data: Bytes, offsets: Offsets) -> Bytes:
    """One byte for each of `data`: 0 where a character begins that goes on with the token of the
    character before it, 1 everywhere else.

    Han words as `mark_words` has them. Other tokens are those that jieba makes of a text: Latin
    letters and ASCII digits in a row, with a fraction (`.5`) and `%` behind them; marks `#%&+-._`
    in a row; each other character by itself. Not those of its dictionary that mix both (`T恤`).
    """
    from datakit.kernels.spelled_cuts import mark_spelled

    marks = mark_words(data, offsets)
    frozen = data.view(), offsets.view()
    for array in frozen:
        array.flags.writeable = False
    mark_spelled(*frozen, marks)
    return marks


@cache
def _dictionary() -> Dictionary:
    written = (_folder_of_jieba() / "dict.txt").read_text(encoding="utf-8").split()
    words, counts = written[::3], np.array(written[1::3], dtype=np.int64)
    distinct, which = np.unique(counts, return_inverse=True)
    log_total = math.log(int(counts.sum()))
    logs = [math.log(count) - log_total for count in distinct.tolist()]
    weights = np.array([math.log(1) - log_total, math.nan, *logs])
    keys, numbers, first = _hash_beginnings(words, which.astype(np.uint64) + np.uint64(2))
    return Dictionary(*_fill(keys, numbers), weights, first, *_markov_model())


def _hash_beginnings(
    words: list[str], numbers: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint16]]:
    """The hashes of all beginnings of words of two characters and more, each once, and their
    numbers; and the numbers of single characters.
    """
    lengths = np.array([len(word) for word in words])
    codes = np.zeros((len(words), int(lengths.max())), dtype=np.uint64)
    codes[np.arange(codes.shape[1]) < lengths[:, None]] = np.frombuffer(
        "".join(words).encode("utf-32-le"), dtype=np.uint32
    )
    hashes, keys, held = np.zeros(len(words), dtype=np.uint64), [], []
    for place in range(codes.shape[1]):
        has_char = lengths > place
        hashes[has_char] = (hashes[has_char] ^ codes[has_char, place]) * MULTIPLIER
        if place:
            is_word = lengths == place + 1
            keys += [hashes[is_word], hashes[lengths > place + 1]]
            held += [numbers[is_word], np.ones(keys[-1].size, dtype=np.uint64)]
    first = np.zeros(0x110000, dtype=np.uint16)
    first[codes[:, 0].astype(np.int64)] = 1
    is_char = lengths == 1
    first[codes[is_char, 0].astype(np.int64)] = numbers[is_char]
    # Of a word that is also a beginning the first entry stays, which is the word's.
    found, place_of = np.unique(np.concatenate(keys), return_index=True)
    return found, np.concatenate(held)[place_of], first[FIRST : LAST + 1].copy()


def _fill(
    keys: NDArray[np.uint64], numbers: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    from datakit.kernels.jieba_cuts import fill_table

    table = np.zeros(1 << (int(keys.size * 3 // 2) - 1).bit_length(), dtype=np.uint64)
    hints = np.zeros(1 << (HINT_BITS - 6), dtype=np.uint64)
    fill_table(keys, numbers, table, hints)
    return table, hints


def _markov_model() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    start, moves, emits = map(_read_table, ("prob_start", "prob_trans", "prob_emit"))
    transitions = [[moves[a].get(b, NEVER) for b in _STATES] for a in _STATES]
    emissions = np.full((LAST - FIRST + 1, len(_STATES)), NEVER)
    for state, letter in enumerate(_STATES):
        for character, weight in emits[letter].items():
            if FIRST <= ord(character) <= LAST:
                emissions[ord(character) - FIRST, state] = weight
    return np.array([start[letter] for letter in _STATES]), np.array(transitions), emissions


def _read_table(name: str) -> Any:
    """A table of jieba's Markov model, without jieba, whose import takes longer than all else."""
    place = _folder_of_jieba() / "finalseg" / f"{name}.py"
    spec = spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        raise ImportError(f"jieba's table {place} cannot be loaded")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.P


def _folder_of_jieba() -> Path:
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        message = "jieba is not installed; it comes with datakit, so its installation is broken"
        raise ImportError(message)
    return Path(spec.origin).parent
