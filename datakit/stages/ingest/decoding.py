"""Bytes of any encoding to blocks of whole lines of UTF-8, and what to say of undecodable ones.

Lines are cut before they are decoded, so a broken one harms no other, and a block's borders
change nothing. UTF-8 goes through untouched.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

BLOCK_BYTES = 4 << 20
SHOWN_BYTES = 16
BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no text: `index` in its block from 0, why, and the JSON text of what was
    found (encoding, offset of the first bad byte in the file, that byte and those after it).
    """

    index: int
    reason: str
    values: str


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines of UTF-8, and which of them are bad."""

    data: bytes
    lines: int
    bad: tuple[BadLine, ...] = ()


def is_byte_lined(encoding: str) -> bool:
    """Whether the byte 0x0A ends a line and occurs nowhere else, so that a file can be cut there.

    So it is in UTF-8, GB18030, Big5 and all single-byte encodings, not in UTF-16 and UTF-32.
    """
    return "\n".encode(encoding) == b"\n"


def line_blocks(
    stream: BinaryIO,
    encoding: str,
    *,
    errors: str = "reject",
    block_bytes: int = BLOCK_BYTES,
    max_line_bytes: int | None = None,
    check_utf8: bool = True,
    offset: int = 0,
) -> Iterator[LineBlock]:
    """A stream's lines in blocks of about `block_bytes`, without a byte order mark.

    With `errors="replace"` undecodable bytes become U+FFFD; with "reject" the line is bad, for
    `undecodable_line`, and stands in the block as an empty one; with "mark" it is bad and stands
    there with U+FFFD, so that what belongs together over several lines can still be told. A line
    of more than `max_line_bytes` is bad for `line_too_long`, stands there as an empty one and is
    never held in memory whole. With `check_utf8=False` UTF-8 is handed on unseen. `offset` is
    where in its file the stream begins.
    """
    newline = "\n".encode(encoding)
    decoder = _Decoder(encoding, errors, check_utf8, newline)
    limit = min(block_bytes, max_line_bytes or block_bytes)
    start = offset
    for data, too_long in _whole_lines(stream, newline, (max(limit // 4 * 4, 4), max_line_bytes)):
        if too_long:
            found = {"bytes": too_long, "max_record_bytes": max_line_bytes, "offset": start}
            bad = BadLine(0, "line_too_long", orjson.dumps(found).decode())
            yield LineBlock(b"\n", 1, (bad,))
        else:
            yield decoder.decode(data, start)
        start += too_long + len(data)


@dataclass(slots=True)
class _Decoder:
    """Decodes blocks of whole lines; goes line by line only through a block that needs it."""

    encoding: str
    errors: str
    check_utf8: bool
    newline: bytes
    _marks: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._marks = (BOM.encode(self.encoding),) if _can_encode_mark(self.encoding) else ()

    def decode(self, data: bytes, start: int) -> LineBlock:
        """A block that begins at byte `start` of its file."""
        if start == 0:
            for mark in self._marks:
                start += len(mark) if data.startswith(mark) else 0
                data = data.removeprefix(mark)
        if self.encoding == "utf-8" and not self.check_utf8:
            return LineBlock(data, _count_lines(data))
        try:
            text = data.decode(self.encoding)
        except UnicodeDecodeError:
            return self._decode_lines(data, start)
        whole = data if self.encoding == "utf-8" else text.encode("utf-8", "replace")
        return LineBlock(whole, _count_lines(whole))

    def _decode_lines(self, data: bytes, start: int) -> LineBlock:
        lines, bad = [], []
        for index, line in enumerate(_split_lines(data, self.newline)):
            try:
                lines.append(line.decode(self.encoding).encode("utf-8", "replace"))
            except UnicodeDecodeError as error:
                lines.append(self._stand_in(line))
                if self.errors != "replace":
                    found = describe(line, error, start)
                    bad.append(BadLine(index, "undecodable_line", orjson.dumps(found).decode()))
            start += len(line)
        return LineBlock(b"".join(lines), len(lines), tuple(bad))

    def _stand_in(self, line: bytes) -> bytes:
        """What stands for an undecodable line: nothing, or its text with U+FFFD in it."""
        if self.errors == "reject":
            return b"\n"
        # Without its end: broken bytes before a line end may swallow it.
        text = line.removesuffix(self.newline).decode(self.encoding, "replace")
        return text.encode("utf-8", "replace") + b"\n"


def _whole_lines(
    stream: BinaryIO, newline: bytes, sizes: tuple[int, int | None]
) -> Iterator[tuple[bytes, int]]:
    """Blocks of whole lines, or, with no bytes, the length of a line over the limit."""
    block_bytes, most = sizes
    held, passed = b"", 0
    while chunk := stream.read(block_bytes):
        if passed:
            end = _find(chunk, newline)
            if end < 0:
                passed += len(chunk)
                continue
            yield b"", passed + end
            held, passed = b"", 0
            chunk = chunk[end:]
        data = held + chunk
        end = _find(data, newline)
        if end < 0 and most and len(data) > most:
            held, passed = b"", len(data)
            continue
        if most and end - len(newline) > most:
            yield b"", end
            data = data[end:]
        stop = _find(data, newline, last=True)
        if stop > 0:
            yield data[:stop], 0
        held = data[max(stop, 0) :]
    if held or passed:
        yield held, passed


def _find(data: bytes, newline: bytes, *, last: bool = False) -> int:
    """Where the first or last line of `data` ends, its line end included; -1 without any."""
    width = len(newline)
    at = data.rfind(newline) if last else data.find(newline)
    # In a wide encoding the bytes of a line end also occur across two characters.
    while at % width and at >= 0:
        at = data.rfind(newline, 0, at + width - 1) if last else data.find(newline, at + 1)
    return at + width if at >= 0 else -1


def _split_lines(data: bytes, newline: bytes) -> Iterator[bytes]:
    """The lines with their ends; the last may have none."""
    pieces, line = data.split(newline), b""
    for piece in pieces[:-1]:
        line += piece + newline
        # Split across two characters of a wide encoding: no line end.
        if not len(line) % len(newline):
            yield line
            line = b""
    if line or pieces[-1]:
        yield line + pieces[-1]


def _count_lines(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and data != b"")


def describe(data: bytes, error: UnicodeDecodeError, start: int = 0) -> dict[str, str | int]:
    """What was found instead of text in `data`, which begins at byte `start` of its file."""
    shown = data[error.start : error.start + SHOWN_BYTES].hex(" ")
    return {"encoding": error.encoding, "offset": start + error.start, "bytes": shown}


def _can_encode_mark(encoding: str) -> bool:
    try:
        BOM.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
