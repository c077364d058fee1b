"""Spans out of texts, against plain string handling."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from datakit.kernels.cuts import count_solid, cut, join_spans

CHARACTERS = st.sampled_from([*"ab甲é😀", " ", "\n", "\n\n", "\r\n", "　", "\u2028", "\t", " "])
TEXTS = st.lists(st.lists(CHARACTERS, max_size=20).map("".join), min_size=1, max_size=4)


@st.composite
def texts_and_spans(draw):
    """Texts, and spans of each (in characters) that begin and end with no white space."""
    texts, spans = draw(TEXTS), []
    for number, text in enumerate(texts):
        solid = [n for n, c in enumerate(text) if not c.isspace()]
        chosen = sorted(draw(st.lists(st.sampled_from(solid), unique=True))) if solid else []
        pairs = zip(chosen[::2], chosen[1::2], strict=False)
        spans += [(number, first, last + 1) for first, last in pairs]
    return texts, spans


def slow_cut(text, spans):
    """Piece by piece: what stays of the text, with one side of the white space at each cut."""
    joined = []
    for first, last in spans:
        if joined and not text[joined[-1][1] : first].strip():
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    out, at = "", 0
    for first, last in joined:
        before = text[at:first]
        left, right = before[len(before.rstrip()) :], text[last:]
        right = right[: len(right) - len(right.lstrip())]
        is_start, is_end = not text[:first].strip(), last + len(right) == len(text)
        if is_start or (not is_end and left.count("\n") > right.count("\n")):
            out, at = out + before, last + len(right)
        else:
            out, at = out + before.rstrip(), last
    return out + text[at:]


def to_arrays(texts, spans):
    data = np.frombuffer("".join(texts).encode(), dtype=np.uint8)
    ends = np.cumsum([0, *(len(t.encode()) for t in texts)], dtype=np.int64)
    ends.flags.writeable = False
    places = [
        (n, *(int(ends[n]) + len(texts[n][:place].encode()) for place in span))
        for n, *span in spans
    ]
    owners, starts, stops = np.array(places, dtype=np.int64).reshape(-1, 3).T.copy()
    return data, ends, owners, starts, stops


@given(texts_and_spans())
def test_what_is_left_is_what_the_plain_version_leaves(given):
    texts, spans = given
    data, ends, owners, starts, stops = to_arrays(texts, spans)

    count = join_spans(data, owners, starts, stops)
    out, places = cut(data, ends, (owners[:count], starts[:count], stops[:count]))

    left = [out[a:b].tobytes().decode() for a, b in pairwise(places)]
    expected = [
        slow_cut(text, [(a, b) for owner, a, b in spans if owner == n])
        for n, text in enumerate(texts)
    ]
    assert left == expected


@given(texts_and_spans())
def test_solid_characters_are_those_that_are_no_white_space(given):
    texts, spans = given
    data, _, _, starts, stops = to_arrays(texts, spans)

    counts = count_solid(data, starts, stops).tolist()

    assert counts == [sum(not c.isspace() for c in texts[n][a:b]) for n, a, b in spans]
