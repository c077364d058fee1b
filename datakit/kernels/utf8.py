"""Steps of kernels over valid UTF-8: one character, white space on either side of a place."""

from datakit.kernels.simd import Bytes, part

NEWLINE = 0x0A


@part
def char_size(data: Bytes, at: int) -> int:
    """Bytes of the character that begins at `at`."""
    byte = data[at]
    if byte < 0x80:
        return 1
    if byte < 0xE0:
        return 2
    return 3 if byte < 0xF0 else 4


@part
def code_at(data: Bytes, at: int) -> int:
    """Code point of the character that begins at `at`."""
    byte = int(data[at])
    if byte < 0x80:
        return byte
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | (int(data[at + 1]) & 0x3F)
    if byte < 0xF0:
        low = (int(data[at + 1]) & 0x3F) << 6 | (int(data[at + 2]) & 0x3F)
        return (byte & 0xF) << 12 | low
    low = (int(data[at + 2]) & 0x3F) << 6 | (int(data[at + 3]) & 0x3F)
    return (byte & 7) << 18 | (int(data[at + 1]) & 0x3F) << 12 | low


@part
def is_white(code: int) -> bool:
    """Whether a code point is white space (as `str.isspace` and Unicode's White_Space have it)."""
    if code < 0x80:
        return code == 0x20 or 9 <= code <= 13 or 28 <= code <= 31
    if code < 0x1680:
        return code in (0x85, 0xA0)
    return (
        0x2000 <= code <= 0x200A
        or code in (0x1680, 0x2028, 0x2029, 0x202F, 0x205F)
        or code == 0x3000
    )


@part
def is_wide(code: int) -> bool:
    """Whether a code point is of a script of which one character says what some three letters
    do: Han, kana, Hangul syllables and their punctuation.
    """
    if code < 0x2E80:
        return False
    return code <= 0xD7A3 or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF


@part
def skip_white(data: Bytes, at: int, stop: int) -> int:
    """The first place from `at` on that holds no white space, at most `stop`."""
    while at < stop:
        if data[at] < 0x80:
            if not is_white(int(data[at])):
                return at
            at += 1
        elif is_white(code_at(data, at)):
            at += char_size(data, at)
        else:
            return at
    return at


@part
def strip_white(data: Bytes, start: int, at: int) -> int:
    """The last place up to `at` behind which, back from `at`, is nothing but white space."""
    while at > start:
        before = at - 1
        while data[before] & 0xC0 == 0x80:
            before -= 1
        if not is_white(code_at(data, before)):
            return at
        at = before
    return at


@part
def count_newlines(data: Bytes, start: int, stop: int) -> int:
    """Line feeds between two places."""
    found = 0
    for at in range(start, stop):
        found += data[at] == NEWLINE
    return found


@part
def write_char(out: Bytes, to: int, code: int) -> int:
    """Write a character as UTF-8; gives the place behind it."""
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
