"""Which records stay: each in keeper order against those that share a bucket and stay already.

A record goes if its exact Jaccard similarity to a stayer of one of its buckets is at least the
threshold; else it stays. No other record has a say in it, so nothing goes by way of a third, and
the result depends on the order alone.

Two ways to the stayers of a bucket, one answer: a short list is gone through; a long one (a
template with a thousand bodies) would make that quadratic, so its stayers are found by their rare
members (`rare_index`). Candidates whose sizes alone rule them out are passed over, and a
comparison ends as soon as it cannot reach the best found: both lose nothing.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.jaccard import (
    BELOW,
    Hashes,
    Marks,
    Places,
    count_common,
    enter_set,
    least_common,
    shift_of,
)
from datakit.kernels.rare_index import (
    Index,
    chain_of,
    class_of,
    count_members,
    file_set,
    make_index,
    prefix_of,
    take_rarest,
)
from datakit.kernels.simd import kernel, part

Flags: TypeAlias = NDArray[np.bool_]

_COUNTERS = 1 << 20


class Sets(NamedTuple):
    """Record i, in keeper order, has the hashes `shingles[starts[i]:ends[i]]` and the buckets
    `buckets[bounds[i]:bounds[i + 1]]`, sorted, numbered from 0; `longest` is its most hashes.
    """

    shingles: Hashes
    starts: Places
    ends: Places
    buckets: Marks
    bounds: Places
    longest: int


class Lists(NamedTuple):
    """The stayers of short buckets: `found[at[b]:at[b] + filled[b]]` are those of bucket b."""

    found: Marks
    at: Places
    filled: Marks


class Scratch(NamedTuple):
    """The table of the set at hand, and its rarest members in order; `met[i]` is the last record
    that was compared with i.
    """

    slots: Hashes
    marks: Marks
    met: Marks
    heap: NDArray[np.uint64]
    rarest: NDArray[np.uint64]


class Search(NamedTuple):
    """A record's search: itself, its table's shift, its distinct members, the threshold."""

    record: int
    shift: np.uint32
    size: int
    threshold: float


@part
def compare(
    sets: Sets, scratch: Scratch, search: Search, other: int, best: tuple[int, float]
) -> tuple[int, float]:
    """The better of the best stayer so far (-1: none, with the threshold) and another."""
    if scratch.met[other] == search.record:
        return best
    scratch.met[other] = search.record
    members = sets.shingles[sets.starts[other] : sets.ends[other]]
    needed = least_common(best[1], search.size, members.size)
    if needed > min(search.size, members.size):
        return best
    entered = (search.record, search.shift)
    common = count_common(members, needed, entered, scratch.slots, scratch.marks)
    if common < needed:
        return best
    measured = common / (search.size + members.size - common)
    if measured > best[1] or (measured == best[1] and (best[0] < 0 or other < best[0])):
        return other, measured
    return best


@part
def search_lists(
    sets: Sets, scratch: Scratch, search: Search, lists: Lists, best: tuple[int, float]
) -> tuple[int, float]:
    """The best stayer of the record's short buckets."""
    for i in range(sets.bounds[search.record], sets.bounds[search.record + 1]):
        first = lists.at[sets.buckets[i]]
        for k in range(first, first + lists.filled[sets.buckets[i]]):
            best = compare(sets, scratch, search, lists.found[k], best)
    return best


@part
def search_rare(
    sets: Sets, scratch: Scratch, search: Search, index: Index, best: tuple[int, float]
) -> tuple[int, float]:
    """The best stayer found by rare members that shares a bucket."""
    threshold, size = search.threshold, search.size
    lowest = class_of(max(1, int(np.ceil(threshold * size * BELOW))))
    for size_class in range(lowest, class_of(int(size / threshold / BELOW) + 1) + 1):
        least = index.least[size_class]
        for i in range(prefix_of(threshold, size, least) if least else 0):
            node = index.heads[chain_of(size_class, scratch.rarest[i], index.heads)]
            while node >= 0:
                other = index.owners[node]
                if scratch.met[other] != search.record and share_bucket(sets, search.record, other):
                    best = compare(sets, scratch, search, other, best)
                node = index.following[node]
    return best


@part
def share_bucket(sets: Sets, one: int, two: int) -> bool:
    """Whether two records have a bucket in common."""
    i, j = sets.bounds[one], sets.bounds[two]
    while i < sets.bounds[one + 1] and j < sets.bounds[two + 1]:
        if sets.buckets[i] == sets.buckets[j]:
            return True
        if sets.buckets[i] < sets.buckets[j]:
            i += 1
        else:
            j += 1
    return False


