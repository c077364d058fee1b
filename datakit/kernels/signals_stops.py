"""Words of texts that are on lists; the compiled half."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.signals_lists import AS_IS, BOTH, IN_LOWER_CASE, Listed
from datakit.kernels.signals_tokens import Tokens
from datakit.kernels.simd import kernel, part

Totals: TypeAlias = NDArray[np.int64]
Places: TypeAlias = NDArray[np.int32]


@part
def count_word(listed: Listed, key: Any, counts: Places) -> Any:
    """Count a word at its number, or at 0; its number if it is there the first time, else 0."""
    at = np.int64(peek(listed.slots, key * listed.factor >> listed.shift))
    at *= peek(listed.keys, at) == key
    count = peek(counts, at)
    poke(counts, at, count + 1)
    return at * (count == 0)


@part
def add_up(listed: Listed, places: Places, words: Places, hits: Totals) -> None:
    """Add the counts of the words at `places` to the lists that have them, and clear them."""
    lists = listed.lists
    for at in places:
        as_is, small = (
            words[AS_IS, at] + words[BOTH, at],
            words[IN_LOWER_CASE, at] + words[BOTH, at],
        )
        words[AS_IS, at] = words[IN_LOWER_CASE, at] = words[BOTH, at] = 0
        for number in range(hits.size // 2):
            count = as_is * (lists[AS_IS, at] >> number & 1)
            count += small * (lists[IN_LOWER_CASE, at] >> number & 1)
            hits[2 * number] += count
            hits[2 * number + 1] += count > 0


@part
def count_text(tokens: Tokens, row: int, listed: Listed, words: Places, places: Places) -> int:
    """Count the words of one text; how many `places` have a count then."""
    keys, lower, new = tokens.keys, tokens.lower, 0
    as_is, small, both = words[AS_IS], words[IN_LOWER_CASE], words[BOTH]
    for i in range(tokens.bounds[row], tokens.bounds[row + 1]):
        key, low = peek(keys, i), peek(lower, i)
        if key == low:
            at = count_word(listed, key, both)
        else:
            at = count_word(listed, key, as_is)
            poke(places, new, at)
            new += at > 0
            at = count_word(listed, low, small)
        poke(places, new, at)
        new += at > 0
    return new


@kernel
def count_listed(tokens: Tokens, listed: Listed, counts: Totals) -> None:
    """Hits of each list, and different words of it that were hit, a row a text: columns 2 l and
    2 l + 1 for list l.
    """
    size = listed.keys.size
    words, places = np.zeros((3, size), dtype=np.int32), np.zeros(3 * size, dtype=np.int32)
    for row in range(tokens.bounds.size - 1):
        new = count_text(tokens, row, listed, words, places)
        add_up(listed, places[:new], words, counts[row])
