"""Which items of benchmarks a text holds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.kernels.ngrams import find_grams, list_units
from datakit.records import Table, utf8_buffers
from datakit.stages.filter.benchmark_items import Item
from datakit.stages.filter.passages import UNSPACED, PassageIndex, index_passages, measure
from datakit.stages.filter.recipes import Recipe

WINDOW_BYTES = 400
"""So far behind a short question, and as far again as its options are long, one must stand."""

SHOWN_CHARS = 200

HIT_SCHEMA = {
    "row": pl.Int64,
    "benchmark": pl.String,
    "item": pl.String,
    "part": pl.String,
    "coverage": pl.Float64,
    "begin": pl.Int64,
    "end": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class BenchmarkIndex:
    """All items of all benchmarks, ready to be looked for; `counts` says how many items each
    benchmark has, `searchable` how many of them have a passage to look for.
    """

    items: list[Item]
    parts: list[PassageIndex]
    counts: Counter[str]
    searchable: Counter[str]

    def find(self, texts: pl.Series) -> Table:
        """The items each text holds (`HIT_SCHEMA`), the best covered first; `begin` and `end` are
        the bytes, in the text, between which its grams stand.
        """
        hits = [hit for index in self.parts for hit in _find(index, self.items, texts)]
        table = pl.DataFrame(hits, schema=HIT_SCHEMA, orient="row")
        best = table.sort(
            "row", "coverage", descending=[False, True], maintain_order=True, nulls_last=True
        )
        return best.unique(["row", "benchmark", "item"], keep="first", maintain_order=True)


def best_hits(found: Table, texts: pl.Series) -> Table:
    """Of each row with hits the best covered item, its matched text, and all items found."""
    name = pl.concat_str("benchmark", pl.lit("/"), "item")
    hits = found.group_by("row", maintain_order=True).agg(
        pl.exclude("begin", "end").first(),
        name.alias("items"),
        pl.col("begin", "end").first(),
    )
    cut = [
        texts[row].encode()[begin:end].decode(errors="ignore")[:SHOWN_CHARS]
        for row, begin, end in hits.select("row", "begin", "end").iter_rows()
    ]
    return hits.drop("begin", "end").with_columns(pl.Series("matched", cut, dtype=pl.String))


def build_index(items: Sequence[Item], recipe: Recipe) -> BenchmarkIndex:
    """Index items by a recipe; with rules for both units, each by its script."""
    texts = pl.Series(["\n".join([i.question, *i.options]) for i in items], dtype=pl.String)
    is_by_chars = [recipe.words is None] * len(items)
    if recipe.words is not None and recipe.chars is not None:
        chars = texts.str.count_matches(f"[{UNSPACED}]")
        words = texts.str.count_matches(rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{UNSPACED}]]+")
        is_by_chars = (chars > words).to_list()
    parts, ordered, searchable = [], list[Item](), Counter[str]()
    for by_chars, rule in ((False, recipe.words), (True, recipe.chars)):
        chosen = [item for item, by in zip(items, is_by_chars, strict=True) if by == by_chars]
        index = index_passages(chosen, rule, by_chars=by_chars) if rule and chosen else None
        if index is None:
            continue
        found = {index.passages[p].item for p in np.unique(index.postings[:, 0])}
        searchable.update(chosen[number].benchmark for number in found)
        parts.append(_renumber(index, len(ordered)))
        ordered += chosen
    return BenchmarkIndex(ordered, parts, Counter(item.benchmark for item in items), searchable)


def _renumber(index: PassageIndex, start: int) -> PassageIndex:
    index.passages[:] = [p._replace(item=p.item + start) for p in index.passages]
    return index


Hit = tuple[int, str, str, str, float, int, int]


def _find(index: PassageIndex, items: Sequence[Item], texts: pl.Series) -> Iterator[Hit]:
    """The passages that texts hold, in the order of the texts."""
    rows = pl.Series(range(len(texts)), dtype=pl.UInt32)
    if index.is_unspaced:
        # Texts in spaced scripts are done with here: their characters are many.
        rows = rows.filter(texts.str.contains(f"[{UNSPACED}]"))
    chosen = texts.gather(rows)
    data, offsets = utf8_buffers(chosen)
    hits = find_grams(data, offsets, index.table, by_chars=index.by_chars)
    if not len(hits):
        return
    found = _cover(index, hits)
    for text, passage_number, coverage, begin, end in found:
        passage = index.passages[passage_number]
        item = items[passage.item]
        first, last = int(offsets[text]), int(offsets[text + 1])
        if passage.whole and not _has_option(
            data[end : min(last, end + _window(item))], item, by_chars=index.by_chars
        ):
            continue
        place = (begin - first, end - first)
        yield (int(rows[text]), item.benchmark, item.place, passage.part, coverage, *place)


def _cover(index: PassageIndex, hits: NDArray[np.int64]) -> list[tuple[int, int, float, int, int]]:
    """What is found enough: (text, passage, share of it, first byte, end)."""
    first = index.first
    counts = first[hits[:, 1] + 1] - first[hits[:, 1]]
    hit = np.repeat(np.arange(len(hits)), counts)
    within = np.arange(hit.size) - np.repeat(np.cumsum(counts) - counts, counts)
    places = index.postings[first[hits[hit, 1]] + within]
    pair = hits[hit, 0] * len(index.passages) + places[:, 0]
    pairs, group = np.unique(pair, return_inverse=True)
    begins = np.full(pairs.size, np.iinfo(np.int64).max)
    ends = np.zeros(pairs.size, dtype=np.int64)
    np.minimum.at(begins, group, hits[hit, 2])
    np.maximum.at(ends, group, hits[hit, 3])
    distinct = np.unique(np.column_stack([group, places[:, 1:]]), axis=0)
    gained = measure(distinct, index.rule.measure, pairs.size)
    passage = pairs % len(index.passages)
    share = gained / index.worth[passage]
    enough = np.flatnonzero(share >= index.needed[passage])
    return [
        (
            int(pairs[n] // len(index.passages)),
            int(passage[n]),
            float(share[n]),
            int(begins[n]),
            int(ends[n]),
        )
        for n in enough
    ]


def _window(item: Item) -> int:
    return WINDOW_BYTES + 2 * len("".join(item.options or (item.answer,)).encode())


def _has_option(data: NDArray[np.uint8], item: Item, *, by_chars: bool) -> bool:
    """Whether one of an item's options (else its answer) stands in a piece of text."""
    options = pl.Series(item.options or (item.answer,), dtype=pl.String)
    text, _ = list_units(data, np.array([0, data.size]), by_chars=by_chars)
    units, ends = list_units(*utf8_buffers(options), by_chars=by_chars)
    sought = [units[a:b] for a, b in pairwise(ends) if b > a]
    return any(_holds(text, option) for option in sought)


def _holds(units: NDArray[np.uint64], part: NDArray[np.uint64]) -> bool:
    starts = np.flatnonzero(units == part[0])
    return any(np.array_equal(units[at : at + part.size], part) for at in starts)
