"""The first look at a text: its UTF-8 as code points and kinds, counted; the compiled half."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.signals_kinds import CLOSE, DOT, ELLIPSIS, HASH, NEWLINE, OPEN, Kinds
from datakit.kernels.simd import Bytes, Offsets, kernel, load_word, part

_HIGH_BITS, _NONE = np.uint64(0x8080808080808080), np.uint64(0)
_LANES = 4

COUNTS = ("chars", "bracketed", "hash_runs", "ellipsis_runs", "dot_triples")
"""Columns of what `read_all` counts, beside properties."""

CHARS, BRACKETED, HASH_RUNS, ELLIPSIS_RUNS, DOT_TRIPLES = range(len(COUNTS))


Lanes: TypeAlias = NDArray[np.int32]
Totals: TypeAlias = NDArray[np.int64]


class Texts(NamedTuple):
    """The buffers of a column: text i is `data[offsets[i]:offsets[i + 1]]`; `cuts` may be empty."""

    data: Bytes
    cuts: Bytes
    offsets: Offsets


class Chars(NamedTuple):
    """The characters of some texts, one after the other: text i has those from `bounds[i]` to
    `bounds[i + 1]`. `begins` says of each whether a token begins there: from `cuts`, or
    filled in with the tokens.
    """

    codes: NDArray[np.uint32]
    kinds: NDArray[np.uint8]
    begins: NDArray[np.uint8]
    bounds: Offsets


@part
def read_char(data: Bytes, at: int) -> tuple[Any, int]:
    """Code point and bytes of the character at `at`."""
    byte = np.int64(peek(data, at))
    if byte < 0x80:
        return byte, 1
    second = np.int64(peek(data, at + 1)) & 0x3F
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | second, 2
    third = np.int64(peek(data, at + 2)) & 0x3F
    if byte < 0xF0:
        return (byte & 0xF) << 12 | second << 6 | third, 3
    fourth = np.int64(peek(data, at + 3)) & 0x3F
    return (byte & 7) << 18 | second << 12 | third << 6 | fourth, 4


@part
def read_text(
    texts: Texts, place: tuple[int, int, int], table: Bytes, into: Chars, counts: Lanes
) -> int:
    """Read `data[at:stop]` to the characters from `n` on; the number behind the last one.

    `place` is (at, stop, n); `counts[lane, kind]` counts. Lanes only keep counters apart, as
    adding to one counter twice in a row has to wait.
    """
    data, cuts, _ = texts
    codes, kinds, begins, _ = into
    at, stop, n = place
    while at < stop:
        while at + 8 <= stop and load_word(data, at) & _HIGH_BITS == _NONE:
            for step in range(8):
                code = peek(data, at + step)
                kind = peek(table, code)
                poke(codes, n + step, code)
                poke(kinds, n + step, kind)
                if cuts.size:
                    poke(begins, n + step, peek(cuts, at + step))
                counts[step % _LANES, kind] += 1
            at += 8
            n += 8
        if at >= stop:
            break
        code, size = read_char(data, at)
        kind = peek(table, code)
        poke(codes, n, code)
        poke(kinds, n, kind)
        if cuts.size:
            begins[n] = cuts[at]
        counts[n % _LANES, kind] += 1
        at += size
        n += 1
    return n


@part
def add_up(counts: Lanes, properties: NDArray[np.int64], totals: Totals) -> None:
    """Add the counts of kinds to the `totals` of properties, and clear them."""
    for kind in range(properties.size):
        count = np.int64(0)
        for lane in range(_LANES):
            count += counts[lane, kind]
            counts[lane, kind] = 0
        if count:
            for bit in range(totals.size):
                if properties[kind] >> bit & 1:
                    totals[bit] += count


@part
def count_marks(chars: Chars, span: tuple[int, int], kinds: Kinds, found: Totals) -> None:
    """Characters in `【】`, runs of `#` and of dots, `...` in these, from `start` to `stop`."""
    start, stop = span
    own = chars.kinds
    opened, run = -1, start - 1
    for i in range(start, stop):
        if peek(own, i) < kinds.marks:
            continue
        flags = kinds.properties[chars.kinds[i]]
        if flags & OPEN and opened < 0:
            opened = i
        elif flags & CLOSE and opened >= 0:
            found[BRACKETED] += i - opened - 1
            opened = -1
        elif flags & NEWLINE:
            opened = -1
        elif flags & (HASH | ELLIPSIS | DOT):
            if i == start or chars.codes[i - 1] != chars.codes[i]:
                run = i
                found[HASH_RUNS] += flags & HASH > 0
                found[ELLIPSIS_RUNS] += flags & ELLIPSIS > 0
            elif i == run + 1:
                found[ELLIPSIS_RUNS] += flags & DOT > 0
            found[DOT_TRIPLES] += flags & DOT > 0 and (i - run) % 3 == 2


@kernel
def read_all(texts: Texts, kinds: Kinds, into: Chars, totals: Totals, found: Totals) -> None:
    """Read every text; `totals[i, bit]` counts the characters of text i that have a property,
    `found[i]` what `COUNTS` names.
    """
    counts = np.zeros((_LANES, 256), dtype=np.int32)
    offsets = texts.offsets
    for row in range(offsets.size - 1):
        start = into.bounds[row]
        place = offsets[row], offsets[row + 1], start
        stop = read_text(texts, place, kinds.table, into, counts)
        into.bounds[row + 1] = stop
        found[row, CHARS] = stop - start
        add_up(counts, kinds.properties, totals[row])
        count_marks(into, (start, stop), kinds, found[row])
