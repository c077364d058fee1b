"""Lines or paragraphs of texts: where each lies, and two hashes of its folded form."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.folding import CODE, DIGIT, POINT, WHITE
from datakit.kernels.layout_marks import PLAIN, mark_line, read_line
from datakit.kernels.simd import PADDING, Bytes, Offsets, Words, kernel, part
from datakit.kernels.utf8 import char_size, code_at, is_wide, skip_white, strip_white
from datakit.kernels.xxh64 import hash_one

Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Units:
    """Pieces of texts, in order. Unit i is `data[starts[i]:stops[i]]` of text `owners[i]`, without
    the white space around it; `hash_a`, `hash_b`: 128 bits of what it is compared by.
    """

    owners: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    hash_a: NDArray[np.uint64]
    hash_b: NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitRules:
    """What is a unit: `paragraphs` (runs of lines that are not blank) or lines; of at least
    `least` characters when folded, Han and kana counting `wide` each; `kinds`: highest kind of
    line (`layout_marks`) by bit that is looked at.
    """

    least: int
    wide: int = 1
    paragraphs: bool = False
    kinds: int = 1 << PLAIN
    seed: int = 0


def find_units(
    texts: tuple[Bytes, Offsets, Flags], table: NDArray[np.uint32], rules: UnitRules
) -> Units:
    """The units of the texts `data[offsets[i]:offsets[i + 1]]` whose flag is set.

    `table`: by what they are folded, a `fold_table`.
    """
    data, offsets, _ = texts
    most = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == 0x0A)) + offsets.size
    places = np.empty((3, most), dtype=np.int64)
    hashes = np.empty((2, most), dtype=np.uint64)
    longest = int(np.diff(offsets).max(initial=0))
    scratch = np.empty(2 * longest + PADDING, dtype=np.uint8)
    numbers = (rules.least, rules.wide, int(rules.paragraphs), rules.kinds)
    found = scan_units(
        texts, (table, np.uint64(rules.seed)), numbers, scratch, (places, hashes)
    )
    return Units(*places[:, :found], *hashes[:, :found])


@part
def put(code: int, out: Bytes, to: int) -> int:
    """Write a code point as UTF-8; where it ends."""
    if code < 0x80:
        out[to] = code
        return to + 1
    if code < 0x800:
        out[to] = 0xC0 | code >> 6
        out[to + 1] = 0x80 | code & 0x3F
        return to + 2
    if code < 0x10000:
        out[to] = 0xE0 | code >> 12
        out[to + 1] = 0x80 | code >> 6 & 0x3F
        out[to + 2] = 0x80 | code & 0x3F
        return to + 3
    out[to] = 0xF0 | code >> 18
    out[to + 1] = 0x80 | code >> 12 & 0x3F
    out[to + 2] = 0x80 | code >> 6 & 0x3F
    out[to + 3] = 0x80 | code & 0x3F
    return to + 4


@part
def entry_at(data: Bytes, at: int, table: NDArray[np.uint32]) -> int:
    """Entry of the character that begins at `at`."""
    byte = int(data[at])
    code = byte if byte < 0x80 else code_at(data, at)
    return int(table[code]) if code < table.size else code


@part
def skip_points(data: Bytes, at: int, stop: int, table: NDArray[np.uint32]) -> int:
    """Where to go on at a run of points: behind it, unless a digit follows, for then they count."""
    behind = at
    while behind < stop:
        entry = entry_at(data, behind, table)
        if not entry & POINT:
            return at if entry & DIGIT else behind
        behind += char_size(data, behind)
    return behind


@part
def short_table(table: NDArray[np.uint32]) -> Bytes:
    """What each byte folds to, where it is an ASCII character that is always written (white space
    as a space); else 0.
    """
    short = np.zeros(256, dtype=np.uint8)
    for code in range(0x80):
        entry = int(table[code])
        if not entry & POINT and entry & CODE < 0x80:
            short[code] = entry & CODE
    return short


@part
def fold_span(
    data: Bytes,
    bounds: tuple[int, int],
    tables: tuple[NDArray[np.uint32], Bytes],
    out: Bytes,
    to: int,
) -> tuple[int, int, int]:
    """Fold a stretch of text to `out` from `to` on: where it ends, its characters, and how many
    of them are wide. White space between characters, and before the stretch, is one space.
    """
    table, short = tables
    at, stop = bounds
    start = to
    if to:
        out[to] = 0x20
        to += 1
    wide, more_bytes, is_space, in_number = 0, 0, 1, False
    while at < stop:
        byte = data[at]
        folded = int(short[byte])
        if folded:
            # No branch on what is space: a second one is written over.
            out[to] = folded
            white = int(folded == 0x20)
            to += 1 - (white & is_space)
            is_space, in_number = white, False
            at += 1
            continue
        if 0xE4 <= byte <= 0xE9:
            # U+4000 to U+9FFF: nearly all Han, and folded to themselves.
            out[to], out[to + 1], out[to + 2] = byte, data[at + 1], data[at + 2]
            to += 3
            at += 3
            wide += 1
            more_bytes += 2
            is_space, in_number = 0, False
            continue
        entry = entry_at(data, at, table)
        if not entry & POINT:
            in_number = False
        elif not in_number:
            behind = skip_points(data, at, stop, table)
            if behind > at:
                at = behind
                continue
            in_number = True
        at += char_size(data, at)
        code = entry & CODE
        if entry & WHITE:
            out[to] = 0x20
            to += 1 - is_space
            is_space = 1
        elif code:
            before = to
            to = put(code, out, to)
            more_bytes += to - before - 1
            wide += is_wide(code)
            is_space = 0
    if is_space and to > start:
        to -= 1
    return to, to - start - more_bytes, wide


@kernel
def scan_units(
    texts: tuple[Bytes, Offsets, Flags],
    folding: tuple[NDArray[np.uint32], np.uint64],
    rules: tuple[int, int, int, int],
    scratch: Bytes,
    found: tuple[Offsets, Words],
) -> int:
    """Write the units' owners, starts and stops, and their two hashes; how many there are."""
    data, offsets, flags = texts
    table, seed = folding
    least, wide, paragraphs, kinds = rules
    places, hashes = found
    short = short_table(table)
    count = 0
    for text in range(offsets.size - 1):
        if not flags[text]:
            continue
        at, stop, fence = offsets[text], offsets[text + 1], 0
        start, end, to, weight, wanted = -1, at, 0, 0, True
        while at <= stop:
            line_stop, tabs = read_line(data, at, stop)
            first = skip_white(data, at, line_stop)
            is_blank = first >= line_stop
            if not is_blank:
                last = strip_white(data, first, line_stop)
                kind, fence = mark_line(data, first, last, (tabs, fence))
                start = first if start < 0 else start
                wanted = wanted and (kinds >> kind & 1) == 1
                to, chars, broad = fold_span(data, (first, last), (table, short), scratch, to)
                weight += chars + broad * (wide - 1)
                end = last
            at = line_stop + 1
            if not paragraphs or is_blank or at > stop:
                if wanted and to and weight >= least:
                    places[0, count], places[1, count], places[2, count] = text, start, end
                    hashes[0, count] = hash_one(scratch, 0, to, seed)
                    hashes[1, count] = hash_one(scratch, 0, to, seed + np.uint64(1))
                    count += 1
                start, to, weight, wanted = -1, 0, 0, True
    return count
