"""The rows of a delimited file as they are, each with its first line, and what is no row."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from datakit.stages.ingest.decoding import LineBlock
from datakit.stages.ingest.mapping import Fault

if TYPE_CHECKING:
    from _csv import Reader

# Those first that are rare in text: they win where two fit equally well.
DELIMITERS = ("\t", "|", ";", ",")
SNIFFED_CHARS = 64 << 10
SNIFFED_ROWS = 200
EXCERPT_CHARS = 200
LOOKED_AHEAD = 8
"""How many times `max_field_chars` are searched for the end of a longer cell."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written; `quote` is empty where quotes mean nothing."""

    delimiter: str
    quote: str
    max_field_chars: int = 1 << 24

    def reader(self, lines: Iterable[str]) -> "Reader":
        """A reader that refuses what is not written by the rules (RFC 4180)."""
        # A limit of the whole process; the library's own of 131,072 refuses ordinary documents.
        csv.field_size_limit(self.max_field_chars)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            strict=True,
        )


class Lines:
    """The lines of a file for a CSV reader, remembering which of them did not decode."""

    def __init__(self, blocks: Iterable[LineBlock], *, skip: int = 0) -> None:
        self._blocks, self._count = iter(blocks), 0
        self.bad: dict[int, Fault] = {}
        self.held = self._next_block()
        for _ in range(skip):
            self.held.readline()
        self.skipped = skip

    def __iter__(self) -> Iterator[str]:
        while text := self.held.readline():
            yield text
            yield from self.held
            self.held = self._next_block()

    def peek(self) -> str:
        """The beginning of what is still to be read."""
        at = self.held.tell()
        start = self.held.read(SNIFFED_CHARS)
        self.held.seek(at)
        return start

    def skip_cell(self, dialect: Dialect) -> bool:
        """Go on behind the quoted cell that the line read last is part of; False, and nothing is
        skipped, if its quote is not closed or stands where none can close.
        """
        at, text = self.held.tell(), self.held.getvalue()
        start = text.rfind("\n", 0, at - 1) + 1
        at, text = at - start, text[start:]
        quote, searched = re.escape(dialect.quote), 0
        closing = re.compile(f"(?<!{quote}){quote}(?:{quote * 2})*(?!{quote})")
        while not (found := closing.search(text, searched)) and (
            len(text) <= LOOKED_AHEAD * dialect.max_field_chars
        ):
            searched = len(text)
            text += self._next_block().getvalue()
            if searched == len(text):
                break
        behind = (dialect.delimiter, "\n", "\r", "")
        is_closed = found is not None and text[found.end() : found.end() + 1] in behind
        if found is not None and is_closed:
            at = found.end()
            # The reader counts the line that it is given the rest of once more.
            self.skipped += text.count("\n", 0, at) - (at < len(text))
        self.held.seek(0)
        self.held.truncate()
        self.held.write(text[at:])
        self.held.seek(0)
        return is_closed

    def _next_block(self) -> io.StringIO:
        block = next(self._blocks, LineBlock(b"", 0))
        for bad in block.bad:
            number = self._count + bad.index + 1
            self.bad[number] = Fault(bad.reason, orjson.loads(bad.values))
        self._count += block.lines
        text = block.data.decode()
        if "\r" in text and "\n" not in text:  # a file of an old Mac
            text = text.replace("\r", "\n")
        return io.StringIO(text, newline="\n")


def read_records(lines: Lines, dialect: Dialect) -> Iterator[tuple[int, list[str] | Fault]]:
    """Each row that is not blank with the line it begins in, from 1; or why it is none."""
    reader = dialect.reader(lines)
    while True:
        first = lines.skipped + reader.line_num + 1
        row: list[str] | Fault
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if _is_too_long(error):
                _skip_row(reader, lines, dialect)
            row = _explain(error, lines.skipped + reader.line_num + 1 - first)
        if lines.bad:
            last = lines.skipped + reader.line_num
            found = [lines.bad.pop(n) for n in range(first, last + 1) if n in lines.bad]
            row = found[0] if found else row
        if row:
            yield first, row


def _skip_row(reader: "Reader", lines: Lines, dialect: Dialect) -> None:
    """Go to the end of the row that has too long a cell, if it can be told where that ends."""
    while lines.skip_cell(dialect):
        try:
            next(reader, None)
        except csv.Error as error:
            if _is_too_long(error):
                continue
        return


def _is_too_long(error: csv.Error) -> bool:
    return "field limit" in str(error)


def _explain(error: csv.Error, lines: int) -> Fault:
    if "end of data" in str(error):
        return Fault("unclosed_quote", {"lines": lines})
    if _is_too_long(error):
        return Fault("record_too_long", {"lines": lines, "error": str(error)})
    return Fault("malformed_row", {"lines": lines, "error": str(error)})


def sniff_delimiter(start: str, quote: str) -> str:
    """The delimiter under which most rows have as many fields as the first; "," in doubt."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        counts = _count_fields(start, Dialect(delimiter, quote))
        if counts and counts[0] > 1:
            alike = sum(count == counts[0] for count in counts) / len(counts)
            if (alike, counts[0]) > best_score:
                best, best_score = delimiter, (alike, counts[0])
    return best


def _count_fields(start: str, dialect: Dialect) -> Sequence[int]:
    counts: list[int] = []
    reader = dialect.reader(io.StringIO(start, newline="\n"))
    while len(counts) < SNIFFED_ROWS:
        try:
            counts.append(len(next(reader)))
        except StopIteration:
            break
        except csv.Error:
            counts.append(0)
    # The last row may have been cut.
    whole = counts[:-1] if len(counts) > 1 and len(start) == SNIFFED_CHARS else counts
    return [count for count in whole if count]
