"""A stream of UTF-8 lines in blocks for the compiled reader, each line whole, none over a limit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

import numpy as np

from datakit.kernels.json_lines import PADDING, Bytes, count_lines
from datakit.stages.ingest.rows import Fault

BLOCK_BYTES = 4 << 20
MARK = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """So many whole lines: `data[:size]`, which ends in a line end, `PADDING` bytes behind it.

    `faults`: what lines, by number in the block from 0, were left out for; they stand in the data
    as empty lines. The array is written anew for the next block.
    """

    data: Bytes
    size: int
    lines: int
    first_line: int
    faults: Mapping[int, Fault]


def make_block(text: bytes, first_line: int, faults: Mapping[int, Fault]) -> Block:
    """A block of lines that are at hand; the last may lack its end."""
    end = b"" if text.endswith(b"\n") else b"\n"
    data = np.frombuffer(b"".join((text, end, bytes(PADDING))), dtype=np.uint8)
    size = data.size - PADDING
    return Block(data.copy(), size, count_lines(data[:size]), first_line, faults)


@dataclass(slots=True)
class LineReader:
    """Reads blocks from a stream that begins at the beginning of line `line`.

    A line of more than `max_line_bytes` (its line end not counted) for which the buffer would
    have to grow is passed over without being held in memory, a fault in its place; one that
    happens to fit is handed out.
    """

    stream: BinaryIO
    line: int
    max_line_bytes: int
    left: int | None = None
    """Bytes to read; None: all."""
    block_bytes: int = BLOCK_BYTES
    _buffer: bytearray = field(init=False)
    _held: int = field(init=False, default=0)
    """Bytes at the beginning of the buffer that have not been handed out."""

    def __post_init__(self) -> None:
        room = self.block_bytes if self.left is None else min(self.block_bytes, self.left + 1)
        self._buffer = bytearray(max(room, len(MARK)) + PADDING)

    def blocks(self) -> Iterator[Block]:
        """The blocks, in order; a byte order mark in line 1 is left out."""
        is_whole = self._fill()
        if self.line == 1 and self._buffer.startswith(MARK):
            self._drop(len(MARK))
        while self._held:
            end = self._buffer.rfind(b"\n", 0, self._held) + 1
            if is_whole and end < self._held:
                self._buffer[self._held] = 0x0A
                self._held = end = self._held + 1
            if end:
                yield self._make_block(end)
                self._drop(end)
            elif self._held > self.max_line_bytes:
                yield self._skip_line()
            else:
                self._grow()
            is_whole = self._fill()

    def _make_block(self, size: int) -> Block:
        data = np.frombuffer(self._buffer, dtype=np.uint8)
        block = Block(data, size, count_lines(data[:size]), self.line, {})
        self.line += block.lines
        return block

    def _skip_line(self) -> Block:
        length, end = 0, -1
        while end < 0 and self._held:
            length += self._held
            self._held = 0
            self._fill()
            end = self._buffer.find(b"\n", 0, self._held)
        if end >= 0:
            length += end
            self._drop(end + 1)
        fault = Fault("line_too_long", {"bytes": length, "max_record_bytes": self.max_line_bytes})
        self.line += 1
        only = np.full(1 + PADDING, 0x0A, dtype=np.uint8)
        return Block(only, 1, 1, self.line - 1, {0: fault})

    def _fill(self) -> bool:
        """Read until the buffer is full; says whether the stream has come to its end."""
        full = len(self._buffer) - PADDING
        with memoryview(self._buffer) as view:
            while self._held < full:
                room = full - self._held
                room = room if self.left is None else min(room, self.left)
                count = self._read(view[self._held : self._held + room])
                if not count:
                    return True
                self._held += count
                if self.left is not None:
                    self.left -= count
        return False

    def _read(self, view: memoryview) -> int:
        return int(self.stream.readinto(view)) if view else 0  # type: ignore[attr-defined]

    def _drop(self, count: int) -> None:
        with memoryview(self._buffer) as view:
            view[: self._held - count] = view[count : self._held]
        self._held -= count

    def _grow(self) -> None:
        larger = bytearray(2 * len(self._buffer))
        larger[: self._held] = self._buffer[: self._held]
        self._buffer = larger
