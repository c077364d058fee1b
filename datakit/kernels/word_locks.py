"""Which words of texts have to do with what was found in them."""

import numpy as np

from datakit.kernels.simd import Bytes, Offsets, kernel, part


@kernel
def lock_words(
    texts: tuple[Bytes, Offsets, Offsets, Offsets],
    found: tuple[Bytes, Offsets, Offsets],
    spoken: Bytes,
) -> Bytes:
    """1 for each word with a part of something found, and for the word on either side of it, where
    `spoken` is set (no mark, no space); else 0.

    `texts`: bytes, where each text begins, bounds of the words, and the first word of each text.
    `found`: in the same form the pieces found in each text, in order, none overlapping; each is the
    first of its bytes behind the one before.
    """
    data, offsets, bounds, first = texts
    pieces, places, first_piece = found
    locked = np.zeros(bounds.size - 1, dtype=np.uint8)
    for text in range(offsets.size - 1):
        at, word = offsets[text], first[text]
        for piece in range(first_piece[text], first_piece[text + 1]):
            wanted = pieces[places[piece] : places[piece + 1]]
            at = _find(data, at, offsets[text + 1], wanted)
            while bounds[word + 1] <= at:
                word += 1
            if word > first[text] and spoken[word - 1]:
                locked[word - 1] = 1
            at += wanted.size
            while bounds[word] < at:
                locked[word] = 1
                word += 1
            if word < first[text + 1] and spoken[word]:
                locked[word] = 1
            word -= 1
    return locked


@part
def _find(data: Bytes, at: int, stop: int, wanted: Bytes) -> int:
    """Where bytes that are there begin."""
    while at + wanted.size <= stop:
        same = 0
        while same < wanted.size and data[at + same] == wanted[same]:
            same += 1
        if same == wanted.size:
            return at
        at += 1
    return at
