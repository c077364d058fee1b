"""The compiled second half of `fasttext`: from the mean of a text's rows to labels.

Source: `src/loss.cc` of fastText. What it does in float32 is done in float64 here, but its ways are
kept where they show: sigmoids come from a table of 512, `log(x + 1e-5)` is what is added up, and
of equal scores the later label wins.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.fasttext_file import HIERARCHICAL, SOFTMAX
from datakit.kernels.memory import Long, load_float, load_int
from datakit.kernels.simd import Offsets, kernel, part

if TYPE_CHECKING:
    from datakit.kernels.fasttext_layout import Tables

Floats = NDArray[np.float64]

SMALL = 1e-5
LEAST_LOG = math.log(SMALL)
MAX_SIGMOID, SIGMOID_STEPS = 8.0, 512


@part
def dot(row: Long, hidden: Long, dim: Long) -> float:
    """Product of two vectors; four sums at once, for speed."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    k = 0
    while k + 4 <= dim:
        a += np.float64(load_float(hidden, k)) * load_float(row, k)
        b += np.float64(load_float(hidden, k + 1)) * load_float(row, k + 1)
        c += np.float64(load_float(hidden, k + 2)) * load_float(row, k + 2)
        d += np.float64(load_float(hidden, k + 3)) * load_float(row, k + 3)
        k += 4
    while k < dim:
        a += np.float64(load_float(hidden, k)) * load_float(row, k)
        k += 1
    return (a + b) + (c + d)


@part
def activate(tables: "Tables", row: Long, hidden: Long) -> float:
    """A row of the output matrix times a text's mean."""
    return dot(tables.output + row * tables.row_bytes, hidden, tables.dim)


@part
def sigmoid(x: float) -> float:
    """As fastText's table has it: of the nearest step below."""
    if x < -MAX_SIGMOID:
        return 0.0
    if x > MAX_SIGMOID:
        return 1.0
    at = np.int64((x + MAX_SIGMOID) * SIGMOID_STEPS / MAX_SIGMOID / 2)
    return 1.0 / (1.0 + math.exp(MAX_SIGMOID - at * 2 * MAX_SIGMOID / SIGMOID_STEPS))


@part
def measure_flat(tables: "Tables", hidden: Long, scores: Floats) -> None:
    """Probability of every label: softmax, or one sigmoid each."""
    for label in range(tables.n_labels):
        scores[label] = activate(tables, label, hidden)
    if tables.loss != SOFTMAX:
        for label in range(tables.n_labels):
            scores[label] = sigmoid(scores[label])
        return
    most, total = scores[0], 0.0
    for label in range(1, tables.n_labels):
        most = max(most, scores[label])
    for label in range(tables.n_labels):
        scores[label] = math.exp(scores[label] - most)
        total += scores[label]
    for label in range(tables.n_labels):
        scores[label] /= total


@part
def find_leaf(
    tables: "Tables", hidden: Long, stack: NDArray[np.int32], logs: Floats
) -> tuple[Long, float]:
    """Label of the likeliest leaf of the tree, and the logarithm of its probability.

    A branch is not followed once it is less likely than a leaf already found.
    """
    best, best_log = -1, LEAST_LOG
    stack[0], logs[0], depth = 2 * tables.n_labels - 2, 0.0, 1
    while depth:
        depth -= 1
        node, log = stack[depth], logs[depth]
        if log < best_log:
            continue
        if node < tables.n_labels:
            best, best_log = node, log
            continue
        right = 1.0 / (1.0 + math.exp(-activate(tables, node - tables.n_labels, hidden)))
        stack[depth], logs[depth] = (
            load_int(tables.tree, 2 * node + 1),
            log + math.log(right + SMALL),
        )
        stack[depth + 1] = load_int(tables.tree, 2 * node)
        logs[depth + 1] = log + math.log(1.0 - right + SMALL)
        depth += 2
    return best, best_log


@kernel
def find_best(
    tables: "Tables", hidden: Long, found: Offsets, labels: NDArray[np.int32], scores: Floats
) -> None:
    """The likeliest label of each text that has a row, and its probability."""
    room = 2 * tables.n_labels
    logs, stack = np.empty(room, np.float64), np.empty(room, np.int32)
    for text in range(found.size):
        if not found[text]:
            continue
        vector = hidden + text * tables.row_bytes
        if tables.loss == HIERARCHICAL:
            label, log = find_leaf(tables, vector, stack, logs)
            if label >= 0:
                labels[text], scores[text] = label, math.exp(log)
            continue
        measure_flat(tables, vector, logs)
        for label in range(tables.n_labels):
            if logs[label] + SMALL >= scores[text]:
                labels[text], scores[text] = label, logs[label] + SMALL


@kernel
def measure_label(
    tables: "Tables", hidden: Long, found: Offsets, label: Long, scores: Floats
) -> None:
    """Probability of one label for each text that has a row."""
    logs = np.empty(2 * tables.n_labels, np.float64)
    for text in range(found.size):
        if not found[text]:
            continue
        vector = hidden + text * tables.row_bytes
        if tables.loss != HIERARCHICAL:
            measure_flat(tables, vector, logs)
            scores[text] = logs[label] + SMALL
            continue
        below, log = np.int64(label), 0.0
        for node in range(tables.n_labels, 2 * tables.n_labels - 1):
            # Parents come after their children: one pass leads from the leaf to the root.
            for side in range(2):
                if load_int(tables.tree, 2 * node + side) == below:
                    x = activate(tables, node - tables.n_labels, vector)
                    log += math.log(1.0 / (1.0 + math.exp(-x if side else x)) + SMALL)
                    below = np.int64(node)
                    break
        scores[text] = math.exp(log)
