"""Exact similarity of documents, by obvious code: what near-duplicate removal is measured against.

A document is the set of its shingles, each a tuple of units. Three yardsticks say what a unit is:

- `script`: words, or characters where characters of scripts without spaces outnumber the words
  of others. What counts are letters, digits and marks, in NFC and lower case, widths folded: the
  definition that `dedup.minhash` documents;
- `characters`: the characters of every text, so normalised;
- `plain`: no normalisation but lower case: words between white space, or all characters of a
  text that is mostly Han. Nobody's own definition here, so nobody's advantage.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

Shingles = frozenset[tuple[str, ...]]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]

UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}"
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
)
NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
BLOCK = 1024


class Replacement(dict[int, str]):
    """A table for `str.translate` that asks `replace` once for each character it meets."""

    def __init__(self, replace: Callable[[str], str]) -> None:
        super().__init__()
        self._replace = replace

    def __missing__(self, code: int) -> str:
        self[code] = self._replace(chr(code))
        return self[code]


@cache
def members_of(pattern: str) -> NDArray[np.bool_]:
    """Whether each code point is of a class; Python's own tables know no scripts."""
    points = [chr(code) if not 0xD800 <= code < 0xE000 else "" for code in range(0x110000)]
    return pl.Series(points).str.contains(f"[{pattern}]").to_numpy()


def is_unspaced(character: str) -> bool:
    return bool(members_of(UNSPACED)[ord(character)])


def is_letter(character: str) -> bool:
    return bool(members_of(r"\p{L}\p{M}\p{N}")[ord(character)])


ONLY_UNSPACED = Replacement(lambda c: c if is_unspaced(c) else "")
ONLY_WORDS = Replacement(lambda c: c if is_letter(c) and not is_unspaced(c) else " ")
ONLY_LETTERS = Replacement(lambda c: c if is_letter(c) else "")
SPACED = Replacement(lambda c: (f" {c} " if is_unspaced(c) else c) if is_letter(c) else " ")


def normalised(text: str) -> str:
    return unicodedata.normalize("NFC", text).translate(NARROW).lower()


def cut(units: Sequence[str], size: int) -> Shingles:
    """Each `size` units in a row; one shingle of all of them where there are fewer."""
    return frozenset(tuple(units[at : at + size]) for at in range(max(1, len(units) - size + 1)))


def by_script(text: str, words: int = 5, characters: int = 5) -> Shingles:
    """The shingles of `dedup.minhash`; none of a text without anything but white space."""
    text = normalised(text)
    unspaced, spaced = len(text.translate(ONLY_UNSPACED)), len(text.translate(ONLY_WORDS).split())
    if unspaced > spaced:
        return cut(tuple(text.translate(ONLY_LETTERS)), characters)
    if unspaced or spaced:
        # A word of one letter is not that character.
        return cut([f"{word} " for word in text.translate(SPACED).split()], words)
    signs = "".join(text.split())
    return cut(tuple(signs), characters) if signs else frozenset()


def by_characters(text: str) -> Shingles:
    letters = normalised(text).translate(ONLY_LETTERS)
    return cut(tuple(letters), 5) if letters else frozenset()


def plainly(text: str) -> Shingles:
    text = text.lower()
    is_han = sum("\u3400" <= c <= "\u9fff" for c in text) * 4 > len(text)
    units = tuple(text) if is_han else tuple(text.split())
    return cut(units, 5) if units else frozenset()


YARDSTICKS = {"script": by_script, "characters": by_characters, "plain": plainly}


def number_shingles(sets: Iterable[Shingles]) -> list[NDArray[np.int64]]:
    """The sets as arrays of numbers; equal shingles get equal numbers."""
    numbers: dict[tuple[str, ...], int] = {}
    return [np.array([numbers.setdefault(s, len(numbers)) for s in one], int) for one in sets]


def similar_pairs(sets: Sequence[NDArray[np.int64]], least: float) -> Pairs:
    """All pairs of sets of Jaccard similarity `least` or more: (first, second, similarity), exact.

    Two sets so similar share one of the first n - ceil(least * n) + 1 members of each, in any
    common order (Chaudhuri et al. 2006); in that of the rarest first few others do.
    """
    sizes = np.array([one.size for one in sets])
    whole = _as_matrix(sets)
    lengths = sizes - np.ceil(least * sizes * (1 - 1e-12)).astype(int) + 1
    place = np.arange(whole.nnz) - np.repeat(whole.indptr[:-1], sizes)
    is_prefix = place < np.repeat(lengths, sizes)
    row = np.repeat(np.arange(len(sets)), sizes)[is_prefix]
    ones = np.ones(row.size, dtype=np.int32)
    prefixes = sparse.csr_matrix((ones, (row, whole.indices[is_prefix])), shape=whole.shape)
    across = prefixes.T.tocsr()
    found: list[Pairs] = []
    for start in range(0, len(sets), BLOCK):
        block = (prefixes[start : start + BLOCK] @ across).tocoo()
        first, second = block.row.astype(np.int64) + start, block.col.astype(np.int64)
        near = np.minimum(sizes[first], sizes[second]) >= least * np.maximum(
            sizes[first], sizes[second]
        ) * (1 - 1e-12)
        chosen = (first < second) & near
        found.append(_measure(whole, sizes, (first[chosen], second[chosen]), least))
    first, second, similarity = (np.concatenate(column) for column in zip(*found, strict=True))
    return first, second, similarity


def _as_matrix(sets: Sequence[NDArray[np.int64]]) -> sparse.csr_matrix:
    """A row for each set, its members' columns in ascending order, those of the rarest first."""
    members = np.concatenate([np.empty(0, dtype=np.int64), *sets])
    seen = np.bincount(members)
    rank = np.empty(seen.size, dtype=np.int64)
    rank[np.argsort(seen, kind="stable")] = np.arange(seen.size)
    columns = [np.sort(rank[one]) for one in sets]
    indices = np.concatenate([np.empty(0, dtype=np.int64), *columns])
    starts = np.cumsum([0, *(one.size for one in sets)])
    ones = np.ones(indices.size, dtype=np.int32)
    return sparse.csr_matrix((ones, indices, starts), shape=(len(sets), max(1, seen.size)))


def _measure(
    whole: sparse.csr_matrix,
    sizes: NDArray[np.int64],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    least: float,
) -> Pairs:
    first, second = pairs
    common = np.zeros(first.size, dtype=np.int64)
    for start in range(0, first.size, BLOCK):
        part = slice(start, start + BLOCK)
        both = whole[first[part]].multiply(whole[second[part]])
        common[part] = np.asarray(both.sum(axis=1)).ravel()
    similarity = common / (sizes[first] + sizes[second] - common)
    enough = similarity >= least
    return first[enough], second[enough], similarity[enough]
