"""The file of a fastText classifier (`.bin`, or quantised `.ftz`) as plain arrays.

Format, in the order of the bytes: magic number and version; the arguments of training; the
dictionary (words, then labels, then for pruned models which n-gram buckets are left); the input
matrix; the output matrix. A quantised matrix holds codes of centroids for each few columns.
Source: `src/args.cc`, `dictionary.cc`, `densematrix.cc`, `quantmatrix.cc`, `productquantizer.cc` of
https://github.com/facebookresearch/fastText, version 12 of the format.
"""

import mmap
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAGIC, NEWEST_VERSION = 793712314, 12
CLASSIFIER = 3
HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_VS_ALL = 1, 2, 3, 4
HEAD_BYTES = 64
CENTROIDS = 256
LABEL = "__label__"


class Contents(NamedTuple):
    """What a model file holds.

    `words`: UTF-8 of words and labels one after another, word i at `word_ends[i]:word_ends[i + 1]`;
    the first `n_words` are words, the others labels, of which `label_counts` says how often each
    was seen. `buckets_left`: for a pruned model the buckets that have a row, in order of rows, else
    None. `rows` and `output`: float32 matrices as their bytes, `dim` columns each; those of a plain
    model lie in the file still.
    """

    dim: int
    loss: int
    word_ngrams: int
    buckets: int
    least_chars: int
    most_chars: int
    n_words: int
    words: NDArray[np.uint8]
    word_ends: NDArray[np.int64]
    labels: tuple[str, ...]
    label_counts: NDArray[np.int64]
    buckets_left: NDArray[np.int32] | None
    rows: NDArray[np.uint8]
    output: NDArray[np.uint8]


class _Cursor:
    """Reads a file's values one after another."""

    def __init__(self, data: Any) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        """Values by a `struct` format, little-endian and unpadded."""
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def array(self, kind: type[np.generic], count: int) -> NDArray[Any]:
        """`count` values that stay where they lie."""
        size = np.dtype(kind).itemsize * count
        if count < 0 or self.at + size > len(self.data):
            raise ValueError("it ends too early")
        found = np.frombuffer(self.data, np.uint8, size, self.at)
        self.at += size
        return found if kind is np.uint8 else found.copy().view(kind)


def read_contents(path: Path) -> Contents:
    """Read a model file; a plain matrix is mapped, not loaded.

    Raises:
        ValueError: it is no fastText classifier, saying why.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    try:
        return _read(_Cursor(data))
    except struct.error:
        raise ValueError("it ends too early") from None


def find_fault(path: Path) -> str:
    """What is wrong with a file that should be a classifier, by its first bytes; "" if nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        _read_head(_Cursor(head))
    except OSError as error:
        return "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
    except (ValueError, struct.error) as error:
        return str(error) if isinstance(error, ValueError) else "it is no fastText model"
    return ""


def _read_head(cursor: _Cursor) -> tuple[Any, ...]:
    """Version, then the arguments of training."""
    if cursor.take("i") != (MAGIC,):
        raise ValueError("it is no fastText model")
    head = cursor.take("i12id")
    version, loss, kind = head[0], head[7], head[8]
    if version > NEWEST_VERSION or kind != CLASSIFIER or not HIERARCHICAL <= loss <= ONE_VS_ALL:
        raise ValueError("it is a fastText model of another kind, not a classifier")
    return head


def _read(cursor: _Cursor) -> Contents:
    version, dim, _, _, _, _, word_ngrams, loss, _, buckets, least, most, _, _ = _read_head(cursor)
    n_words, n_labels, left, words, ends, counts = _read_dictionary(cursor)
    (is_quantised,) = cursor.take("?")
    if left is not None and not is_quantised:
        raise ValueError("it is a pruned model that is not quantised, which fastText refuses too")
    rows = _read_matrix(cursor, dim, is_quantised=is_quantised)
    (is_output_quantised,) = cursor.take("?")
    output = _read_matrix(cursor, dim, is_quantised=is_quantised and is_output_quantised)
    needed = left.size if left is not None else buckets if most > 0 or word_ngrams > 1 else 0
    if rows.size < 4 * dim * (n_words + needed) or output.size < 4 * dim * n_labels:
        raise ValueError("its matrices do not fit its dictionary")
    return Contents(
        dim=dim,
        loss=loss,
        word_ngrams=word_ngrams,
        buckets=buckets,
        least_chars=least,
        most_chars=0 if version == 11 else most,  # as fastText does with its older models
        n_words=n_words,
        words=words,
        word_ends=ends,
        labels=tuple(
            words[ends[i] : ends[i + 1]].tobytes().decode(errors="replace").removeprefix(LABEL)
            for i in range(n_words, n_words + n_labels)
        ),
        label_counts=counts[n_words:],
        buckets_left=left,
        rows=rows,
        output=output,
    )


def _read_dictionary(cursor: _Cursor) -> tuple[Any, ...]:
    size, n_words, n_labels, _, pruned = cursor.take("3i2q")
    if size != n_words + n_labels or n_labels < 1:
        raise ValueError("its dictionary is broken, or it has no labels")
    words, ends, counts = bytearray(), np.zeros(size + 1, np.int64), np.zeros(size, np.int64)
    data = cursor.data
    for number in range(size):
        stop = data.find(b"\0", cursor.at)
        if stop < 0:
            raise ValueError("it ends too early")
        words += data[cursor.at : stop]
        ends[number + 1] = len(words)
        cursor.at = stop + 1
        counts[number], _ = cursor.take("qb")
    left = None
    if pruned >= 0:
        pairs = cursor.array(np.int32, 2 * pruned).reshape(-1, 2)
        if pairs.size and (pairs.min() < 0 or pairs[:, 1].max() >= pruned):
            raise ValueError("its dictionary is broken")
        left = np.zeros(pruned, np.int32)
        left[pairs[:, 1]] = pairs[:, 0]
    return n_words, n_labels, left, np.frombuffer(bytes(words), np.uint8), ends, counts


def _read_matrix(cursor: _Cursor, dim: int, *, is_quantised: bool) -> NDArray[np.uint8]:
    """A matrix as the bytes of its float32 values, row after row."""
    has_norms = cursor.take("?")[0] if is_quantised else False
    height, width = cursor.take("2q")
    if width != dim:
        raise ValueError("its matrices do not fit each other")
    if not is_quantised:
        return cursor.array(np.uint8, 4 * height * width)
    (n_codes,) = cursor.take("i")
    codes = cursor.array(np.uint8, n_codes).reshape(height, -1)
    matrix = _decode(codes, *_read_centroids(cursor))
    if has_norms:
        norm_codes = cursor.array(np.uint8, height)
        matrix *= _decode(norm_codes.reshape(height, 1), *_read_centroids(cursor))
    return matrix.reshape(-1).view(np.uint8)


def _read_centroids(cursor: _Cursor) -> tuple[int, NDArray[np.float32]]:
    dim, _, columns, _ = cursor.take("4i")
    return columns, cursor.array(np.float32, dim * CENTROIDS)


def _decode(codes: NDArray[np.uint8], columns: int, centroids: Any) -> NDArray[np.float32]:
    """Each code's centroid: `columns` values, fewer for the last one."""
    dim = centroids.size // CENTROIDS
    matrix = np.empty((codes.shape[0], dim), np.float32)
    for part in range(codes.shape[1]):
        first, stop = part * columns, min((part + 1) * columns, dim)
        table = centroids[first * CENTROIDS : stop * CENTROIDS].reshape(CENTROIDS, stop - first)
        matrix[:, first:stop] = table[codes[:, part]]
    return matrix
