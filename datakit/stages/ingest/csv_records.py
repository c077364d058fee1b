"""The rows of a delimited file as they are, each with its first line, and what is no row."""

import csv
import io
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
            row = _explain(str(error), lines.skipped + reader.line_num + 1 - first)
        if lines.bad:
            last = lines.skipped + reader.line_num
            found = [lines.bad.pop(n) for n in range(first, last + 1) if n in lines.bad]
            row = found[0] if found else row
        if row:
            yield first, row


def _explain(error: str, lines: int) -> Fault:
    if "end of data" in error:
        return Fault("unclosed_quote", {"lines": lines})
    if "field limit" in error:
        return Fault("record_too_long", {"lines": lines, "error": error})
    return Fault("malformed_row", {"lines": lines, "error": error})


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
