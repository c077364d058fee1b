"""The compiled first half of `fasttext`: a text's words and n-grams, and the mean of their rows.

Tokens, hashes and the order of things are those of fastText's `src/dictionary.cc`. A word's rows
are added up first, then the words', so that the sum of a word that occurs again can be kept: the
result is the same to the last bit whether it was.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.fasttext_tables import (
    FNV_START,
    add_rows,
    add_vector,
    find_word,
    is_same,
    put_bucket,
    step,
)
from datakit.kernels.memory import (
    Long,
    load_byte,
    load_float,
    load_int,
    load_long,
    load_ulong,
    store_byte,
    store_float,
    store_int,
    store_long,
)
from datakit.kernels.simd import kernel, part

if TYPE_CHECKING:
    from datakit.kernels.fasttext_layout import Tables

WORD_PRIME = np.uint64(116049371)
OPEN, CLOSE = ord("<"), ord(">")
END_OF_LINE = int.from_bytes(b"</s>", "little")
# Hash of the `</s>` that fastText reads for a line end.
END_HASH = np.int32(-677604519)
LABEL_START = np.uint64(int.from_bytes(b"__label_", "little"))
# Rows that are collected before they are added up; at least twice what one character can add.
CHUNK = 4096
# Sums of words that were met, kept for when they come again.
MEMO_FLOATS = 1 << 16
MEMO_LONGEST = 40


class Work(NamedTuple):
    """Addresses of memory to work in; see `make_work`."""

    word: int
    places: int
    hashes: int
    begins: int
    sizes: int
    sums: int
    slot_mask: int


def make_work(tables: "Tables", longest: int) -> tuple[Work, list[NDArray[np.uint8]]]:
    """Room for texts of up to `longest` bytes: a word in its brackets, rows, hashes of words; and
    for the memo: where a word lies, its size and number of rows, its sum. The arrays hold it.
    """
    slots = 16
    while 2 * slots * tables.dim <= MEMO_FLOATS:
        slots *= 2
    hashes = longest + 2 if tables.word_ngrams > 1 else 0
    sizes = [longest + 2, 8 * CHUNK, 4 * hashes, 8 * slots, 8 * slots, 4 * slots * tables.dim]
    arrays = [np.zeros(size, np.uint8) for size in sizes]
    addresses = [array.ctypes.data for array in arrays]
    return Work._make([*addresses, slots - 1]), arrays


@part
def add_subwords(tables: "Tables", work: Work, size: Long, count: Long, total: Long) -> Long:
    """Add the `count` rows that were put already, and those of the character n-grams of the word in
    `work`, `size` bytes in its brackets, to `total`; how many rows that were.
    """
    done, i = 0, 0
    while i < size:
        hashed, j, chars, next_char = FNV_START, i, 0, size
        while j < size and chars < tables.most_chars:
            hashed = step(hashed, load_byte(work.word, j))
            j += 1
            while j < size and (load_byte(work.word, j) & 0xC0) == 0x80:
                hashed = step(hashed, load_byte(work.word, j))
                j += 1
            chars += 1
            if chars == 1:
                next_char = j
            if chars >= tables.least_chars and not (chars == 1 and (i == 0 or j == size)):
                # hashed % buckets, by a multiplication: the quotient is right or one too large.
                quotient = (np.uint64(hashed) * np.uint64(tables.factor)) >> np.uint64(tables.shift)
                rest = np.int64(hashed) - np.int64(quotient) * tables.buckets
                rest += tables.buckets if rest < 0 else 0
                count = put_bucket(tables, rest, work.places, count)
        i = next_char
        if count > CHUNK - tables.most_chars - 1:
            add_rows(tables, work.places, count, total)
            done += count
            count = 0
    add_rows(tables, work.places, count, total)
    return done + count


@part
def add_word(
    tables: "Tables", work: Work, word: Long, size: Long, hashed: np.uint32, total: Long
) -> Long:
    """Add the rows of the word of `size` bytes at `word` to `total`; how many rows that were."""
    number = find_word(tables, word, size, hashed)
    if number >= tables.n_words:
        return 0
    count = 0
    if number >= 0:
        store_long(work.places, 0, number * tables.row_bytes)
        count = 1
    if tables.most_chars <= 0:
        add_rows(tables, work.places, count, total)
        return count
    store_byte(work.word, 0, OPEN)
    for k in range(size):
        store_byte(work.word, 1 + k, load_byte(word, k))
    store_byte(work.word, 1 + size, CLOSE)
    return add_subwords(tables, work, size + 2, count, total)


@part
def add_known_word(
    tables: "Tables", work: Work, word: Long, size: Long, hashed: np.uint32, total: Long
) -> Long:
    """As `add_word`; a short word is looked up in the memo, and kept there."""
    slot = np.int64(hashed ^ (hashed >> np.uint32(15))) & work.slot_mask
    kept = work.sums + 4 * slot * tables.dim
    is_short = size <= MEMO_LONGEST
    if (
        is_short
        and load_int(work.sizes, 2 * slot) == size
        and is_same(load_long(work.begins, slot), word, size)
    ):
        add_vector(total, kept, tables.dim)
        return np.int64(load_int(work.sizes, 2 * slot + 1))
    for k in range(tables.dim if is_short else 0):
        store_float(kept, k, 0.0)
    count = add_word(tables, work, word, size, hashed, kept if is_short else total)
    if not is_short:
        return count
    store_int(work.sizes, 2 * slot, size)
    store_int(work.sizes, 2 * slot + 1, count)
    store_long(work.begins, slot, word)
    add_vector(total, kept, tables.dim)
    return count


@part
def add_word_ngrams(tables: "Tables", work: Work, size: Long, total: Long) -> Long:
    """Add the rows of all runs of 2 to `word_ngrams` words; how many rows that were."""
    done, count = 0, 0
    for i in range(size):
        hashed = np.uint64(np.int64(load_int(work.hashes, i)))
        for j in range(i + 1, min(size, i + tables.word_ngrams)):
            hashed = hashed * WORD_PRIME + np.uint64(np.int64(load_int(work.hashes, j)))
            bucket = np.int64(hashed % np.uint64(tables.buckets))
            count = put_bucket(tables, bucket, work.places, count)
        if count > CHUNK - tables.word_ngrams - 1:
            add_rows(tables, work.places, count, total)
            done += count
            count = 0
    add_rows(tables, work.places, count, total)
    return done + count


@part
def is_space(byte: np.uint8) -> Any:
    """What parts words: ASCII white space and NUL."""
    return byte <= 32 and (byte == 32 or byte == 0 or 9 <= byte <= 13)  # noqa: PLR1714


@part
def is_label(word: Long, size: Long) -> Any:
    """Whether a token starts with `__label__`."""
    return size >= 9 and load_ulong(word, 0) == LABEL_START and load_byte(word, 8) == 95


@part
def skip_spaces(at: Long, stop: Long) -> Long:
    """The address of the next word, or `stop`."""
    while at < stop and is_space(load_byte(at, 0)):
        at += 1
    return at


@part
def add_text(tables: "Tables", work: Work, at: Long, stop: Long, total: Long) -> Long:
    """Add the rows of the text between two addresses, and of the line end behind it, to `total`;
    how many rows that were.
    """
    count, words = 0, 0
    while True:
        at = skip_spaces(at, stop)
        if at >= stop:
            break
        word, hashed = at, FNV_START
        while at < stop and not is_space(load_byte(at, 0)):
            hashed = step(hashed, load_byte(at, 0))
            at += 1
        size = at - word
        if size == 4 and load_int(word, 0) == END_OF_LINE:
            break
        if is_label(word, size):
            continue
        if tables.word_ngrams > 1:
            store_int(work.hashes, words, np.int32(hashed))
            words += 1
        count += add_known_word(tables, work, word, size, hashed, total)
    if tables.end_row >= 0:
        store_long(work.places, 0, tables.end_row * tables.row_bytes)
        add_rows(tables, work.places, 1, total)
        count += 1
    if tables.word_ngrams > 1:
        store_int(work.hashes, words, END_HASH)
        count += add_word_ngrams(tables, work, words + 1, total)
    return count


@kernel
def average_rows(
    tables: "Tables",
    work: Work,
    data: Long,
    offsets: NDArray[np.int64],
    hidden: NDArray[np.float32],
    found: NDArray[np.int64],
    total: Long,
) -> None:
    """Mean of the rows of each text, into `hidden`, and how many rows that were, into `found`.

    `data`: address of the texts; `total`: that of `dim` float32 values to work in.
    """
    for text in range(found.size):
        for k in range(tables.dim):
            store_float(total, k, 0.0)
        stop = data + offsets[text + 1]
        found[text] = add_text(tables, work, data + offsets[text], stop, total)
        for k in range(tables.dim):
            hidden[text, k] = load_float(total, k) / np.float32(max(found[text], 1))
