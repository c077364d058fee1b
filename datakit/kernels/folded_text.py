"""Text folded by a `folding` table: written as UTF-8, white space as single spaces."""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.simd import Bytes, part
from datakit.kernels.text_folding import CODE, DIGIT, LETTER, POINT, WHITE
from datakit.kernels.utf8 import char_size, code_at, is_wide, write_char


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


def short_table(table: NDArray[np.uint32]) -> Bytes:
    """What each byte folds to, where it is an ASCII character that is always written (white space
    as a space); else 0.
    """
    entries = table[:0x80]
    is_written = (entries & POINT == 0) & (entries & CODE < 0x80)
    short = np.zeros(256, dtype=np.uint8)
    short[:0x80] = np.where(is_written, entries & CODE, 0)
    return short


@part
def fold_rare(
    data: Bytes,
    bounds: tuple[int, int],
    table: NDArray[np.uint32],
    out: Bytes,
    state: tuple[int, int, bool],
) -> tuple[int, int, int, bool, int]:
    """One character, or a run of points that count for nothing, to `out`.

    `state`: where to write, whether a space was written last, whether points count (a digit
    follows). Returns where to go on reading, the new state, and 1 for a wide character.
    """
    at, stop = bounds
    to, is_space, in_number = state
    entry = entry_at(data, at, table)
    if not entry & POINT:
        in_number = False
    elif not in_number:
        behind = skip_points(data, at, stop, table)
        if behind > at:
            return behind, to, is_space, False, 0
        in_number = True
    at += char_size(data, at)
    code = entry & CODE
    if entry & WHITE:
        out[to] = 0x20
        return at, to + 1 - is_space, 1, in_number, 0
    if not code:
        return at, to, is_space, in_number, 0
    return at, write_char(out, to, code), 0, in_number, int(is_wide(code))


@part
def count_chars(text: Bytes, start: int, stop: int) -> int:
    """Characters of a stretch of UTF-8."""
    found = 0
    for at in range(start, stop):
        found += text[at] & 0xC0 != 0x80
    return found


@part
def has_letter(text: Bytes, stop: int, table: NDArray[np.uint32]) -> bool:
    """Whether a letter or a digit is in folded text that ends at `stop`."""
    at = 0
    while at < stop:
        code = code_at(text, at)
        if code >= table.size or table[code] & LETTER:
            return True
        at += char_size(text, at)
    return False


@part
def fold_span(
    data: Bytes,
    bounds: tuple[int, int],
    tables: tuple[NDArray[np.uint32], Bytes],
    out: Bytes,
    start: int,
) -> tuple[int, int, int]:
    """Fold a stretch of text to `out` from `start` on: where it ends, its characters, and how
    many of them are wide. White space between characters, and before the stretch, is one space.
    """
    table, short = tables
    at, stop = bounds
    to, wide, is_space, in_number = start, 0, 1, False
    if to:
        out[to] = 0x20
        to += 1
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
        elif 0xE4 <= byte <= 0xE9:
            # U+4000 to U+9FFF: nearly all Han, and folded to themselves.
            out[to], out[to + 1], out[to + 2] = byte, data[at + 1], data[at + 2]
            is_space, in_number = 0, False
            wide += 1
            to += 3
            at += 3
        else:
            state = (to, is_space, in_number)
            at, to, is_space, in_number, broad = fold_rare(data, (at, stop), table, out, state)
            wide += broad
    if is_space and to > start:
        to -= 1
    return to, count_chars(out, start, to), wide
