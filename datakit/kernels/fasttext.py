"""What a fastText classifier says of texts: the same as the library, several times as fast.

    model = load_model("lid.176.ftz")
    labels, scores = model.best(data, offsets)

Texts are the valid UTF-8 `data[offsets[i]:offsets[i + 1]]`, as Arrow has them. A text is taken for
one line: a line end in it is white space. The result for a text does not depend on the others.
Numba is loaded on the first text.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datakit.kernels import fasttext_plain
from datakit.kernels.fasttext_file import read_contents
from datakit.kernels.fasttext_layout import Tables, build_tree, fill_slots, find_end, sort_rows

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]
Floats = NDArray[np.float64]

# Until this many bytes, plain Python is done before Numba is loaded; the results are the same.
COMPILE_FROM = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A classifier: its `labels` without `__label__`, the arrays of its file, their addresses.

    `rows` and `output_rows`: matrices as the bytes of their float32 values; the others see `Tables`
    and `Contents`.
    """

    labels: tuple[str, ...]
    tables: Tables
    rows: Bytes
    output_rows: Bytes
    words: Bytes
    word_ends: Offsets
    slots: NDArray[np.int32]
    left: NDArray[np.uint64]
    tree: NDArray[np.int32]

    @property
    def matrix(self) -> NDArray[np.float32]:
        """The input matrix."""
        return self.rows.view(np.float32).reshape(-1, self.tables.dim)

    @property
    def output(self) -> NDArray[np.float32]:
        """The output matrix."""
        return self.output_rows.view(np.float32).reshape(-1, self.tables.dim)

    def best(self, data: Bytes, offsets: Offsets) -> tuple[NDArray[np.int32], Floats]:
        """Number and probability of each text's likeliest label, -1 and 0 where there is none.

        A probability may be a hundred-thousandth too high, even above 1, as the library's is.
        """
        labels = np.full(offsets.size - 1, -1, np.int32)
        scores = np.zeros(offsets.size - 1, np.float64)
        if not _is_worth_compiling(int(offsets[-1] - offsets[0])):
            for text, hidden in enumerate(fasttext_plain.average_rows(self, data, offsets)):
                if hidden is not None:
                    labels[text], scores[text] = fasttext_plain.find_best(self, hidden)
            return labels, scores
        from datakit.kernels import fasttext_output

        means, found = self._average(data, offsets)
        fasttext_output.find_best(self.tables, means.ctypes.data, found, labels, scores)
        return labels, scores

    def probability(self, data: Bytes, offsets: Offsets, *, label: str) -> Floats:
        """Probability of `label` for each text; 0 for a text without a known word.

        Raises:
            ValueError: the model has no such label.
        """
        number = self.labels.index(label)
        scores = np.zeros(offsets.size - 1, np.float64)
        if not _is_worth_compiling(int(offsets[-1] - offsets[0])):
            for text, hidden in enumerate(fasttext_plain.average_rows(self, data, offsets)):
                if hidden is not None:
                    scores[text] = fasttext_plain.measure_label(self, hidden, number)
            return scores
        from datakit.kernels import fasttext_output

        means, found = self._average(data, offsets)
        fasttext_output.measure_label(self.tables, means.ctypes.data, found, number, scores)
        return scores

    def _average(
        self, data: Bytes, offsets: Offsets
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Mean of each text's rows, and how many there are."""
        from datakit.kernels import fasttext_rows

        count = offsets.size - 1
        means = np.zeros((count, self.tables.dim), np.float32)
        found = np.zeros(count, np.int64)
        if not count:
            return means, found
        work, arrays = fasttext_rows.make_work(self.tables, int(np.diff(offsets).max()))
        total = np.zeros(self.tables.dim, np.float32)
        starts = offsets.view()
        starts.flags.writeable = False  # so that both kinds of array are compiled for once
        fasttext_rows.average_rows(
            self.tables, work, data.ctypes.data, starts, means, found, total.ctypes.data
        )
        del arrays  # until here they hold the memory that `work` names
        return means, found


_plain_bytes = 0


def _is_worth_compiling(size: int) -> bool:
    """Whether this process has met so much text that loading the kernels pays."""
    global _plain_bytes  # noqa: PLW0603 - the results are the same either way
    _plain_bytes += size
    return _plain_bytes > COMPILE_FROM


def load_model(path: Path) -> Model:
    """Read a classifier's file, `.bin` or `.ftz`.

    A quantised model is decoded: it takes 4 bytes a value, as the plain one, which is not loaded
    but mapped.

    Raises:
        ValueError: it is no fastText classifier, saying why.
        OSError: it cannot be read.
    """
    contents = read_contents(path)
    rows, left = sort_rows(contents)
    slots, tree = fill_slots(contents), build_tree(contents)
    arrays = (rows, contents.output, contents.words, contents.word_ends, slots, left, tree)
    buckets = max(contents.buckets, 1)
    shift = 31 + buckets.bit_length()
    addresses = [array.ctypes.data if array.size else 0 for array in arrays]
    tables = Tables(
        rows=addresses[0],
        output=addresses[1],
        words=addresses[2],
        word_ends=addresses[3],
        slots=addresses[4],
        left=addresses[5],
        tree=addresses[6],
        slot_mask=slots.size - 1,
        dim=contents.dim,
        row_bytes=4 * contents.dim,
        loss=contents.loss,
        n_words=contents.n_words,
        n_labels=len(contents.labels),
        end_row=find_end(contents),
        word_ngrams=contents.word_ngrams,
        least_chars=contents.least_chars,
        most_chars=contents.most_chars,
        buckets=buckets,
        factor=(1 << shift) // buckets + 1,
        shift=shift,
    )
    return Model(contents.labels, tables, *arrays)
