"""Lines or paragraphs of texts: where each lies, and two hashes of its folded form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.folded_text import fold_span, has_letter, short_table
from datakit.kernels.layout_marks import PLAIN, mark_line, read_line
from datakit.kernels.simd import PADDING, Bytes, Offsets, Words, kernel
from datakit.kernels.utf8 import skip_white, strip_white
from datakit.kernels.xxh64 import hash_one


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
    `least` characters when folded, Han and kana counting `wide` each, with a letter or a digit
    among them; `kinds`: highest kind of line (`layout_marks`) by bit that is looked at.
    """

    least: int
    wide: int = 1
    paragraphs: bool = False
    kinds: int = 1 << PLAIN


def find_units(texts: tuple[Bytes, Offsets], table: NDArray[np.uint32], rules: UnitRules) -> Units:
    """The units of the texts `data[offsets[i]:offsets[i + 1]]`, folded by a `fold_table`."""
    data, offsets = texts
    most = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == 0x0A)) + offsets.size
    places = np.empty((3, most), dtype=np.int64)
    hashes = np.empty((2, most), dtype=np.uint64)
    longest = int(np.diff(offsets).max(initial=0))
    scratch = np.empty(2 * longest + PADDING, dtype=np.uint8)
    numbers = (rules.least, rules.wide, int(rules.paragraphs), rules.kinds)
    tables = (table, short_table(table))
    found = scan_units(texts, tables, numbers, scratch, (places, hashes))
    return Units(*places[:, :found], *hashes[:, :found])


@kernel
def scan_units(
    texts: tuple[Bytes, Offsets],
    tables: tuple[NDArray[np.uint32], Bytes],
    rules: tuple[int, int, int, int],
    scratch: Bytes,
    found: tuple[Offsets, Words],
) -> int:
    """Write the units' owners, starts and stops, and their two hashes; how many there are."""
    data, offsets = texts
    least, wide, paragraphs, kinds = rules
    places, hashes = found
    count = 0
    for text in range(offsets.size - 1):
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
                to, chars, broad = fold_span(data, (first, last), tables, scratch, to)
                weight += chars + broad * (wide - 1)
                end = last
            at = line_stop + 1
            if not paragraphs or is_blank or at > stop:
                if wanted and weight >= least and has_letter(scratch, to, tables[0]):
                    places[0, count], places[1, count], places[2, count] = text, start, end
                    hashes[0, count] = hash_one(scratch, 0, to, np.uint64(0))
                    hashes[1, count] = hash_one(scratch, 0, to, np.uint64(1))
                    count += 1
                start, to, weight, wanted = -1, 0, 0, True
    return count