@part
def add_to_lists(sets: Sets, record: int, sizes: Marks, most: int, lists: Lists) -> None:
    """A record stays: enter it in the lists of its short buckets."""
    for i in range(sets.bounds[record], sets.bounds[record + 1]):
        bucket = sets.buckets[i]
        if sizes[bucket] <= most:
            lists.found[lists.at[bucket] + lists.filled[bucket]] = record
            lists.filled[bucket] += 1


def settle_records(
    sets: Sets, fixed: Flags, threshold: float, most_listed: int
) -> tuple[Marks, NDArray[np.float64]]:
    """The stayer that each record is most similar to (-1 where it stays), and how similar.

    Repeated hashes are taken out in place, `sets.ends` follows. A `fixed` record stays, whatever
    it is like. Buckets with more than `most_listed` records are searched by rare members. Of
    equally similar stayers the first in keeper order is taken.
    """
    sizes = np.bincount(sets.buckets, minlength=1).astype(np.int32)
    rooms = np.where(sizes <= most_listed, sizes, 0)
    room = int(rooms.sum())
    lists = Lists(
        np.empty(room, np.int32), np.cumsum(rooms) - rooms, np.zeros(sizes.size, np.int32)
    )
    in_long = np.zeros(sets.buckets.size + 1, dtype=np.int64)
    np.cumsum(sizes[sets.buckets] > most_listed, out=in_long[1:])
    is_long = in_long[sets.bounds[1:]] > in_long[sets.bounds[:-1]]
    index = make_index(int((sets.ends - sets.starts + 1)[is_long].sum()))
    seen = np.zeros(_COUNTERS if is_long.any() else 1, dtype=np.uint32)
    count_members(sets.shingles, sets.starts, sets.ends, is_long, seen)
    # At least twice the most hashes of a set, and never less than `shift_of` asks for.
    slots = np.empty(max(16, 1 << (2 * sets.longest - 1).bit_length()), dtype=np.uint32)
    marks, met = np.full(slots.size, -1, np.int32), np.full(fixed.size, -1, np.int32)
    heap, rarest = np.empty((2, sets.longest if is_long.any() else 1), dtype=np.uint64)
    scratch = Scratch(slots, marks, met, heap, rarest)
    partners, similarities = np.empty(fixed.size, np.int32), np.empty(fixed.size, np.float64)
    settle_each(
        sets,
        (fixed, is_long),
        (threshold, most_listed),
        (sizes, lists),
        (index, seen),
        scratch,
        (partners, similarities),
    )
    return partners, similarities


@kernel
def settle_each(
    sets: Sets,
    flags: tuple[Flags, Flags],
    limits: tuple[float, int],
    short: tuple[Marks, Lists],
    long: tuple[Index, Hashes],
    scratch: Scratch,
    found: tuple[Marks, NDArray[np.float64]],
) -> None:
    """`settle_records`, with all arrays made: `flags` are `fixed` and `is_long`, `limits` the
    threshold and `most_listed`; `short` the buckets' sizes and lists, `long` the index and the
    counts of hashes; `found` the two results.
    """
    fixed, is_long = flags
    threshold, most_listed = limits
    sizes, lists = short
    index, seen = long
    partners, similarities = found
    used = 0
    for record in range(fixed.size):
        own = sets.shingles[sets.starts[record] : sets.ends[record]]
        shift = shift_of(own.size)
        size = enter_set(own, record, shift, scratch.slots, scratch.marks)
        sets.ends[record] = sets.starts[record] + size
        # Whatever comes, it shares at least the part `threshold` of this set.
        wanted = prefix_of(threshold, size, 0) if is_long[record] else 0
        if wanted:
            take_rarest(own[:size], seen, wanted, scratch.heap, scratch.rarest)
        best = (-1, threshold)
        if not fixed[record]:
            search = Search(record, shift, size, threshold)
            best = search_lists(sets, scratch, search, lists, best)
            if is_long[record]:
                best = search_rare(sets, scratch, search, index, best)
        partners[record], similarities[record] = best if best[0] >= 0 else (-1, 0.0)
        if best[0] < 0:
            add_to_lists(sets, record, sizes, most_listed, lists)
            if is_long[record]:
                used = file_set(record, (scratch.rarest, wanted), size, index, used)
