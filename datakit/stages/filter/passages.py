"""The passages of benchmark items that are looked for, as n-grams with what each is worth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.kernels.ngrams import hash_grams, list_units, make_gram_table
from datakit.records import utf8_buffers
from datakit.stages.filter.benchmark_items import Item
from datakit.stages.filter.recipes import Rule

if TYPE_CHECKING:
    from datakit.kernels.ngram_scan import GramTable

Ints = NDArray[np.int64]

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
"""Scripts that put no space between words, for a character class."""

LEAST_UNITS = 4
"""A passage with fewer units than this is in too many texts to be looked for."""


class Passage(NamedTuple):
    """A text to look for. One that is `whole` must be found to the last unit, and one of the
    options (else the answer) behind it.
    """

    item: int
    part: str
    text: str
    whole: bool


@dataclass(frozen=True, slots=True)
class PassageIndex:
    """All grams of all passages. `worth[p]`: grams or units that count for passage p, of which
    `needed[p]` (a share) must be found. Postings of gram g are `postings[first[g]:first[g + 1]]`:
    rows of (passage, place in it, length in units). `is_unspaced`: every passage has characters of
    scripts without spaces.
    """

    rule: Rule
    by_chars: bool
    passages: list[Passage]
    table: "GramTable"
    first: Ints
    postings: Ints
    worth: Ints
    needed: NDArray[np.float64]
    is_unspaced: bool


def index_passages(items: Sequence[Item], rule: Rule, *, by_chars: bool) -> PassageIndex | None:
    """The index of all items under a rule; None where none can be looked for."""
    passages = list(_passages(items, rule, by_chars=by_chars))
    hashes, places = _grams(passages, rule.ngram_size, by_chars=by_chars)
    owner = places[:, 0]
    items_of = np.array([p.item for p in passages], dtype=np.int64)
    is_common = _find_common(hashes, items_of[owner], rule.max_items)
    has_own = np.zeros(len(passages), dtype=np.bool_)
    has_own[owner[~is_common]] = True
    # What only common grams tell apart is looked for as a whole.
    passages = [
        p._replace(whole=p.whole or not own) for p, own in zip(passages, has_own, strict=True)
    ]
    is_searchable = np.array([_is_searchable(items[p.item], p) for p in passages], dtype=np.bool_)
    is_used = (~is_common | ~has_own[owner]) & is_searchable[owner]
    if not is_used.any():
        return None
    hashes, number = np.unique(hashes[is_used], return_inverse=True)
    places, order = places[is_used], np.argsort(number, kind="stable")
    texts = pl.Series([passage.text for passage in passages], dtype=pl.String)
    return PassageIndex(
        rule=rule,
        by_chars=by_chars,
        passages=passages,
        table=make_gram_table(hashes, np.unique(places[:, 2])),
        first=np.searchsorted(number[order], np.arange(hashes.size + 1)).astype(np.int64),
        postings=places[order],
        worth=measure(places, rule.measure, len(passages)),
        needed=np.array([1.0 if p.whole else rule.min_coverage for p in passages]),
        is_unspaced=by_chars and bool(texts.str.contains(f"[{UNSPACED}]").all()),
    )


def _grams(
    passages: Sequence[Passage], ngram_size: int, *, by_chars: bool
) -> tuple[NDArray[np.uint64], Ints]:
    """Every gram of every passage: its hash, and (passage, place in it, length in units)."""
    units, ends = _units([passage.text for passage in passages], by_chars=by_chars)
    sizes = np.minimum(ngram_size, np.diff(ends))
    counts = np.diff(ends) - sizes + 1
    owner = np.repeat(np.arange(len(passages)), counts)
    place = np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
    hashes = hash_grams(units, ends[:-1][owner] + place, sizes[owner])
    return hashes, np.column_stack([owner, place, sizes[owner]])


def measure(places: Ints, by: str, passages: int) -> Ints:
    """How much of each passage some of its grams are: their number, or the units they cover.

    `places` are distinct rows of (passage, place, length), sorted by passage and place.
    """
    gains = np.ones(len(places), dtype=np.int64)
    if by == "units" and len(places):
        gains = places[:, 2].copy()
        same = places[1:, 0] == places[:-1, 0]
        step = np.where(same, places[1:, 1] - places[:-1, 1], gains[:-1])
        gains[:-1] = np.minimum(gains[:-1], step)
    return np.bincount(places[:, 0], weights=gains, minlength=passages).astype(np.int64)


def _passages(items: Sequence[Item], rule: Rule, *, by_chars: bool) -> Iterator[Passage]:
    """The passages of all items: the parts that are long enough, and short questions whole."""
    parts = ("question", *(part for part in rule.parts if part != "question"))
    drafts = [(n, part, _join(item, part)) for n, item in enumerate(items) for part in parts]
    counts = np.diff(_units([text for _, _, text in drafts], by_chars=by_chars)[1])
    seen: set[tuple[int, str]] = set()
    for (item, part, text), count in zip(drafts, counts, strict=True):
        is_short = part == "question" and LEAST_UNITS <= count < rule.ngram_size
        is_long = part in rule.parts and count >= rule.ngram_size
        if (is_short or is_long) and (item, text) not in seen:
            seen.add((item, text))
            yield Passage(item, part, text, whole=is_short)


def _join(item: Item, parts: str) -> str:
    texts = {"question": item.question, "options": "\n".join(item.options), "answer": item.answer}
    return "\n".join(text for part in parts.split("+") if (text := texts[part]))


def _is_searchable(item: Item, passage: Passage) -> bool:
    return not passage.whole or bool(item.options or item.answer)


def _units(texts: Sequence[str], *, by_chars: bool) -> tuple[NDArray[np.uint64], Ints]:
    return list_units(*utf8_buffers(pl.Series(texts, dtype=pl.String)), by_chars=by_chars)


def _find_common(hashes: NDArray[np.uint64], items: Ints, most: int) -> NDArray[np.bool_]:
    """Which grams more than `most` items have; one entry a gram."""
    if not most:
        return np.zeros(hashes.size, dtype=np.bool_)
    distinct, number = np.unique(hashes, return_inverse=True)
    pairs = np.unique(np.column_stack([number, items]), axis=0)
    common: NDArray[np.bool_] = np.bincount(pairs[:, 0], minlength=distinct.size) > most
    return common[number]
