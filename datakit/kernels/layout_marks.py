"""What a line of text is by its first characters: part of a fenced code block, a row of a table."""

from datakit.kernels.simd import STEP, Bytes, first_bit, part, plain_mask
from datakit.kernels.utf8 import NEWLINE

PLAIN, CODE, TABLE = 0, 1, 2

_BACKTICK, _TILDE, _PIPE, _TAB, _SPACE = 0x60, 0x7E, 0x7C, 0x09, 0x20


def line_kinds(*, code: bool, tables: bool) -> int:
    """The kinds of line that are looked at, a bit each."""
    return 1 << PLAIN | code << CODE | tables << TABLE


@part
def fence_at(data: Bytes, at: int, stop: int) -> int:
    """The character of a code fence (three or more of it) that begins at `at`; 0: no fence."""
    byte = data[at]
    if byte not in (_BACKTICK, _TILDE) or at + 3 > stop:
        return 0
    return int(byte) if data[at + 1] == byte and data[at + 2] == byte else 0


@part
def read_line(data: Bytes, at: int, stop: int) -> tuple[int, int]:
    """Where the line from `at` on ends (its line feed, or `stop`), and how many tabs it has
    behind its indent. Those at its end count: the last cells of a row may be empty.
    """
    tabs = 0
    while at < stop and data[at] in (_TAB, _SPACE):
        at += 1
    while at < stop:
        if at + STEP <= stop:
            special = plain_mask(data, at)
            if not special:
                at += STEP
                continue
            at += first_bit(special)
        byte = data[at]
        if byte == NEWLINE:
            break
        tabs += byte == _TAB
        at += 1
    return at, tabs


@part
def mark_line(data: Bytes, at: int, end: int, state: tuple[int, int]) -> tuple[int, int]:
    """Kind of the line `data[at:end]` (no white space around it, not empty), and the fence that
    is open behind it.

    `state`: the tabs of the line, and the character of the fence open before it, or 0. A row of a
    table begins with `|`, or has two or more tabs.
    """
    tabs, fence = state
    found = fence_at(data, at, end)
    if fence:
        return CODE, 0 if found == fence else fence
    if found:
        return CODE, found
    return TABLE if tabs >= 2 or data[at] == _PIPE else PLAIN, 0
