"""Where the tokens of a text begin; the compiled half.

Marks are cut off the ends of a chunk of characters without spaces, and inside it some part it.

The rules are spaCy's for English (https://github.com/explosion/spaCy, 3.8, MIT; its prefixes,
suffixes and infixes), without its lists of exceptions, units and top-level domains.
"""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_access import peek, poke
from datakit.kernels.signals_chars import Chars
from datakit.kernels.signals_kinds import (
    APART,
    APOSTROPHE,
    ASCII_DIGIT,
    BACK,
    COMBINING,
    DOT,
    FRONT,
    HAN,
    INNER,
    KANA,
    LETTER,
    PICTURE,
    PLAIN,
    SPACE,
    UPPER,
)
from datakit.kernels.simd import part

_PERCENT, _COMMA, _SLASH, _COLON, _CARET = 0x25, 0x2C, 0x2F, 0x3A, 0x5E
_LESS, _GREATER, _PLUS, _STAR, _HYPHEN = 0x3C, 0x3E, 0x2B, 0x2A, 0x2D
_EQUALS, _TILDE, _EN_DASH, _EM_DASH = 0x3D, 0x7E, 0x2013, 0x2014
_SOLO = HAN | KANA
_BREAKS = SPACE | APART | _SOLO
_MARKS = FRONT | BACK | INNER | PICTURE
_MOST_DASHES = 3
_ELISION = 2

Properties = NDArray[np.int64]


@part
def mark_text(chars: Chars, row: int, properties: Properties) -> None:
    """Say in `chars.begins` where the tokens of one text begin."""
    begins, at, stop = chars.begins, chars.bounds[row], chars.bounds[row + 1]
    start, last = at, np.int64(SPACE)
    while at < stop:
        flags = peek(properties, peek(chars.kinds, at))
        goes_on = (flags & COMBINING > 0) & (last & _SOLO > 0)
        is_new = (flags & _SOLO > 0) | (last & _BREAKS > 0) & (not goes_on)
        poke(begins, at, is_new)
        start = at if is_new else start
        last = last if goes_on else flags
        at += 1
        if flags & _MARKS:
            while at < stop and not peek(properties, peek(chars.kinds, at)) & _BREAKS:
                poke(begins, at, 0)
                at += 1
            mark_chunk(chars, start, at, properties)


@part
def mark_chunk(chars: Chars, start: int, stop: int, properties: Properties) -> None:
    """Part a chunk: marks from its front, from its end, then what is left."""
    begins = chars.begins
    end = front_end(chars, start, stop, properties)
    while start < end:
        poke(begins, start, 1)
        start = end
        end = front_end(chars, start, stop, properties)
    begin = back_start(chars, start, stop, properties)
    while begin < stop:
        poke(begins, begin, 1)
        stop = begin
        begin = back_start(chars, start, stop, properties)
    if start < stop:
        poke(begins, start, 1)
        mark_core(chars, start, stop, properties)


@part
def mark_core(chars: Chars, start: int, stop: int, properties: Properties) -> None:
    """Part what is left of a chunk at the marks inside it."""
    i = start
    while i < stop:
        flags = peek(properties, peek(chars.kinds, i))
        if flags & (INNER | PICTURE):
            end = inner_end(chars, i, (start, stop), properties)
            if end > stop:  # an address: the rest is one token
                break
            if flags & APOSTROPHE and is_elision(chars, i, (start, stop), properties):
                poke(chars.begins, i, 1)
            if end > i:
                poke(chars.begins, i, 1)
                if end < stop:
                    poke(chars.begins, end, 1)
                i = end - 1
        i += 1


@part
def front_end(chars: Chars, at: int, stop: int, properties: Properties) -> int:
    """The place behind the mark that is cut off the front, or `at` if none is."""
    if at == stop:
        return at
    flags, end = peek(properties, peek(chars.kinds, at)), at + 1
    if not flags & DOT:
        return at + int(flags & FRONT > 0)
    while end < stop and peek(properties, peek(chars.kinds, end)) & DOT:
        end += 1
    return end if end - at > 1 else at


