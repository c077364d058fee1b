"""Sentences and runs of words, and the windows over them."""

import itertools

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from datakit.kernels.layout_marks import line_kinds
from datakit.kernels.text_pieces import SENTENCES, WORDS, find_pieces
from datakit.kernels.windows import find_windows

WORDS_OF_TEXT = ["Take", "it", "3.5", "mg", "Dr.", "end.", "no!", "高血压", "低盐。", "“好？”", "a"]
WORDS_OF_TEXT += [" ", " ", "\n", "　", "é", "😀", "…", "```", "| a |", "http://a.b?c=d"]
TEXT = st.lists(st.sampled_from(WORDS_OF_TEXT), max_size=40).map("".join)


def pieces_of(text, edges=SENTENCES, *, wide=1, kinds=1):
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    ends = np.array([0, data.size], dtype=np.int64)
    ends.flags.writeable = False
    units, weights = find_pieces((data, ends), edges=edges, wide=wide, kinds=kinds)
    shown = [data[a:b].tobytes().decode() for a, b in zip(units.starts, units.stops, strict=True)]
    return shown, weights.tolist(), units


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("你好。今天怎么样？很好！", ["你好。", "今天怎么样？", "很好！"]),
        ("他说：“走吧。”然后走了……真的？！", ["他说：“走吧。”", "然后走了……", "真的？！"]),
        ("One. Two! Three? (Four.) Five", ["One.", "Two!", "Three?", "(Four.)", "Five"]),
        ("Dr. Li gave 3.5 mg. It fell. by 2 p. m.", ["Dr. Li gave 3.5 mg.", "It fell. by 2 p. m."]),
        ("See a.b/c?d=e! Now e.g. this.", ["See a.b/c?d=e!", "Now e.g. this."]),
        ("中文.下一句", ["中文.", "下一句"]),
        ("no mark\n\n  next line \n", ["no mark", "next line"]),
        ("", []),
    ],
)
def test_sentences(text, sentences):
    assert pieces_of(text)[0] == sentences


@pytest.mark.parametrize("edges", [SENTENCES, WORDS])
@given(text=TEXT)
def test_pieces_are_the_whole_text_in_order(edges, text):
    shown, weights, units = pieces_of(text, edges, kinds=line_kinds(code=True, tables=True))

    assert "".join("".join(shown).split()) == "".join(text.split())
    assert all(piece and piece == piece.strip() and "\n" not in piece for piece in shown)
    assert all(w >= len(p) for w, p in zip(weights, shown, strict=True))
    assert units.hash_a.tolist() == [xxhash.xxh64_intdigest(p.encode(), 0) for p in shown]
    assert units.hash_b.tolist() == [xxhash.xxh64_intdigest(p.encode(), 1) for p in shown]


def test_lines_of_code_and_tables_are_marked():
    shown, weights, _ = pieces_of("One. Two.\n```\nx. Y\n```\n| a. B |\nEnd.")

    assert shown == ["One.", "Two.", "```", "x. Y", "```", "| a. B |", "End."]
    assert weights == [4, 4, -1, -1, -1, -1, 4]


def test_wide_characters_weigh_what_is_asked_for():
    assert pieces_of("高血压a。", wide=3)[1] == [13]


LONG = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(600))
ENGLISH = " ".join(f"word{n * 7919 % 1000}" for n in range(400))


@pytest.mark.parametrize(("text", "most"), [(LONG, 40), (ENGLISH, 40)])
def test_runs_of_words_are_short_and_cut_where_the_text_itself_says(text, most):
    whole = pieces_of(text, WORDS)[0]
    middle = pieces_of("Another beginning, 不同的开头 " + text[100:], WORDS)[0]

    assert len(whole) > most / 2
    assert len(set(whole) & set(middle)) > 0.7 * len(whole)
    assert all(" " not in (piece[0], piece[-1]) for piece in whole)
    if text is ENGLISH:
        assert {word for piece in whole for word in piece.split()} == set(text.split())


def slow_cuts(words):
    """Where a line of words is cut, as numbers of words: each time the first that has a lower hash
    of the letters before it than the last, else the lowest within 40 letters (the last of equals).
    """
    letters, hashes, ends = "", [], []
    for word in words:
        state = 0
        for letter in letters[-10:]:
            mixed = ord(letter) * 0x9E3779B97F4A7C15 % 2**64
            state = state * 2 + (mixed ^ mixed >> 29)
        hashes.append(state % 2**10)
        ends.append(len(letters))
        letters += word
    cuts, last, least = [], 0, 0
    while True:
        near = [n for n in range(last + 1, len(words)) if ends[n] - ends[last] <= 40]
        lower = next((n for n in near if hashes[n] < least), None)
        if lower is None and len(letters) - ends[last] <= 40:
            return cuts
        if not near and last + 1 == len(words):
            return cuts
        lowest = min(reversed(near), key=lambda n: hashes[n], default=last + 1)
        last = lowest if lower is None else lower
        least = hashes[last]
        cuts.append(last)


@given(st.lists(st.sampled_from(["a", "bc", "def", "ghijklmnop", "q" * 45]), min_size=1))
def test_runs_of_words_are_cut_as_by_the_plain_version(words):
    cuts = [0, *slow_cuts(words), len(words)]

    shown = pieces_of(" ".join(words), WORDS)[0]

    assert shown == [" ".join(words[a:b]) for a, b in itertools.pairwise(cuts)]


@pytest.mark.parametrize(("text", "most"), [(LONG, 20), (ENGLISH, 40)])
def test_no_run_of_words_is_long_and_equal_text_is_soon_cut_alike(text, most):
    for start in range(100, 200, 7):
        whole, part = (pieces_of(t, WORDS)[0] for t in (text, text[start:]))

        assert all(len(piece.replace(" ", "")) <= most for piece in whole)
        same = next(n for n, piece in enumerate(part) if whole[-len(part[n:]) :] == part[n:])
        assert len("".join(part[:same]).replace(" ", "")) <= most + 10


def slow_windows(pieces, weights, least):
    """All runs of pieces without a break that reach `least`, but not without one of their ends."""
    found = set()
    for first in range(len(pieces)):
        for last in range(first, len(pieces)):
            run = weights[first : last + 1]
            is_least = sum(run[:-1]) < least or sum(run[1:]) < least
            if min(run) > 0 and sum(run) >= least and is_least:
                found.add((first, last))
    return found


@given(TEXT, st.integers(1, 30))
def test_windows_are_the_runs_that_are_just_long_enough(text, least):
    shown, weights, units = pieces_of(text)

    windows = find_windows(units, np.array(weights, dtype=np.int64), least)

    pairs = list(zip(windows.first.tolist(), windows.last.tolist(), strict=True))
    assert set(pairs) == slow_windows(shown, weights, least)
    assert len(set(pairs)) == len(pairs)
    contents = {tuple(shown[a : b + 1]) for a, b in pairs}
    hashes = set(zip(windows.hash_a.tolist(), windows.hash_b.tolist(), strict=True))
    assert len(hashes) == len(contents)
