"""One automaton that finds many phrases in one look (Aho and Corasick, 1975)."""

from collections import deque
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BOILERPLATE, READMORE, LOREM, URL = 1, 2, 4, 8
URL_SIZE_SHIFT = 4
"""Above this bit, the length of the beginning of an address that was found."""

_ADDRESSES = ("http://", "https://", "www.")


class Automaton(NamedTuple):
    """`symbols[code]` is 0 for characters of no phrase (and beyond its end), `moves[state, symbol]`
    the next state, from state 0 on, `found[state]` the flags of the phrases that end there.
    """

    symbols: NDArray[np.uint16]
    moves: NDArray[np.uint16]
    found: NDArray[np.uint16]


@cache
def make_automaton(boilerplate: tuple[str, ...], readmore: tuple[str, ...]) -> Automaton:
    """The automaton for phrases in lower case; it takes ASCII capitals for small letters."""
    flags = {"lorem ipsum": LOREM}
    flags |= {start: URL | len(start) << URL_SIZE_SHIFT for start in _ADDRESSES}
    for phrases, flag in ((boilerplate, BOILERPLATE), (readmore, READMORE)):
        for phrase in filter(None, phrases):
            flags[phrase] = flags.get(phrase, 0) | flag
    symbols = _number_symbols("".join(flags))
    tree: list[dict[int, int]] = [{}]
    ends = [0]
    for phrase, flag in flags.items():
        state = 0
        for character in phrase:
            symbol = int(symbols[ord(character)])
            if symbol not in tree[state]:
                tree[state][symbol] = len(tree)
                tree.append({})
                ends.append(0)
            state = tree[state][symbol]
        ends[state] |= flag
    return _complete(tree, np.array(ends, dtype=np.uint16), symbols)


def _number_symbols(characters: str) -> NDArray[np.uint16]:
    used = sorted({ord(character) for character in characters})
    symbols = np.zeros(used[-1] + 1, dtype=np.uint16)
    symbols[used] = np.arange(1, len(used) + 1)
    for small in range(ord("a"), ord("z") + 1):
        symbols[small - 32] = symbols[small]
    return symbols


def _complete(
    tree: list[dict[int, int]], found: NDArray[np.uint16], symbols: NDArray[np.uint16]
) -> Automaton:
    """Add to the tree of phrases the moves after a mismatch, breadth first."""
    moves = np.zeros((len(tree), int(symbols.max()) + 1), dtype=np.uint16)
    fallback = [0] * len(tree)
    queue = deque([0])
    while queue:
        state = queue.popleft()
        if state:
            moves[state] = moves[fallback[state]]
            found[state] |= found[fallback[state]]
        for symbol, child in tree[state].items():
            fallback[child] = int(moves[fallback[state], symbol]) if state else 0
            moves[state, symbol] = child
            queue.append(child)
    return Automaton(symbols, moves, found)
