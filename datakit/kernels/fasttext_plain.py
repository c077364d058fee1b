"""`fasttext_rows` and `fasttext_output` in plain Python: for few texts, before Numba is loaded.

The same numbers to the last bit, a hundred times slower, and easier to read.
"""

import math
import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.fasttext_file import HIERARCHICAL, SOFTMAX

if TYPE_CHECKING:
    from datakit.kernels.fasttext import Bytes, Model, Offsets

FNV_START, FNV_PRIME, WORD_PRIME = 2166136261, 16777619, 116049371
EOS, LABEL = b"</s>", b"__label__"
# Words up to this size are added up on their own first.
LONGEST_SHORT_WORD = 40
SMALL, MAX_SIGMOID, SIGMOID_STEPS = 1e-5, 8.0, 512

_SPACES = re.compile(rb"[\x00\t-\r ]+")

Vector = NDArray[np.float32]


def average_rows(model: "Model", data: "Bytes", offsets: "Offsets") -> list[Vector | None]:
    """Mean of the rows of each text; None for a text without any."""
    raw = data.tobytes()
    pairs = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [_average(model, raw[start:stop]) for start, stop in pairs]


def fill_slots(words: "Bytes", word_ends: "Offsets", slots: NDArray[np.int32]) -> None:
    """Lay the words out in an open hash table whose size is a power of two."""
    mask, text = slots.size - 1, words.tobytes()
    ends = word_ends.tolist()
    for number in range(len(ends) - 1):
        slot = hash_word(text[ends[number] : ends[number + 1]]) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = number


def find_best(model: "Model", hidden: Vector) -> tuple[int, float]:
    """Number and probability of the likeliest label, -1 and 0 if there is none."""
    if model.tables.loss == HIERARCHICAL:
        return _find_leaf(model, hidden)
    best, most = -1, 0.0
    for label, score in enumerate(_measure_flat(model, hidden)):
        if score + SMALL >= most:
            best, most = label, score + SMALL
    return best, most


def measure_label(model: "Model", hidden: Vector, label: int) -> float:
    """Probability of one label."""
    if model.tables.loss != HIERARCHICAL:
        return _measure_flat(model, hidden)[label] + SMALL
    log, below = 0.0, label
    for node, children in enumerate(model.tree.tolist()):
        if below in children:
            x = _activate(model, node - len(model.labels), hidden)
            log += math.log(1.0 / (1.0 + math.exp(-x if children[1] == below else x)) + SMALL)
            below = node
    return math.exp(log)


def _average(model: "Model", text: bytes) -> Vector | None:
    total, count, hashes = np.zeros(model.tables.dim, np.float32), 0, []
    for word in filter(None, _SPACES.split(text)):
        if word == EOS:
            break
        if word.startswith(LABEL):
            continue
        hashes.append(hash_word(word))
        rows = _rows_of_word(model, word)
        if len(word) <= LONGEST_SHORT_WORD:
            total = total + _add_rows(model, rows, np.zeros_like(total))
        else:
            total = _add_rows(model, rows, total)
        count += len(rows)
    last = [model.tables.end_row] if model.tables.end_row >= 0 else []
    last += _rows_of_runs(model, [*hashes, hash_word(EOS)])
    total, count = _add_rows(model, last, total), count + len(last)
    return total / np.float32(count) if count else None


def _add_rows(model: "Model", rows: list[int], total: Vector) -> Vector:
    """One after another: a sum of floats depends on the order."""
    sums: Vector = np.add.accumulate(np.vstack([total, model.matrix[rows]]), axis=0)[-1]
    return sums


