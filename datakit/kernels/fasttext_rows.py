"""The compiled first half of `fasttext`: a text's words and n-grams, and the mean of their rows.

Tokens, hashes and the order of things are those of fastText's `src/dictionary.cc`. A word's rows
are added up first, then the words', so that the sum of a word that occurs again can be kept: the
result is the same to the last bit whether it was.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.fasttext_tables import (
    FNV_START,
    Rows,
    Sums,
    add_rows,
    find_word,
    is_same,
    put_bucket,
    step,
)
from datakit.kernels.simd import Bytes, Offsets, kernel, part

if TYPE_CHECKING:
    from datakit.kernels.fasttext import Tables

WORD_PRIME = np.uint64(116049371)
OPEN, CLOSE = np.uint8(ord("<")), np.uint8(ord(">"))
# Hash of the `</s>` that fastText reads for a line end.
# Rows that are collected before they are added up.
CHUNK = 4096
END_HASH = np.int32(-677604519)
# Sums of words that were met, kept for when they come again: what fits the second-level cache.
MEMO_FLOATS = 1 << 16
MEMO_LONGEST = 40

Memo = tuple[Offsets, NDArray[np.int32], Sums]


@part
def add_subwords(
    tables: "Tables", word: Bytes, size: int, places: Rows, count: int, total: Sums, start: int
) -> int:
    """Add the `count` rows at `places` and those of the character n-grams of `word[:size]`, which
    has `<` and `>` around it, to `total[start:]`; how many rows that were.
    """
    buckets, done = np.uint64(tables.buckets), 0
    shift = np.uint64(0)
    while buckets >> (shift + np.uint64(1)):
        shift += np.uint64(1)
    factor = (np.uint64(1) << (np.uint64(32) + shift)) // buckets + np.uint64(1)
    i = 0
    while i < size:
        hashed, j, chars = FNV_START, i, 0
        next_char = size
        while j < size and chars < tables.most_chars:
            hashed = step(hashed, word[j])
            j += 1
            while j < size and (word[j] & 0xC0) == 0x80:
                hashed = step(hashed, word[j])
                j += 1
            chars += 1
            if chars == 1:
                next_char = j
            if chars >= tables.least_chars and not (chars == 1 and (i == 0 or j == size)):
                # hashed % buckets, by a multiplication: the quotient is right or one too large.
                quotient = (np.uint64(hashed) * factor) >> (np.uint64(32) + shift)
                rest = np.int64(np.uint64(hashed)) - np.int64(quotient * buckets)
                rest += np.int64(buckets) if rest < 0 else 0
                count = put_bucket(tables, rest, places, count)
        i = next_char
        if count > places.size - tables.most_chars - 1:
            add_rows(total, start, tables, places, count)
            done += count
            count = 0
    add_rows(total, start, tables, places, count)
    return done + count


@part
def is_space(byte: np.uint8) -> bool:
    """What parts words: ASCII white space and NUL."""
    return byte == 32 or byte == 0 or 9 <= byte <= 13


@part
def is_label(data: Bytes, at: int, stop: int) -> bool:
    """Whether a token starts with `__label__`."""
    if stop - at < 9 or data[at] != 95 or data[at + 1] != 95:
        return False
    return (
        data[at + 2] == 108
        and data[at + 3] == 97
        and data[at + 4] == 98
        and data[at + 5] == 101
        and data[at + 6] == 108
        and data[at + 7] == 95
        and data[at + 8] == 95
    )


@part
def add_word(
    tables: "Tables",
    data: Bytes,
    at: int,
    stop: int,
    number: int,
    scratch: tuple[Bytes, Rows],
    total: Sums,
    start: int,
) -> int:
    """Add the rows of the word `data[at:stop]`, which is the model's word `number` or, below 0,
    none of them, to `total[start:]`; how many rows that were.
    """
    word, places = scratch
    count = 0
    if number >= 0:
        places[0] = number
        count = 1
    if tables.most_chars <= 0:
        add_rows(total, start, tables, places, count)
        return count
    size = stop - at
    word[0] = OPEN
    for k in range(size):
        word[1 + k] = data[at + k]
    word[1 + size] = CLOSE
    return add_subwords(tables, word, size + 2, places, count, total, start)


@part
def add_known(
    tables: "Tables",
    data: Bytes,
    at: int,
    stop: int,
    hashed: np.uint32,
    scratch: tuple[Bytes, Rows],
    memo: Memo,
    total: Sums,
    start: int,
) -> int:
    """As `add_word`, by the memo: places of words, their sizes and numbers of rows, sums."""
    begins, sizes, sums = memo
    slot = np.int64(hashed ^ (hashed >> np.uint32(15))) & (begins.size - 1)
    first = slot * tables.dim
    if sizes[2 * slot] != stop - at or not is_same(data, begins[slot], data, at, stop - at):
        for k in range(tables.dim):
            sums[first + k] = 0
        number = find_word(tables, data, at, stop, hashed)
        count = 0
        if number < tables.n_words:
            count = add_word(tables, data, at, stop, number, scratch, sums, first)
        begins[slot], sizes[2 * slot], sizes[2 * slot + 1] = at, stop - at, count
    for k in range(tables.dim):
        total[start + k] += sums[first + k]
    return np.int64(sizes[2 * slot + 1])


@part
def add_word_ngrams(
    tables: "Tables", hashes: NDArray[np.int32], size: int, places: Rows, total: Sums, start: int
) -> int:
    """Add the rows of all runs of 2 to `word_ngrams` words; how many rows that were."""
    done, count = 0, 0
    for i in range(size):
        hashed = np.uint64(np.int64(hashes[i]))
        for j in range(i + 1, min(size, i + tables.word_ngrams)):
            hashed = hashed * WORD_PRIME + np.uint64(np.int64(hashes[j]))
            # fastText keeps the bucket as an int; buckets are below 2**31.
            bucket = np.int64(hashed % np.uint64(tables.buckets))
            count = put_bucket(tables, bucket, places, count)
        if count > places.size - tables.word_ngrams - 1:
            add_rows(total, start, tables, places, count)
            done += count
            count = 0
    add_rows(total, start, tables, places, count)
    return done + count


@part
def add_text(
    tables: "Tables",
    data: Bytes,
    at: int,
    stop: int,
    scratch: tuple[Bytes, Rows],
    memo: Memo,
    hashes: NDArray[np.int32],
    total: Sums,
    start: int,
) -> int:
    """Add the rows of a text and of the line end behind it to `total[start:]`; how many rows."""
    count, words = 0, 0
    while True:
        while at < stop and is_space(data[at]):
            at += 1
        if at >= stop:
            break
        first, hashed = at, FNV_START
        while at < stop and not is_space(data[at]):
            hashed = step(hashed, data[at])
            at += 1
        if at - first == 4 and data[first] == 60 and data[first + 1] == 47:  # "</s>" ends a line
            if data[first + 2] == 115 and data[first + 3] == 62:
                break
        if is_label(data, first, at):
            continue
        if hashes.size:
            hashes[words] = np.int32(hashed)
            words += 1
        if at - first <= MEMO_LONGEST:
            count += add_known(tables, data, first, at, hashed, scratch, memo, total, start)
        else:
            number = find_word(tables, data, first, at, hashed)
            count += add_word(tables, data, first, at, number, scratch, total, start)
    if tables.end_row >= 0:
        scratch[1][0] = tables.end_row
        add_rows(total, start, tables, scratch[1], 1)
        count += 1
    if hashes.size:
        hashes[words] = END_HASH
        count += add_word_ngrams(tables, hashes, words + 1, scratch[1], total, start)
    return count


@kernel
def average_rows(
    tables: "Tables", data: Bytes, offsets: Offsets, hidden: Sums, found: Offsets
) -> None:
    """Mean of the rows of each text, into the zeros of `hidden` (texts x dim, flat); how many rows
    that were, into `found`.
    """
    longest = 0
    for text in range(found.size):
        longest = max(longest, offsets[text + 1] - offsets[text])
    scratch = (np.empty(longest + 2, np.uint8), np.empty(CHUNK, np.int64))
    hashes = np.empty(longest + 1 if tables.word_ngrams > 1 else 0, np.int32)
    slots = 16
    while 2 * slots * tables.dim <= MEMO_FLOATS:
        slots *= 2
    memo = (np.zeros(slots, np.int64), np.zeros(2 * slots, np.int32), np.zeros(slots * tables.dim, np.float32))
    for text in range(found.size):
        start = text * tables.dim
        count = add_text(tables, data, offsets[text], offsets[text + 1], scratch, memo, hashes, hidden, start)
        for k in range(start, start + tables.dim):
            hidden[k] /= np.float32(max(count, 1))
        found[text] = count
