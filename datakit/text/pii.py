"""Personal information in a text: where it stands and of which kind it is."""

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

from datakit.text.pii_forms import FORMS, KINDS, OTHER_NUMBERS, Form

__all__ = ["KINDS", "Found", "find_pii", "hint_pattern"]

_OTHER = re.compile(
    rf"(?:{OTHER_NUMBERS})[\s_]?(?:号|码|号码|ID)?[\s:#.=№(-]{{0,4}}(?:\d{{11}}[-/、]){{0,3}}$",
    re.IGNORECASE,
)
_CONTEXT_CHARS = 52


class Found(NamedTuple):
    """A piece of personal information: where in the text, and of which kind."""

    start: int
    end: int
    kind: str


_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def hint_pattern(kinds: Sequence[str]) -> str:
    """A pattern without look-around that every line with one of the kinds has."""
    return "|".join(dict.fromkeys(f"(?:{form.hint})" for form in FORMS if form.kind in kinds))


def find_pii(text: str, kinds: Sequence[str] = KINDS) -> list[Found]:
    """The personal information in a text, in order; pieces do not overlap.

    Full-width digits and letters count as plain ones.

    >>> find_pii("电话13812345678")
    [Found(start=2, end=13, kind='mobile')]
    """
    plain = text.translate(_WIDE)
    taken: list[Found] = []
    for hint, forms in _compiled():
        if hint.search(plain):
            for form, pattern in forms:
                if form.kind in kinds:
                    fresh = [f for f in _matches(plain, form, pattern) if _is_free(f, taken)]
                    taken = sorted(taken + fresh)
    return taken


def _matches(text: str, form: Form, pattern: re.Pattern[str]) -> Iterator[Found]:
    for match in pattern.finditer(text):
        start, end = match.span("value" if "value" in pattern.groupindex else 0)
        if form.check and not form.check(text[start:end]):
            continue
        if form.is_bare and _OTHER.search(text[max(0, start - _CONTEXT_CHARS) : start]):
            continue
        yield Found(start, end, form.kind)


def _is_free(piece: Found, taken: Sequence[Found]) -> bool:
    """Whether a piece overlaps none of those taken, which are in order."""
    at = bisect(taken, piece)
    return not any(
        other.start < piece.end and piece.start < other.end
        for other in taken[max(0, at - 1) : at + 1]
    )


@cache
def _compiled() -> list[tuple[re.Pattern[str], list[tuple[Form, re.Pattern[str]]]]]:
    """The forms in their order, those with one hint after each other together."""
    return [
        (
            re.compile(hint, re.ASCII),
            [(form, re.compile(form.pattern, re.ASCII)) for form in forms],
        )
        for hint, forms in groupby(FORMS, key=lambda form: form.hint)
    ]
