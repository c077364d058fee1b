"""Where words of a list stand in a text; all lists at once by Aho-Corasick."""

from collections.abc import Sequence

import polars as pl

from datakit.records import Table

LATIN_END = "\u0250"
MATCHES = {"row": pl.UInt32, "word": pl.String}


def find_words(texts: pl.Series, words: Sequence[str], *, ignore_case: bool) -> Table:
    """Every occurrence of a word in a text: (row, word), in the order of the text.

    A word that begins or ends in a Latin letter or a digit must not go on in another one there.
    Where occurrences overlap, the one that begins first counts, of these the longest.
    """
    rows = texts.str.contains_any(list(words), ascii_case_insensitive=ignore_case)
    found = rows.fill_null(False).arg_true()
    chosen = texts.gather(found)
    places = chosen.str.find_many(list(words), ascii_case_insensitive=ignore_case, overlapping=True)
    names = chosen.str.extract_many(
        list(words), ascii_case_insensitive=ignore_case, overlapping=True
    )
    hits: list[tuple[int, str]] = []
    for row, text, starts, matched in zip(found, chosen, places, names, strict=True):
        data, end = text.encode(), 0
        spans = [
            (at, at + len(word.encode()), word) for at, word in zip(starts, matched, strict=True)
        ]
        for at, stop, word in sorted(spans, key=lambda span: (span[0], -span[1])):
            if at >= end and _is_whole(data, at, stop):
                hits.append((row, word))
                end = stop
    return pl.DataFrame(hits, schema=MATCHES, orient="row")


def _is_whole(data: bytes, start: int, stop: int) -> bool:
    goes_on_before = _is_latin(_char_at(data, start)) and _is_latin(_char_before(data, start))
    goes_on_behind = _is_latin(_char_before(data, stop)) and _is_latin(_char_at(data, stop))
    return not (goes_on_before or goes_on_behind)


def _char_before(data: bytes, at: int) -> str:
    start = at - 1
    while start > 0 and data[start] & 0xC0 == 0x80:
        start -= 1
    return data[max(0, start) : at].decode()


def _char_at(data: bytes, at: int) -> str:
    return data[at : at + 4].decode(errors="ignore")[:1]


def _is_latin(char: str) -> bool:
    return char.isalnum() and char < LATIN_END
