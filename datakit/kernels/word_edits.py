"""Edits of texts by words: replaced, exchanged, left out, put in.

Texts lie one behind the other; their words are the bytes between one of `bounds` and the next, and
text i has the words `first[i]` to `first[i + 1]` (see `Words`). Choices are made by
`draws` from one number a copy.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.draws import below, draw, find_least
from datakit.kernels.simd import Bytes, Offsets, kernel, part
from datakit.kernels.simd import Words as Draws

Numbers: TypeAlias = NDArray[np.int64]

SYNONYM, SWAP_ITEMS, SWAP_WORDS, DELETE_FILLERS, DELETE_WORDS, OPENER, INSERT_WORDS = range(7)
FREE, FILLER, SEPARATOR, ITEM, HAN = 1, 2, 4, 8, 16
_PICK, _WHICH, _OTHER, _OPENER = range(4)


class Words(NamedTuple):
    """The words of texts: `data[bounds[w]:bounds[w + 1]]` is word w. `kinds` has the bits `FREE`
    (may be changed), `FILLER` (says little), `SEPARATOR` (of an enumeration), `ITEM` (may be one
    of an enumeration) and `HAN`; `group` the number of a word's synonyms in a `Lists`, or -1.
    """

    data: Bytes
    bounds: Offsets
    first: Offsets
    kinds: Bytes
    group: Numbers


class Lists(NamedTuple):
    """Lists of texts: list g has the texts `first[g]` to `first[g + 1]`, and text t is
    `data[bounds[t]:bounds[t + 1]]`.
    """

    data: Bytes
    bounds: Offsets
    first: Offsets


class _Plan(NamedTuple):
    """What becomes of each word of a text: which word stands in its place (-1: none), which text
    of the lists stands for it, and which before it (-1: none).
    """

    source: Numbers
    instead: Numbers
    before: Numbers
    eligible: Numbers
    keys: Draws


@kernel
def edit_texts(
    words: Words,
    lists: Lists,
    tasks: tuple[Numbers, Numbers, Numbers, Draws],
    out: tuple[Bytes, Offsets],
) -> None:
    """Write an edited copy of some texts, one behind the other.

    `tasks`: for each copy the text, the edit, how many words to change, and the number that its
    choices come from. `out`: room for the copies, and where each begins (and the last ends). The
    last list holds openings. A text without anything to change is copied as it is.
    """
    texts, edits, counts, draws = tasks
    longest = 0
    for text in texts:
        longest = max(longest, words.first[text + 1] - words.first[text])
    plan = _Plan(
        np.empty(longest, np.int64),
        np.empty(longest, np.int64),
        np.empty(longest, np.int64),
        np.empty(longest, np.int64),
        np.empty(longest, np.uint64),
    )
    to = 0
    for task in range(texts.size):
        start, stop = words.first[texts[task]], words.first[texts[task] + 1]
        for i in range(stop - start):
            plan.source[i], plan.instead[i], plan.before[i] = start + i, -1, -1
        many = _find_places(words, start, stop, edits[task], plan)
        most = counts[task]
        if edits[task] == DELETE_WORDS:
            most = min(most, stop - start - 1)
        if edits[task] == SWAP_WORDS:
            _swap_words(plan, many, most, draws[task])
        elif many:
            many = _pick(plan, many, most, draws[task])
            if many:
                _plan_edit(words, lists, (start, stop, edits[task], many), draws[task], plan)
        to = _write(words, lists, stop - start, plan, out[0], to)
        out[1][task + 1] = to


@part
def _find_places(words: Words, start: int, stop: int, edit: int, plan: _Plan) -> int:
    """List the places, from 0, that an edit can be made at; gives how many there are."""
    many = 0
    if edit == OPENER:
        plan.eligible[0] = 0
        return 1
    for word in range(start, stop):
        kind = words.kinds[word]
        is_free = kind & FREE != 0
        if edit == SYNONYM:
            fits = is_free and words.group[word] >= 0
        elif edit == SWAP_ITEMS:
            fits = _is_enumeration(words, start, stop, word)
        elif edit == DELETE_FILLERS:
            fits = is_free and kind & FILLER != 0
        elif edit == INSERT_WORDS:
            fits = is_free and word > start and words.kinds[word - 1] & FREE != 0
        else:
            fits = is_free
        if fits:
            plan.eligible[many] = word - start
            many += 1
    return many


@part
def _is_enumeration(words: Words, start: int, stop: int, word: int) -> bool:
    kinds = words.kinds
    if not kinds[word] & SEPARATOR or word - 1 < start or word + 1 >= stop:
        return False
    if not (kinds[word - 1] & ITEM and kinds[word + 1] & ITEM):
        return False
    for beyond in (word - 2, word + 2):
        if start <= beyond < stop and kinds[beyond] & HAN and not kinds[beyond] & SEPARATOR:
            return False
    return True


@part
def _pick(plan: _Plan, many: int, most: int, number: np.uint64) -> int:
    """Leave those of the eligible places, at most so many, that have the least draws; in order."""
    if many <= most or most < 1:
        return min(many, most)
    keys = plan.keys[:many]
    for i in range(many):
        keys[i] = draw(number, _PICK, plan.eligible[i])
    limit = find_least(keys, most)
    kept = 0
    for i in range(many):
        if draw(number, _PICK, plan.eligible[i]) <= limit and kept < most:
            plan.eligible[kept] = plan.eligible[i]
            kept += 1
    return kept


@part
def _swap_words(plan: _Plan, many: int, most: int, number: np.uint64) -> None:
    for nth in range(most if many > 1 else 0):
        first = plan.eligible[below(number, _WHICH, nth, many)]
        second = plan.eligible[below(number, _OTHER, nth, many)]
        plan.source[first], plan.source[second] = plan.source[second], plan.source[first]


@part
def _plan_edit(
    words: Words, lists: Lists, task: tuple[int, int, int, int], number: np.uint64, plan: _Plan
) -> None:
    """Enter the edit at the places that were picked."""
    start, stop, edit, many = task
    if edit == OPENER:
        plan.before[0] = _choose_text(lists, lists.first.size - 2, number, _OPENER, 0)
        return
    for i in range(many):
        place = plan.eligible[i]
        if edit == SYNONYM:
            group = words.group[start + place]
            plan.instead[place] = _choose_text(lists, group, number, _WHICH, place)
        elif edit == SWAP_ITEMS:
            source = plan.source
            source[place - 1], source[place + 1] = source[place + 1], source[place - 1]
        elif edit == INSERT_WORDS:
            group = _choose_group(words, start, stop, draw(number, _OTHER, place))
            if group >= 0:
                plan.before[place] = _choose_text(lists, group, number, _WHICH, place)
        else:
            plan.source[place] = -1


@part
def _choose_text(lists: Lists, group: int, number: np.uint64, purpose: int, place: int) -> int:
    first = lists.first[group]
    return int(first) + below(number, purpose, place, lists.first[group + 1] - first)


@part
def _choose_group(words: Words, start: int, stop: int, drawn: np.uint64) -> int:
    """The synonyms of one of the text's words that have any; -1 where none has."""
    many = 0
    for word in range(start, stop):
        many += words.kinds[word] & FREE != 0 and words.group[word] >= 0
    if many == 0:
        return -1
    left = int(drawn % np.uint64(many))
    for word in range(start, stop):
        if words.kinds[word] & FREE != 0 and words.group[word] >= 0:
            if left == 0:
                return int(words.group[word])
            left -= 1
    return -1


@part
def _write(words: Words, lists: Lists, count: int, plan: _Plan, out: Bytes, to: int) -> int:
    for i in range(count):
        if plan.before[i] >= 0:
            to = _copy(lists.data, lists.bounds, plan.before[i], out, to)
        if plan.instead[i] >= 0:
            to = _copy(lists.data, lists.bounds, plan.instead[i], out, to)
        elif plan.source[i] >= 0:
            to = _copy(words.data, words.bounds, plan.source[i], out, to)
    return to


@part
def _copy(data: Bytes, bounds: Offsets, which: int, out: Bytes, to: int) -> int:
    for at in range(bounds[which], bounds[which + 1]):
        out[to] = data[at]
        to += 1
    return to
