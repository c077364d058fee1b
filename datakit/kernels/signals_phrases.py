"""Phrases and addresses in texts; the compiled half. The automaton is made by
`signals_automaton`.
"""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_automaton import (
    BOILERPLATE,
    LOREM,
    READMORE,
    URL,
    URL_SIZE_SHIFT,
    Automaton,
)
from datakit.kernels.signals_chars import Chars
from datakit.kernels.signals_kinds import NEWLINE, SPACE, Kinds
from datakit.kernels.simd import kernel, part

COUNTS = ("lorem_ipsum", "boilerplate_lines", "readmore_lines", "url_chars", "phrase_lines")
"""Columns of what `find_phrases` counts."""

LOREM_IPSUM, BOILERPLATE_LINES, READMORE_LINES, URL_CHARS, LINES = range(len(COUNTS))


@part
def goes_on(code: int) -> bool:
    """Whether an address goes on with this character."""
    return 0x20 < code < 0x7F and code not in (0x22, 0x3C, 0x3E)


@part
def close_line(met: np.int64, last: np.int64, counts: NDArray[np.int64]) -> None:
    """Count a line by what was met in it and at its end; `last` is -1 where it holds nothing."""
    if last >= 0:
        counts[LINES] += 1
        counts[BOILERPLATE_LINES] += met & BOILERPLATE > 0
        counts[READMORE_LINES] += last & READMORE > 0


@part
def find_in_text(
    chars: Chars,
    span: tuple[int, int],
    kinds: Kinds,
    automaton: Automaton,
    counts: NDArray[np.int64],
) -> None:
    """Count what one text has."""
    symbols, moves, found = automaton
    state, met, last, in_url = 0, np.int64(0), np.int64(-1), False
    for i in range(span[0], span[1]):
        code, kind = chars.codes[i], chars.kinds[i]
        symbol = symbols[code] if code < symbols.size else 0
        state = moves[state, symbol]
        hits = np.int64(found[state])
        if in_url:
            in_url = goes_on(code)
            counts[URL_CHARS] += in_url
        if hits:
            met |= hits
            counts[LOREM_IPSUM] += hits & LOREM > 0
            if hits & URL and not in_url:
                in_url = True
                counts[URL_CHARS] += hits >> URL_SIZE_SHIFT
        flags = kinds.properties[kind]
        if flags & NEWLINE:
            close_line(met, last, counts)
            met, last = np.int64(0), np.int64(-1)
        elif not flags & SPACE:
            last = hits
    close_line(met, last, counts)


@kernel
def find_phrases(
    chars: Chars, kinds: Kinds, automaton: Automaton, counts: NDArray[np.int64]
) -> None:
    """Count what `COUNTS` names, a row a text."""
    for row in range(chars.bounds.size - 1):
        span = chars.bounds[row], chars.bounds[row + 1]
        find_in_text(chars, span, kinds, automaton, counts[row])
