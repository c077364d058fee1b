"""The grammar of JSON over bytes, compiled: where a value ends, what a string says.

Strict and shy: what is not fully recognised gives -1, also where it might be JSON (numbers of
unusual size, deep nesting), and the caller asks a JSON library. No function looks for the end of
the data, because the data ends in a line end and no JSON value on one line may hold one.
"""

import numpy as np

from datakit.kernels.simd import STEP, Bytes, copy_step, first_bit, part, plain_mask
from datakit.kernels.utf8 import write_char

_NO = -1
_DEEPEST = 60
_LONGEST_NUMBER = 200  # with exponents of two digits: never too large for a float

_UNESCAPED = np.zeros(256, dtype=np.uint8)
for _escape, _byte in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True):
    _UNESCAPED[_escape] = _byte
_HEX = np.full(256, -1, dtype=np.int32)
for _digit in b"0123456789abcdefABCDEF":
    _HEX[_digit] = int(chr(_digit), 16)


@part
def skip_space(data: Bytes, at: int) -> int:
    """First place from `at` that is no space, tab or carriage return."""
    while data[at] == 0x20 or data[at] == 0x09 or data[at] == 0x0D:
        at += 1
    return at


@part
def read_hex(data: Bytes, at: int) -> int:
    r"""The character that `\uXXXX` at `at` stands for, also of a surrogate pair; else -1."""
    if data[at] != 0x5C or data[at + 1] != 0x75:
        return _NO
    high = _HEX[data[at + 2]] << 12 | _HEX[data[at + 3]] << 8
    code = high | _HEX[data[at + 4]] << 4 | _HEX[data[at + 5]]
    return int(code) if code >= 0 else _NO


@part
def skip_string(data: Bytes, at: int) -> int:
    """Place behind the string whose opening quote is before `at`, or -1."""
    while True:
        mask = plain_mask(data, at)
        if mask == 0:
            at += STEP
            continue
        at += first_bit(mask)
        if data[at] == 0x22:
            return at + 1
        if data[at] != 0x5C:
            return _NO
        if _UNESCAPED[data[at + 1]]:
            at += 2
            continue
        code = read_hex(data, at)
        if code < 0 or 0xDC00 <= code < 0xE000:
            return _NO
        at += 6
        if 0xD800 <= code < 0xDC00:
            if not 0xDC00 <= read_hex(data, at) < 0xE000:
                return _NO
            at += 6


@part
def read_string(data: Bytes, at: int, out: Bytes, to: int) -> tuple[int, int]:
    """As `skip_string`, and write the string's content to `out[to]`; also gives the place behind
    what was written. A NUL character is not recognised.
    """
    while True:
        mask = copy_step(data, at, out, to)
        if mask == 0:
            at += STEP
            to += STEP
            continue
        run = first_bit(mask)
        at += run
        to += run
        if data[at] == 0x22:
            return at + 1, to
        while data[at] == 0x5C:
            plain = _UNESCAPED[data[at + 1]]
            if plain:
                out[to] = plain
                at += 2
                to += 1
                continue
            code = read_hex(data, at)
            if code <= 0 or 0xDC00 <= code < 0xE000:
                return _NO, to
            at += 6
            if 0xD800 <= code < 0xDC00:
                low = read_hex(data, at)
                if not 0xDC00 <= low < 0xE000:
                    return _NO, to
                code = 0x10000 + (code - 0xD800 << 10 | low - 0xDC00)
                at += 6
            to = write_char(out, to, code)
        if data[at] < 0x20:
            return _NO, to


@part
def skip_digits(data: Bytes, at: int) -> int:
    """First place from `at` that is no digit."""
    while 0x30 <= data[at] <= 0x39:
        at += 1
    return at


@part
def skip_number(data: Bytes, at: int) -> int:
    """Place behind the number at `at`, or -1 (also where its size makes it special)."""
    start = at
    if data[at] == 0x2D:
        at += 1
    digits = skip_digits(data, at)
    if digits == at or (data[at] == 0x30 and digits > at + 1):
        return _NO
    at = digits
    if data[at] == 0x2E:
        digits = skip_digits(data, at + 1)
        if digits == at + 1:
            return _NO
        at = digits
    if data[at] | 0x20 == 0x65:
        at += 1
        if data[at] == 0x2B or data[at] == 0x2D:
            at += 1
        digits = skip_digits(data, at)
        if not at < digits <= at + 2:
            return _NO
        at = digits
    return at if at - start <= _LONGEST_NUMBER else _NO


@part
def skip_scalar(data: Bytes, at: int) -> int:
    """Place behind the string, number, `true`, `false` or `null` at `at`, or -1."""
    byte = data[at]
    if byte == 0x22:
        return skip_string(data, at + 1)
    if byte == 0x74:
        is_word = data[at + 1] == 0x72 and data[at + 2] == 0x75 and data[at + 3] == 0x65
        return at + 4 if is_word else _NO
    if byte == 0x6E:
        is_word = data[at + 1] == 0x75 and data[at + 2] == 0x6C and data[at + 3] == 0x6C
        return at + 4 if is_word else _NO
    if byte == 0x66:
        is_word = data[at + 1] == 0x61 and data[at + 2] == 0x6C and data[at + 3] == 0x73
        return at + 5 if is_word and data[at + 4] == 0x65 else _NO
    return skip_number(data, at)


@part
def skip_key(data: Bytes, at: int) -> int:
    """Place of the value behind the key at `at`, or -1."""
    if data[at] != 0x22:
        return _NO
    at = skip_string(data, at + 1)
    if at < 0:
        return _NO
    at = skip_space(data, at)
    return skip_space(data, at + 1) if data[at] == 0x3A else _NO


@part
def skip_value(data: Bytes, at: int) -> int:  # noqa: C901, PLR0912 (one state machine)
    """Place behind the JSON value at `at`, or -1."""
    depth = 0
    stack = np.uint64(0)  # one bit a level: 1 for an object, 0 for an array
    while True:
        byte = data[at]
        if byte in (0x7B, 0x5B):
            closing = byte + 2
            inner = skip_space(data, at + 1)
            if data[inner] != closing:
                if depth == _DEEPEST:
                    return _NO
                depth += 1
                stack = stack << np.uint64(1) | np.uint64(byte == 0x7B)
                at = skip_key(data, inner) if byte == 0x7B else inner
                if at < 0:
                    return _NO
                continue
            at = inner + 1
        else:
            at = skip_scalar(data, at)
            if at < 0:
                return _NO
        while depth > 0:
            at = skip_space(data, at)
            in_object = stack & np.uint64(1)
            if data[at] == 0x2C:
                at = skip_space(data, at + 1)
                if in_object:
                    at = skip_key(data, at)
                    if at < 0:
                        return _NO
                break
            if data[at] != (0x7D if in_object else 0x5D):
                return _NO
            at += 1
            depth -= 1
            stack >>= np.uint64(1)
        if depth == 0:
            return at
