"""Cutting a text file into the pieces that become records."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

# A line with anything in it, and those that follow it.
_BLOCK = re.compile(r"(?:^[^\S\n]*\S.*\n?)+", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")


class Piece(NamedTuple):
    """A record's text, its first line from 1, what a pattern's named groups caught."""

    text: str
    line: int
    groups: Mapping[str, str | None] = {}


def plain_line_ends(text: str) -> str:
    r"""The text with `\n` for the line ends of Windows and old Macs."""
    if "\r" not in text:
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def drop_front_matter(text: str) -> tuple[str, int]:
    """The text without the YAML header between `---` lines, and its first line's number."""
    header = _FRONT_MATTER.match(text)
    if header is None:
        return text, 1
    return text[header.end() :], 1 + header.group().count("\n")


def split_at_blank_lines(text: str, start: int = 1) -> Iterator[Piece]:
    r"""Each block of lines between blank ones, without the line end of its last line.

    >>> [(piece.text, piece.line) for piece in split_at_blank_lines("a\nb\n\n \nc\n")]
    [('a\nb', 1), ('c', 5)]
    """
    line, seen = start, 0
    for block in _BLOCK.finditer(text):
        line += text.count("\n", seen, block.start())
        seen = block.start()
        yield Piece(block.group().removesuffix("\n"), line)


def split_at_pattern(text: str, pattern: re.Pattern[str], start: int = 1) -> Iterator[Piece]:
    """A piece from each match to the next, and before the first match if there is text.

    With named groups the match is taken out of the text and stands in the groups instead.
    """
    line, seen = start, 0
    matches = list(pattern.finditer(text))
    first = matches[0].start() if matches else len(text)
    if text[:first].strip():
        head = text[:first]
        blank = len(head) - len(head.lstrip())
        yield Piece(_trimmed(head), start + head.count("\n", 0, blank))
    for number, match in enumerate(matches):
        stop = matches[number + 1].start() if number + 1 < len(matches) else len(text)
        line += text.count("\n", seen, match.start())
        seen = match.start()
        begin = match.end() if pattern.groupindex else match.start()
        yield Piece(_trimmed(text[begin:stop]), line, match.groupdict())


def _trimmed(text: str) -> str:
    """Without blank lines at its ends; the indent of the first line stays."""
    return re.sub(r"\A(?:[^\S\n]*\n)+", "", text).rstrip()
