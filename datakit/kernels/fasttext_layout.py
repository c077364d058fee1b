"""A fastText model's arrays, laid out for the kernels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels import fasttext_plain
from datakit.kernels.fasttext_file import HIERARCHICAL, Contents

Bytes = NDArray[np.uint8]

EOS = b"</s>"
# A dictionary of so many bytes is laid out by a compiled kernel.
COMPILE_FROM = 1_000_000


class Tables(NamedTuple):
    """What the kernels know of a model: numbers, and addresses of arrays that the model holds.

    `slots`: an open hash table (int32) of words and labels, -1 where free; its size is `slot_mask`
    + 1. `left`: 64 bits for each 32 buckets of a pruned model; the lower half says which have a
    row, the upper half how many have one before; 0 for an unpruned model. `tree`: for hierarchical
    softmax left and right child (int32) of each node, labels first, -1 for those. `factor` and
    `shift`: `hash * factor >> shift` is `hash // buckets` or one more.
    """

    rows: int
    output: int
    words: int
    word_ends: int
    slots: int
    left: int
    tree: int
    slot_mask: int
    dim: int
    row_bytes: int
    loss: int
    n_words: int
    n_labels: int
    end_row: int
    word_ngrams: int
    least_chars: int
    most_chars: int
    buckets: int
    factor: int
    shift: int


def sort_rows(contents: Contents) -> tuple[Bytes, NDArray[np.uint64]]:
    """The rows of a pruned model with its buckets in ascending order, and `Tables.left`.

    Then a bucket's row is the number of buckets left before it, and one look of eight bytes into
    half a megabyte replaces a hash map.
    """
    if contents.buckets_left is None:
        return contents.rows, np.zeros(0, np.uint64)
    size = 4 * contents.dim
    order = np.argsort(contents.buckets_left)
    split = size * contents.n_words
    ngrams = contents.rows[split:].reshape(-1, size)[order].reshape(-1)
    bits = np.zeros((contents.buckets // 32 + 1) * 32, np.uint8)
    bits[contents.buckets_left] = 1
    groups = np.packbits(bits, bitorder="little").view("<u4").astype(np.uint64)
    before = np.cumsum(bits.reshape(-1, 32).sum(axis=1, dtype=np.uint64))
    before = np.concatenate([np.zeros(1, np.uint64), before[:-1]])
    return np.concatenate([contents.rows[:split], ngrams]), groups | before << np.uint64(32)


def find_end(contents: Contents) -> int:
    """Row of the word that fastText puts behind each line; -1 if training saw no line end."""
    ends = contents.word_ends[: contents.n_words + 1]
    for word in np.flatnonzero(np.diff(ends) == len(EOS)):
        if contents.words[ends[word] : ends[word + 1]].tobytes() == EOS:
            return int(word)
    return -1


def fill_slots(contents: Contents) -> NDArray[np.int32]:
    """An open hash table of words and labels, -1 where free; twice as large as need be."""
    slots = np.full(1 << (2 * contents.word_ends.size).bit_length(), -1, np.int32)
    arrays = contents.words.view(), contents.word_ends.view()
    if contents.words.size < COMPILE_FROM:
        fasttext_plain.fill_slots(*arrays, slots)
        return slots
    from datakit.kernels import fasttext_tables

    for array in arrays:
        array.flags.writeable = False
    fasttext_tables.fill_slots(*arrays, slots)
    return slots


def build_tree(contents: Contents) -> NDArray[np.int32]:
    """The Huffman tree over the labels' counts: children of each node, the root last.

    Labels come in descending order of counts, so that the two least are always at hand.
    """
    labels = len(contents.labels)
    if contents.loss != HIERARCHICAL:
        return np.zeros((0, 2), np.int32)
    never = 10**15
    counts = [*contents.label_counts.tolist(), *[never] * (labels - 1)]
    tree = np.full((2 * labels - 1, 2), -1, np.int32)
    leaf, inner = labels - 1, labels
    for node in range(labels, 2 * labels - 1):
        for side in range(2):
            if leaf >= 0 and counts[leaf] < counts[inner]:
                tree[node, side], leaf = leaf, leaf - 1
            else:
                tree[node, side], inner = inner, inner + 1
        counts[node] = counts[tree[node, 0]] + counts[tree[node, 1]]
    return tree
