from itertools import pairwise

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from datakit.kernels.json_escape import encode_json_strings

CONTROLS = "".join(map(chr, range(0x20)))
TEXTS = st.text(
    alphabet=st.sampled_from(CONTROLS + 'ab"\\/\x7f\x80é你\u2028😀') | st.characters(codec="utf-8")
)


def buffers(values: list[str]) -> tuple[np.ndarray, np.ndarray]:
    texts = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return np.frombuffer(b"".join(texts), dtype=np.uint8), ends


def encode(values: list[str], **around: bytes) -> list[bytes]:
    out, ends = encode_json_strings(*buffers(values), **around)
    assert out.size == ends[-1]
    return [bytes(out[a:b]) for a, b in pairwise(ends)]


@given(st.lists(TEXTS, max_size=8))
def test_values_are_escaped_as_orjson_does(values: list[str]) -> None:
    assert encode(values) == [orjson.dumps(value) for value in values]


def test_runs_of_every_length_with_a_special_byte_after_them() -> None:
    values = ["x" * length + special + "你" for length in range(70) for special in '"\\\n\x01\x1f']
    assert encode(values) == [orjson.dumps(value) for value in values]


def test_a_prefix_and_a_suffix_make_lines() -> None:
    lines = encode(["甲", "", 'a"b'], prefix=b'{"text":', suffix=b"}\n")
    assert lines == [
        orjson.dumps({"text": text}, option=orjson.OPT_APPEND_NEWLINE) for text in ["甲", "", 'a"b']
    ]


def test_values_that_begin_inside_the_buffer() -> None:
    text, ends = buffers(["skipped", "one", "two"])
    out, found = encode_json_strings(text, ends[1:])
    assert (bytes(out), found.tolist()) == (b'"one""two"', [0, 5, 10])


def test_only_control_characters_and_nothing_at_all() -> None:
    assert encode(["\x01" * 1000]) == [orjson.dumps("\x01" * 1000)]
    assert encode([]) == []
