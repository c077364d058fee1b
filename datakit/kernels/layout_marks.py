"""What a line of text is by its first characters: part of a fenced code block, a row of a table."""

from datakit.kernels.simd import Bytes, part
from datakit.kernels.utf8 import NEWLINE

PLAIN, CODE, TABLE = 0, 1, 2

_BACKTICK, _TILDE, _PIPE, _TAB = 0x60, 0x7E, 0x7C, 0x09


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
def line_end(data: Bytes, at: int, stop: int) -> int:
    """Where the line from `at` on ends: its line feed, or `stop`."""
    while at < stop and data[at] != NEWLINE:
        at += 1
    return at


@part
def is_table_row(data: Bytes, at: int, end: int) -> bool:
    """Whether a line without white space before it is a row of a table: it begins with `|`, or
    has two or more tabs.
    """
    if data[at] == _PIPE:
        return True
    tabs = 0
    for i in range(at, end):
        tabs += data[i] == _TAB
    return tabs >= 2


@part
def mark_line(data: Bytes, at: int, end: int, fence: int) -> tuple[int, int]:
    """Kind of the line `data[at:end]` (no white space around it, not empty), and the fence that
    is open behind it. `fence`: character of the fence open before it, or 0.
    """
    found = fence_at(data, at, end)
    if fence:
        return CODE, 0 if found == fence else fence
    if found:
        return CODE, found
    return TABLE if is_table_row(data, at, end) else PLAIN, 0
