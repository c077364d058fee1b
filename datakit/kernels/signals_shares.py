"""Signals from what the kernels counted: one function a group, for whole columns."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.signals_ngrams import LAST_TOP, LONGEST, TOP

Columns: TypeAlias = Mapping[str, NDArray[Any]]
Found: TypeAlias = dict[str, NDArray[Any]]


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    nothing = np.zeros(part.size, dtype=np.float64)
    return np.divide(part, whole, out=nothing, where=whole > 0)


def _chars(counts: Columns) -> Found:
    chars, by_list = counts["chars"], counts["hant"] + counts["hans"]
    wordlike = counts["alnum"] + counts["combining"] + counts["underscore"] + counts["space"]
    return {
        "chars": chars.copy(),
        "spaces": _share(counts["space"], chars),
        "han": _share(counts["han"], chars),
        "letters": _share(counts["letter"], chars),
        "alnum": _share(counts["alnum"], chars),
        "digits": _share(counts["digit"], wordlike),
        "upper": _share(counts["upper"], counts["letter"]),
        "punctuation": _share(counts["punctuation"], chars),
        "symbols": _share(counts["symbol"], chars),
        "garbled": counts["garbled"].copy(),
        "curly_brackets": counts["brace"].copy(),
        "bracketed": _share(counts["bracketed"], chars),
        "hash_runs": _share(counts["hash_runs"], chars),
        "ellipsis_runs": _share(counts["ellipsis_runs"], chars),
        "hant": counts["hant"].copy(),
        "hant_part": _share(counts["hant"], by_list),
    }


def _lines(counts: Columns) -> Found:
    lines, chars, newlines = counts["lines"], counts["chars"], counts["newline"]
    own = ("end_mark_lines", "closed_lines", "short_lines", "bullet_lines", "ellipsis_lines")
    return {
        "lines": lines.copy(),
        "sentences": counts["sentences"].copy(),
        "newlines": newlines.copy(),
        "mean_line_chars": chars / (newlines + 1),
        "max_line_chars": counts["max_line_chars"].copy(),
        **{name: _share(counts[name], lines) for name in own},
        "dup_lines": _share(counts["dup_lines"], lines),
        "dup_line_chars": _share(counts["dup_line_chars"], chars - newlines),
        "dup_paragraphs": _share(counts["dup_paragraphs"], counts["paragraphs"]),
        "dup_paragraph_chars": _share(counts["dup_paragraph_chars"], chars - newlines),
    }


def _tokens(counts: Columns) -> Found:
    tokens, ellipses = counts["tokens"], counts["dot_triples"] + counts["ellipsis"]
    return {
        "words": counts["words"].copy(),
        "tokens": tokens.copy(),
        "mean_word_chars": _share(counts["word_chars"], counts["words"]),
        "alpha_tokens": _share(counts["alpha_tokens"], tokens),
        "hashes_per_token": _share(counts["hash"], tokens),
        "ellipses_per_token": _share(ellipses, tokens),
        "newlines_per_token": _share(counts["newline"], tokens),
    }


def _stops(counts: Columns) -> Found:
    return {
        "gopher_stops": counts["gopher_stops_met"].copy(),
        "gopher_stop_hits": counts["gopher_stops_hits"].copy(),
        "fineweb2_zh_stops": counts["fineweb2_zh_stops_met"].copy(),
        "fineweb2_yue_stops": counts["fineweb2_yue_stops_met"].copy(),
        "stop_words": _share(counts["stops_hits"], counts["words"]),
    }


def _ngrams(counts: Columns) -> Found:
    chars, lengths = counts["chars"], range(TOP, LONGEST + 1)
    names = [f"top_{n}_gram" if n <= LAST_TOP else f"dup_{n}_grams" for n in lengths]
    return {
        name: _share(counts[f"covered_{n}"], chars) for name, n in zip(names, lengths, strict=True)
    }


def _word_runs(counts: Columns) -> Found:
    return {"word_rep_5": _share(counts["repeated_word_runs"], counts["word_runs"])}


def _char_ngrams(counts: Columns) -> Found:
    return {
        "char_rep_3": _share(counts["top_3"], counts["runs_3"]),
        "char_rep_10": _share(counts["top_10"], counts["runs_10"]),
        "char_dup_13": _share(counts["repeated_13"], counts["runs_13"]),
    }


def _windows(counts: Columns) -> Found:
    names = ("distinct_chars", "entropy", "window_distinct", "window_entropy")
    return {name: counts[name].copy() for name in names}


def _phrases(counts: Columns) -> Found:
    return {
        "lorem_ipsum": counts["lorem_ipsum"].copy(),
        "boilerplate_lines": _share(counts["boilerplate_lines"], counts["phrase_lines"]),
        "readmore_lines": _share(counts["readmore_lines"], counts["phrase_lines"]),
        "url_chars": _share(counts["url_chars"], counts["chars"]),
    }


SHARES: dict[str, Callable[[Columns], Found]] = {
    "chars": _chars,
    "lines": _lines,
    "tokens": _tokens,
    "stops": _stops,
    "ngrams": _ngrams,
    "word_runs": _word_runs,
    "char_ngrams": _char_ngrams,
    "windows": _windows,
    "phrases": _phrases,
}
"""The groups of signals; their columns come from `signals_counts.count_all`."""