def hash_word(word: bytes) -> int:
    """FNV-1a with bytes taken as signed, as fastText's models were trained."""
    hashed = FNV_START
    for byte in word:
        hashed = (hashed ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * FNV_PRIME & 0xFFFFFFFF
    return hashed


def _rows_of_word(model: "Model", word: bytes) -> list[int]:
    number = _find_word(model, word)
    if number >= model.tables.n_words:
        return []
    rows = [number] if number >= 0 else []
    least, most = model.tables.least_chars, model.tables.most_chars
    chars = [c.encode() for c in f"<{word.decode()}>"] if most > 0 else []
    for i in range(len(chars)):
        for n in range(least, min(most, len(chars) - i) + 1):
            if n > 1 or 0 < i < len(chars) - 1:
                rows += _row_of_bucket(model, hash_word(b"".join(chars[i : i + n])))
    return rows


def _find_word(model: "Model", word: bytes) -> int:
    slot = hash_word(word) & model.tables.slot_mask
    while (number := int(model.slots[slot])) >= 0:
        if model.words[model.word_ends[number] : model.word_ends[number + 1]].tobytes() == word:
            return number
        slot = (slot + 1) & model.tables.slot_mask
    return -1


def _row_of_bucket(model: "Model", hashed: int) -> list[int]:
    bucket = hashed % model.tables.buckets
    if not model.left.size:
        return [model.tables.n_words + bucket]
    group, bit = int(model.left[bucket >> 5]), bucket & 31
    if not group >> bit & 1:
        return []
    return [model.tables.n_words + (group >> 32) + (group & ((1 << bit) - 1)).bit_count()]


def _rows_of_runs(model: "Model", hashes: list[int]) -> list[int]:
    """Rows of all runs of 2 to `word_ngrams` words; hashes count as signed there."""
    signed = [h - (1 << 32) if h >> 31 else h for h in hashes]
    rows = []
    for i, first in enumerate(signed):
        hashed = first
        for other in signed[i + 1 : i + model.tables.word_ngrams]:
            hashed = (hashed * WORD_PRIME + other) % (1 << 64)
            rows += _row_of_bucket(model, hashed)
    return rows


def _activate(model: "Model", row: int, hidden: Vector) -> float:
    products = [float(a) * float(b) for a, b in zip(hidden, model.output[row], strict=True)]
    whole = len(products) // 4 * 4
    sums = [0.0, 0.0, 0.0, 0.0]
    for k, product in enumerate(products[:whole]):
        sums[k % 4] += product
    for product in products[whole:]:
        sums[0] += product
    return (sums[0] + sums[1]) + (sums[2] + sums[3])


def _measure_flat(model: "Model", hidden: Vector) -> list[float]:
    scores = [_activate(model, label, hidden) for label in range(len(model.labels))]
    if model.tables.loss != SOFTMAX:
        return [_sigmoid(score) for score in scores]
    most = max(scores)
    powers = [math.exp(score - most) for score in scores]
    total = 0.0
    for power in powers:
        total += power
    return [power / total for power in powers]


def _sigmoid(x: float) -> float:
    """As fastText's table has it: of the nearest step below."""
    if abs(x) > MAX_SIGMOID:
        return float(x > 0)
    at = int((x + MAX_SIGMOID) * SIGMOID_STEPS / MAX_SIGMOID / 2)
    return 1.0 / (1.0 + math.exp(MAX_SIGMOID - at * 2 * MAX_SIGMOID / SIGMOID_STEPS))


def _find_leaf(model: "Model", hidden: Vector) -> tuple[int, float]:
    labels = len(model.labels)
    best, best_log = -1, math.log(SMALL)
    stack = [(2 * labels - 2, 0.0)]
    while stack:
        node, log = stack.pop()
        if log < best_log:
            continue
        if node < labels:
            best, best_log = node, log
            continue
        left, right = model.tree[node].tolist()
        yes = 1.0 / (1.0 + math.exp(-_activate(model, node - labels, hidden)))
        stack.append((right, log + math.log(yes + SMALL)))
        stack.append((left, log + math.log(1.0 - yes + SMALL)))
    return best, math.exp(best_log) if best >= 0 else 0.0
