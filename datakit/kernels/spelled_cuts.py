"""jieba's cutting of Latin letters, digits and the marks it lets stand with them, compiled; see
`segmentation.mark_tokens`.

A token is letters and digits, with a fraction (a dot and digits) and `%` behind them, or some of
`#%&+-._`, or any other character. Which of these goes on is read from a table of states.
"""

import numpy as np

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.simd import Bytes, load_word, part

_OTHER, _SPELLED, _FRACTION, _CLOSED, _BESIDE = range(5)
_LETTER, _DIGIT, _MARK, _PERCENT, _DOT, _POINT = range(1, 7)
"""Kinds of characters beside others (0); a point is a dot before a digit."""

_KINDS = np.zeros(128, dtype=np.uint8)
for _characters, _kind in (
    (b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", _LETTER),
    (b"0123456789", _DIGIT),
    (b"#&+-_", _MARK),
    (b"%", _PERCENT),
    (b".", _DOT),
):
    _KINDS[list(_characters)] = _kind

_ROW = 8
_HIGH_BITS = np.uint64(0x8080808080808080)
_BEGINS = 0x80
_STEPS = np.full((5, _ROW), _OTHER | _BEGINS, dtype=np.uint8)
_STEPS[:, (_LETTER, _DIGIT)] = _SPELLED | _BEGINS
_STEPS[:, (_MARK, _PERCENT, _DOT, _POINT)] = _BESIDE | _BEGINS
_STEPS[_SPELLED, (_LETTER, _DIGIT)] = _SPELLED
_STEPS[_SPELLED, _POINT] = _STEPS[_FRACTION, _DIGIT] = _FRACTION
_STEPS[(_SPELLED, _FRACTION), _PERCENT] = _CLOSED
_STEPS[_BESIDE, (_MARK, _PERCENT, _DOT, _POINT)] = _BESIDE
_TABLE = _STEPS.ravel()


@part
def mark_spelled(data: Bytes, at: int, stop: int, marks: Bytes) -> int:
    """Set the marks of the ASCII characters from `at` on: 0 where one goes on with the token before
    it, else 1. The place behind them.
    """
    state = np.int64(_OTHER)
    byte = peek(data, at)
    while byte < 0x80:
        after = peek(data, at + 1) if at + 1 < stop else np.uint8(0x80)
        kind = np.int64(peek(_KINDS, byte))
        kind += (kind == _DOT) & (after >= 0x30) & (after <= 0x39)
        step = peek(_TABLE, _ROW * state + kind)
        poke(marks, at, np.uint8(step >> 7))
        state = np.int64(step & 0x7F)
        at += 1
        byte = after
    return at


@part
def skip_ascii(data: Bytes, at: int, stop: int) -> int:
    """The place behind the ASCII characters from `at` on."""
    while at + 8 <= stop and load_word(data, at) & _HIGH_BITS == 0:
        at += 8
    while at < stop and peek(data, at) < 0x80:
        at += 1
    return at
