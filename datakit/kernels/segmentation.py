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
PAIR_BITS, PAIR_SLOT_BITS, PAIR_HINT_BITS = 30, 19, 20
NUMBER_BITS = 14
GOES_ON = 1 << (NUMBER_BITS - 1)
_STATES = "BMES"


class Dictionary(NamedTuple):
    """Words of Han characters and their beginnings, and the Markov model.

    Characters are numbered from 1 as they follow each other in Unicode; two make a number of
    `PAIR_BITS` bits. `weights` are logarithms of the words' shares; 0 and 1, which stand for no
    word, have negative infinity. `single` has the weights of single characters by number, `unknown`
    of those that begin no word.

    A cell of `pairs` holds which of `weights` two characters have, `GOES_ON` if longer words begin
    with them, and above `NUMBER_BITS` bits enough of their number to know them; 0 is an empty cell.
    A slot of `table` holds the upper 48 bits of the hash of a longer beginning, and in the lower 16
    which of `weights` it has, 1 if it is no word; 0 is an empty slot. `pair_hints` and `hints` are
    bitmaps of what may be there, small enough to stay in the cache: most is not.

    `start`, `transitions` and `emissions` (four for each number) are the Markov model's, states in
    the order B, M, E, S.
    """

    pairs: NDArray[np.uint32]
    pair_hints: NDArray[np.uint64]
    table: NDArray[np.uint64]
    hints: NDArray[np.uint64]
    weights: NDArray[np.float64]
    single: NDArray[np.float64]
    unknown: float
    start: NDArray[np.float64]
    transitions: NDArray[np.float64]
    emissions: NDArray[np.float64]


def mark_words(data: Bytes, offsets: Offsets) -> Bytes:
    """One byte for each of `data`: 0 where a Han character begins that goes on with the word of
    the character before it, 1 everywhere else.

    Text i is the valid UTF-8 `data[offsets[i]:offsets[i + 1]]`.
    """
    return _mark(data, offsets, spelled=False)


def mark_tokens(data: Bytes, offsets: Offsets) -> Bytes:
    """One byte for each of `data`: 0 where a character begins that goes on with the token of the
    character before it, 1 everywhere else.

    Han words as `mark_words` has them. Other tokens are those that jieba makes of a text: Latin
    letters and ASCII digits in a row, with a fraction (`.5`) and `%` behind them; marks `#%&+-._`
    in a row; each other character by itself. Not those of its dictionary that mix both (`T恤`).
    """
    return _mark(data, offsets, spelled=True)


def _mark(data: Bytes, offsets: Offsets, *, spelled: bool) -> Bytes:
    from datakit.kernels.jieba_cuts import mark_all

    marks = np.ones(data.size + 1, dtype=np.uint8)
    frozen = data.view(), offsets.view()
    for array in frozen:
        array.flags.writeable = False
    mark_all(*frozen, _dictionary(), marks, spelled=spelled)
    return marks[:-1]


class _Words(NamedTuple):
    """Words of Han characters: the numbers of theirs, 0 behind the last one; how many these are;
    which weight each word has.
    """

    chars: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    weights: NDArray[np.uint64]


@cache
def _dictionary() -> Dictionary:
    written = (_folder_of_jieba() / "dict.txt").read_text(encoding="utf-8").split()
    counts = np.array(written[1::3], dtype=np.int64)
    distinct, which = np.unique(counts, return_inverse=True)
    if distinct.size + 2 > GOES_ON:
        message = f"jieba's dictionary has {distinct.size} different counts; at most {GOES_ON - 2}"
        raise ValueError(message)
    unknown = -math.log(int(counts.sum()))
    logs = [math.log(count) + unknown for count in distinct.tolist()]
    weights = np.array([-math.inf, -math.inf, *logs])
    words = _number_chars(written[::3], which.astype(np.uint64) + np.uint64(2))
    single = np.full(LAST - FIRST + 2, unknown)
    single[words.chars[:, 0].astype(np.int64)] = -math.inf
    is_single = words.sizes == 1
    single[words.chars[is_single, 0].astype(np.int64)] = weights[words.weights[is_single]]
    return Dictionary(
        *_fill_pairs(words), *_fill_longer(words), weights, single, unknown, *_markov_model()
    )


def _number_chars(words: list[str], weights: NDArray[np.uint64]) -> _Words:
    """Those of the words that are of Han characters, as jieba takes them."""
    sizes = np.array([len(word) for word in words])
    codes = np.zeros((len(words), int(sizes.max())), dtype=np.uint64)
    is_there = np.arange(codes.shape[1]) < sizes[:, None]
    codes[is_there] = np.frombuffer("".join(words).encode("utf-32-le"), dtype=np.uint32)
    own = ((codes >= FIRST) & (codes <= LAST) | ~is_there).all(axis=1)
    chars = np.where(is_there, codes - np.uint64(FIRST - 1), 0)
    return _Words(chars[own], sizes[own], weights[own])


def _fill_pairs(words: _Words) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
    """The table of two characters that are a word or begin one, and its bitmap."""
    from datakit.kernels.jieba_tables import fill_pairs

    has_two = words.sizes > 1
    chars, sizes, weights = (of_all[has_two] for of_all in words)
    keys, which = np.unique(chars[:, 0] << np.uint64(15) | chars[:, 1], return_inverse=True)
    numbers = np.zeros(keys.size, dtype=np.uint64)
    numbers[which[sizes == 2]] = weights[sizes == 2]
    numbers[np.unique(which[sizes > 2])] |= np.uint64(GOES_ON)
    cells = np.zeros(1 << PAIR_SLOT_BITS, dtype=np.uint32)
    hints = np.zeros(1 << (PAIR_HINT_BITS - 6), dtype=np.uint64)
    fill_pairs(keys, numbers, np.full(cells.size, -1, dtype=np.int64), cells, hints)
    return cells, hints


def _fill_longer(words: _Words) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The table of the beginnings of three characters and more, and its bitmap."""
    from datakit.kernels.jieba_tables import fill_table

    chars, sizes, weights = words
    hashes, keys, held = np.zeros(sizes.size, dtype=np.uint64), [], []
    for place in range(chars.shape[1]):
        has_char = sizes > place
        hashes[has_char] = (hashes[has_char] ^ chars[has_char, place]) * MULTIPLIER
        if place > 1:
            is_word = sizes == place + 1
            keys += [hashes[is_word], hashes[sizes > place + 1]]
            held += [weights[is_word], np.ones(keys[-1].size, dtype=np.uint64)]
    # Of a word that is also a beginning the first entry stays, which is the word's.
    found, place_of = np.unique(np.concatenate(keys), return_index=True)
    table = np.zeros(1 << (int(found.size * 3 // 2) - 1).bit_length(), dtype=np.uint64)
    hints = np.zeros(1 << (HINT_BITS - 6), dtype=np.uint64)
    fill_table(found, np.concatenate(held)[place_of], table, hints)
    return table, hints


def _markov_model() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    start, moves, emits = map(_read_table, ("prob_start", "prob_trans", "prob_emit"))
    transitions = [[moves[a].get(b, NEVER) for b in _STATES] for a in _STATES]
    emissions = np.full((LAST - FIRST + 2, len(_STATES)), NEVER)
    for state, letter in enumerate(_STATES):
        for character, weight in emits[letter].items():
            if FIRST <= ord(character) <= LAST:
                emissions[ord(character) - FIRST + 1, state] = weight
    return np.array([start[letter] for letter in _STATES]), np.array(transitions), emissions.ravel()


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
