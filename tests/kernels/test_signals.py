from collections.abc import Sequence

import numpy as np
import pytest
import signals_reference as reference
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datakit.kernels.signals import measure_signals
from datakit.kernels.signals_shares import SHARES

LISTS = {
    "end_marks": tuple("。.！!？?…"),
    "hant": tuple("國體"),
    "hans": tuple("国体"),
    "gopher_stops": ("the", "be", "to", "of"),
    "fineweb2_zh_stops": ("的", "·", "中国", "The"),
    "fineweb2_yue_stops": ("嘅", "的"),
    "stops": ("the", "ÉTÉ", "的", "'t"),
    "boilerplate": ("all rights", "版权所有", "rights reserved"),
    "readmore": ("read more", "展开", "more..."),
}

# Pieces that meet each other's edges often.
PIECES = st.sampled_from(
    [*"aBéÉsdon't’J.,35½²#-—–_~…。！？!?；:”」』）)\"【】《{·•中国國體的嘅はー한ẞЖж",
     " ", "\n", "\n\n", "\t", "\r\n", "\u3000", "\u200b", "\x85", "\u2028", "\u0301", "\ufe0f",
     "\U000e0100", "\U000e0041", "\U00020000", "\U000f0000", "\U0010ffff", "\uffff", "\ufffd",
     "👍🏽", "...", "The ", "the", "of", "3.5", "1,000", "J. Smith", "U.S.", "don't", "lorem ipsum",
     "Lorem Ipsum", "http://a.b/c", "HTTPS://x<y", "www.", "All Rights", "版权所有", "Read more",
     "展开", "more...", "中国", "患者血压120/80mmHg。", "ab cd ef gh ij ", "红楼梦第一回",
     *"^~<>:=+*%§$&&@|/", "HIV)-related", "P<0.05", "x--y", "5-3", "12%", "e.g.",
     "http://a-b.c", "ab.C", "w'll"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=60)


def measure(texts: Sequence[str], **options: object) -> list[reference.Found]:
    values = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, values)], dtype=np.int64)
    data = np.frombuffer(b"".join(values), dtype=np.uint8)
    columns = measure_signals(data, ends, list(SHARES), lists=LISTS, **options)  # type: ignore[arg-type]
    return [
        {name: column[i].item() for name, column in columns.items()} for i in range(len(values))
    ]


def check(found: reference.Found, expected: reference.Found) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXTS, max_size=4))
@example([""])
@example([])
def test_signals_are_those_of_the_slow_way(texts: list[str]) -> None:
    for text, found in zip(texts, measure(texts), strict=True):
        check(found, reference.measure(text, LISTS))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(PIECES, st.booleans()), max_size=60))
def test_a_segmenter_decides_where_han_words_begin(pieces: list[tuple[str, bool]]) -> None:
    text = "".join(piece for piece, _ in pieces)
    begins = [begin for piece, begin in pieces for _ in piece]
    cuts = [b for c, begin in zip(text, begins, strict=True) for b in [begin] * len(c.encode())]
    [found] = measure([text], cuts=np.array(cuts, dtype=np.uint8))
    check(found, reference.measure(text, LISTS, begins))
