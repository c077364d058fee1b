"""The language and the writing of texts, from their script and a fastText model."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.fasttext import Bytes, Model, Offsets, load_model
from datakit.kernels.scripts import SCRIPTS, count_scripts

LEAST_HAN, LEAST_HANGUL, LEAST_KANA = 0.3, 0.3, 0.1
# Between this share of Han words and LEAST_HAN a text is Chinese unless the model says English.
LEAST_MIXED_HAN, SURE_ENGLISH = 0.1, 0.5
# One marker may be a slip of the pen: 泮托拉咗.
LEAST_CANTONESE, LEAST_MARKS = 0.02, 2
LEAST_ONE_WRITING = 0.9

UNDETERMINED = "und"
WRITINGS = ("Latn", "Hans", "Hant", "mixed", "Hani", "Jpan", "Kore", "other", "none")
"""ISO 15924 codes, where there is one: simplified Chinese, traditional, both, Han characters that
tell nothing, Japanese, Korean; another script; no letter at all."""
LATN, HANS, HANT, MIXED, HANI, JPAN, KORE, OTHER, NONE = range(9)

_OPEN = -1


class Found(NamedTuple):
    """For each text the number of its language in `languages`, a score from 0 to 1, and the number
    of its writing in `WRITINGS`.
    """

    languages: tuple[str, ...]
    language: NDArray[np.int32]
    score: NDArray[np.float64]
    writing: NDArray[np.uint8]


def load_cached(path: Path | None) -> Model:
    """A fastText model, lid.176.ftz if no path is given; see `load_model`. Loaded once, and again
    when its file has changed.
    """
    path = path or Path(str(files("datakit") / "models" / "lid.176.ftz"))
    state = path.stat()
    return _load(path, state.st_mtime_ns, state.st_size)


@cache
def _load(path: Path, _modified: int, _size: int) -> Model:
    return load_model(path)


def detect(
    data: Bytes, offsets: Offsets, *, script_first: bool = True, model: Path | None = None
) -> Found:
    """The language of each text `data[offsets[i]:offsets[i + 1]]`, valid UTF-8.

    A text without a letter is `und` with score 0. Scores are rounded to 4 places, which are the
    same on any machine.

    Raises:
        ValueError: `model` is no fastText classifier.
        OSError: it cannot be read.
    """
    counts = count_scripts(data, offsets).astype(np.int64)
    words = dict(zip(SCRIPTS, counts.T, strict=True))
    total, writing = counts.sum(axis=1), _writings(words)
    known: tuple[str, ...] = (UNDETERMINED, "zh", "yue", "ja", "ko", "en")
    language = np.where(total == 0, 0, _OPEN).astype(np.int32)
    if script_first:
        language = np.where(total == 0, 0, _languages_of_scripts(words, total)).astype(np.int32)
    score = np.where(language > 0, 1.0, 0.0)
    names = known
    rows = np.flatnonzero(language == _OPEN)
    if rows.size:
        classifier = load_cached(model)
        label, guessed = classifier.best(*_take(data, offsets, rows))
        score[rows] = np.round(np.minimum(guessed, 1.0), 4)
        language[rows] = np.where(label < 0, 0, label + len(known))
        names = known + classifier.labels
        if script_first:
            _settle_mixed(words, total, rows, names, language, score)
    return Found(names, language, score, writing)


def _han(words: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    return words["han"] + words["simplified"] + words["traditional"] + words["cantonese"]


def _languages_of_scripts(
    words: dict[str, NDArray[np.int64]], total: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number of the language that the script tells, in `known` of `detect`, else `_OPEN`."""
    han, kana = _han(words), words["kana"]
    return np.select(
        [
            words["hangul"] >= LEAST_HANGUL * total,
            (han + kana >= LEAST_HAN * total) & (kana >= LEAST_KANA * (han + kana)),
            han >= LEAST_HAN * total,
        ],
        [4, 3, np.where(_is_cantonese(words), 2, 1)],
        _OPEN,
    )


def _is_cantonese(words: dict[str, NDArray[np.int64]]) -> NDArray[np.bool_]:
    marks = words["cantonese"]
    return (marks >= LEAST_MARKS) & (marks >= LEAST_CANTONESE * _han(words))


def _settle_mixed(
    words: dict[str, NDArray[np.int64]],
    total: NDArray[np.int64],
    rows: NDArray[np.int64],
    names: tuple[str, ...],
    language: NDArray[np.int32],
    score: NDArray[np.float64],
) -> None:
    """Call a text with some Han words among Latin ones Chinese, unless the model is sure that it is
    English: of drug names and laboratory codes it says anything else.
    """
    is_mixed = (_han(words) >= LEAST_MIXED_HAN * total) & (words["other"] == 0)
    english = np.array([name == "en" for name in names])
    is_english = english[language] & (score >= SURE_ENGLISH)
    settled = rows[(is_mixed & ~is_english)[rows]]
    language[settled] = np.where(_is_cantonese(words), 2, 1)[settled]
    score[settled] = 1.0


def _writings(words: dict[str, NDArray[np.int64]]) -> NDArray[np.uint8]:
    """The writing of each text: that of its Han characters if they are a tenth of the words."""
    han, total = _han(words), sum(words.values())
    simplified, traditional = words["simplified"], words["traditional"]
    telling = simplified + traditional
    most = np.argmax(np.stack([words["latin"], words["hangul"], words["other"]]), axis=0)
    writing = np.select(
        [
            total == 0,
            (han + words["kana"] >= LEAST_MIXED_HAN * total)
            & (words["kana"] >= LEAST_KANA * (han + words["kana"])),
            (han < LEAST_MIXED_HAN * total) | (han == 0),
            telling == 0,
            simplified >= LEAST_ONE_WRITING * telling,
            traditional >= LEAST_ONE_WRITING * telling,
        ],
        [NONE, JPAN, np.array([LATN, KORE, OTHER])[most], HANI, HANS, HANT],
        MIXED,
    )
    return np.asarray(writing, dtype=np.uint8)


def _take(data: Bytes, offsets: Offsets, rows: NDArray[np.int64]) -> tuple[Bytes, Offsets]:
    """Some of the texts, one after another."""
    if rows.size == offsets.size - 1:
        return data, offsets
    sizes = offsets[rows + 1] - offsets[rows]
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    pieces = [data[offsets[row] : offsets[row + 1]] for row in rows.tolist()]
    return np.concatenate(pieces) if pieces else data[:0], ends