@part
def back_start(chars: Chars, at: int, stop: int, properties: Properties) -> int:
    """The place of the mark that is cut off the end of the characters from `at` on, or `stop`."""
    if at == stop:
        return stop
    start = stop - 1
    flags = peek(properties, peek(chars.kinds, start))
    before = properties[chars.kinds[start - 1]] if start > at else np.int64(0)
    if flags & DOT:
        return dot_start(chars, at, stop, properties)
    if peek(chars.codes, start) == _PERCENT:
        return start if before & ASCII_DIGIT else stop
    return start if flags & BACK else stop


@part
def dot_start(chars: Chars, at: int, stop: int, properties: Properties) -> int:
    """`back_start` of characters that end in a dot: several go together; one stays behind a letter
    that stands alone, and behind a capital if no other stands before it.
    """
    start = stop - 1
    while start > at and properties[chars.kinds[start - 1]] & DOT:
        start -= 1
    if stop - start > 1:
        return start
    if start == at:
        return stop
    before = properties[chars.kinds[start - 1]]
    earlier = properties[chars.kinds[start - 2]] if start - 1 > at else np.int64(0)
    is_alone = before & LETTER > 0 and (start - 1 == at or earlier & DOT > 0)
    is_capital = before & UPPER > 0 and not earlier & UPPER
    return stop if is_alone or is_capital else start


@part
def is_elision(chars: Chars, at: int, span: tuple[int, int], properties: Properties) -> bool:
    """Whether a word as `'t` or `'ll` begins with the apostrophe at `at`; it goes to the end of
    `span`, the core.
    """
    first, stop = span
    if at == first or at + 1 == stop:
        return False
    before, after = properties[chars.kinds[at - 1]], properties[chars.kinds[at + 1]]
    return before & PLAIN > 0 and after & LETTER > 0 and stop - at - 1 <= _ELISION


@part
def inner_end(chars: Chars, at: int, span: tuple[int, int], properties: Properties) -> int:
    """The place behind the mark at `at` that parts the core `span`; `at` if it parts nothing, and
    one beyond the core if it begins the `://` of an address.
    """
    first, stop = span
    kinds = chars.kinds
    flags, end = properties[kinds[at]], at + 1
    while flags & DOT and end < stop and properties[kinds[end]] & DOT:
        end += 1
    if flags & PICTURE or end > at + 1:
        return end
    if at == first or end == stop:
        return at
    before, after = properties[kinds[at - 1]], properties[kinds[end]]
    if flags & DOT:
        return at + int(before & LETTER > 0 and not before & UPPER and after & UPPER > 0)
    if before & (LETTER | ASCII_DIGIT):
        return pair_end(chars, at, stop, properties)
    return at


@part
def pair_end(chars: Chars, at: int, stop: int, properties: Properties) -> int:
    """`inner_end` for a mark between a letter or digit and some other character."""
    codes, kinds = chars.codes, chars.kinds
    code, before, after = codes[at], properties[kinds[at - 1]], properties[kinds[at + 1]]
    is_sum = code in (_PLUS, _HYPHEN, _STAR, _CARET) and before & ASCII_DIGIT > 0
    if is_sum and (after & ASCII_DIGIT or codes[at + 1] == _HYPHEN):
        return at + 1
    if code == _COMMA:
        return at + int(before & after & LETTER > 0)
    if code == _COLON and at + 2 < stop and codes[at + 1] == codes[at + 2] == _SLASH:
        return stop + 1
    if code in (_COLON, _LESS, _GREATER, _EQUALS, _SLASH):
        return at + int(after & LETTER > 0)
    return dash_end(chars, at, stop, properties)


@part
def dash_end(chars: Chars, at: int, stop: int, properties: Properties) -> int:
    """The place behind a dash, or up to three, before a letter; `at` if there is none."""
    code, end = chars.codes[at], at + 1
    if code not in (_HYPHEN, _EN_DASH, _EM_DASH, _TILDE):
        return at
    while end < stop and end - at < _MOST_DASHES and chars.codes[end] == code:
        end += 1
    return end if end < stop and properties[chars.kinds[end]] & LETTER else at
