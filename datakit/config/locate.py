"""On which line a table or key of a TOML text stands; `tomllib` does not say.

A scan that knows TOML's strings, comments, dotted keys, arrays and inline tables, so that it is
not fooled by what merely looks like a key. It expects a text that `tomllib` accepts.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of the file: `("stage", 1, "weights", "medical")`."""

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")


class Places:
    """Lines of tables and keys, from 1."""

    def __init__(self, lines: Mapping[KeyPath, int]) -> None:
        self._lines = dict(lines)

    def __contains__(self, path: KeyPath) -> bool:
        return path in self._lines

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest table around it that has one; else 1."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1


def locate(text: str) -> Places:
    """Find the lines of all tables and keys of a valid TOML text."""
    scan = _Scan(text)
    scan.document()
    return Places(scan.lines)


def broken_line(text: str) -> int | None:
    """The line on which the key or header begins that makes a text invalid, if the scan sees it.

    A parser notices a missing bracket or quote only lines later.
    """
    scan = _Scan(text)
    try:
        scan.document()
    except UnexpectedTextError:
        return scan.line_of(scan.item_start)
    return None


def _unquote(key: str) -> str:
    if key[0] not in "\"'":
        return key
    try:
        return str(tomllib.loads(f"key = {key}")["key"])
    except tomllib.TOMLDecodeError:
        raise UnexpectedTextError from None


class UnexpectedTextError(Exception):
    """The text is not TOML from here on."""


class _Scan:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.item_start = 0
        self.lines: dict[KeyPath, int] = {}
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._tables: dict[KeyPath, int] = {}

    def document(self) -> None:
        """Read tables and keys to the end."""
        table: KeyPath = ()
        while self._skip():
            self.item_start = self.at
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)

    def line_of(self, position: int) -> int:
        """The line, from 1, of a position in the text."""
        return bisect_right(self._starts, position)

    def _header(self) -> KeyPath:
        line, is_array = self.line_of(self.at), self._peek("[[")
        self.at += 2 if is_array else 1
        parts = self._key()
        path: KeyPath = ()
        for number, part in enumerate(parts):
            path = (*path, part)
            if is_array and number == len(parts) - 1:
                self.lines.setdefault(path, line)
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
            self.lines.setdefault(path, line)
        self._skip()
        self._expect("]]" if is_array else "]")
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self.line_of(self.at)
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self._skip()
        self._expect("=")
        self._skip()
        self._value(path)

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip()
            text = self._take(_STRING if self._peek('"') or self._peek("'") else _BARE_KEY)
            parts.append(_unquote(text))
            self._skip()
            if not self._peek("."):
                return parts
            self.at += 1

    def _value(self, path: KeyPath) -> None:
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline_table(path)
        elif self._peek('"') or self._peek("'"):
            self._take(_STRING)
        else:
            self._take(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        position = 0
        while self._skip() and not self._peek("]"):
            self.lines.setdefault((*path, position), self.line_of(self.at))
            self._value((*path, position))
            position += 1
            self._comma("]")
        self._expect("]")

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self._skip() and not self._peek("}"):
            self._pair(path)
            self._comma("}")
        self._expect("}")

    def _comma(self, close: str) -> None:
        self._skip()
        if not self._peek(close):
            self._expect(",")

    def _skip(self) -> bool:
        """Pass over white space and comments; whether anything is left."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.at < len(self.text)

    def _peek(self, start: str) -> bool:
        return self.text.startswith(start, self.at)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise UnexpectedTextError
        self.at = match.end()
        return match[0]

    def _expect(self, text: str) -> None:
        if not self._peek(text):
            raise UnexpectedTextError
        self.at += len(text)
