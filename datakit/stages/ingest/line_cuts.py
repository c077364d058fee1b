"""Cutting files of lines into pieces of about a size, with the line number each begins at."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from datakit.kernels.json_lines import count_lines

CHUNK_BYTES = 4 << 20


def cut_lines(stream: BinaryIO, size: int, piece_bytes: int) -> Iterator[tuple[int, int, int]]:
    """Pieces of a stream of `size` bytes: first byte, end, and number of the first line (from 1).

    Each but the last ends at the first line end from `piece_bytes` on.
    """
    start = at = 0
    first = line = 1
    while size - start > piece_bytes and (chunk := stream.read(CHUNK_BYTES)):
        view, done = np.frombuffer(chunk, dtype=np.uint8), 0
        while (end := chunk.find(b"\n", max(start + piece_bytes - 1 - at, done)) + 1) > 0:
            line += count_lines(view[done:end])
            if at + end == size:
                break
            yield start, at + end, first
            start, first, done = at + end, line, end
        line += count_lines(view[done:])
        at += len(chunk)
    yield start, size, first


def write_pieces(
    stream: BinaryIO, folder: Path, piece_bytes: int
) -> Iterator[tuple[Path, int, int]]:
    """Copy a stream of any length to files below `folder`, cut as `cut_lines` does: each file,
    its size in bytes, and the number of its first line.
    """
    line, number, rest = 1, 0, b""
    while rest or (rest := stream.read(CHUNK_BYTES)):
        path = folder / f"{number:06d}.jsonl"
        size = lines = 0
        with path.open("wb") as file:
            while rest:
                end = rest.find(b"\n", max(piece_bytes - 1 - size, 0)) + 1
                piece = rest[:end] if end else rest
                file.write(piece)
                size, lines = (
                    size + len(piece),
                    lines + count_lines(np.frombuffer(piece, dtype=np.uint8)),
                )
                rest = rest[end:] if end else stream.read(CHUNK_BYTES)
                if end:
                    break
        yield path, size, line
        line, number = line + lines, number + 1


class LimitedStream(io.RawIOBase):
    """The next `left` bytes of a stream; None: all of them."""

    def __init__(self, stream: BinaryIO, left: int | None) -> None:
        self._stream, self._left = stream, left

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """As of any stream."""
        wanted = len(buffer) if self._left is None else min(len(buffer), self._left)
        chunk = self._stream.read(wanted)
        buffer[: len(chunk)] = chunk
        if self._left is not None:
            self._left -= len(chunk)
        return len(chunk)
