"""Lines and paragraphs, folded and hashed, against a plain Python version of the same."""

import re
import unicodedata

import numpy as np
import pytest
import xxhash
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datakit.kernels.layout_marks import line_kinds
from datakit.kernels.line_units import UnitRules, find_units
from datakit.kernels.text_folding import fold_table

PIECES = [
    "a",
    "B",
    "é",
    "Ｆ",
    "甲",
    "乙",
    "かな",
    "1",
    "２",
    ".",
    "，",
    ",",
    "。",
    "-",
    "/",
    " ",
    "　",
]
PIECES += ["\t", "\n", "\r\n", "\u2028", "\x1c", "```", "~~~", "|", "𠀀", "😀", "İ", "´"]
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), max_size=4)
FOLDS = ("case", "width", "digits", "ignore_punctuation")


def arrays(texts):
    data = "".join(texts).encode()
    ends = np.cumsum([0, *(len(t.encode()) for t in texts)], dtype=np.int64)
    found = np.frombuffer(data, dtype=np.uint8)
    ends.flags.writeable = False
    return found, ends


def slow_fold(text, *, case, width, digits, ignore_punctuation):
    if width:
        text = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    if digits:
        text = "".join("0" if c.isdecimal() else c for c in text)
    if ignore_punctuation:
        text = re.sub(r"[.,:]+(?!\d)(?![.,:])", "", text)
        marks = [c for c in set(text) if unicodedata.category(c)[0] == "P"]
        text = "".join(c for c in text if c not in marks or c in "/%~-–+.,:")
    if case:
        text = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return " ".join(text.split())


def slow_units(text, rules, folds):
    """(text of the unit, its folded form) of each unit of a text."""
    units, fence, open_lines, wanted = [], "", [], True
    for line in [*text.split("\n"), None]:
        bare = (line or "").strip()
        if bare:
            mark = bare[:3] if bare[:3] in ("```", "~~~") else ""
            is_code = bool(fence or mark)
            fence = ("" if mark == fence else fence) if fence else mark
            is_table = not is_code and (bare[0] == "|" or line.lstrip(" \t").count("\t") >= 2)
            wanted &= not (is_code and not rules["code"]) and not (is_table and not rules["tables"])
            open_lines.append(line)
        if not rules["paragraphs"] or not bare:
            folded = slow_fold("\n".join(open_lines), **folds)
            wide = sum(0x2E80 <= ord(c) <= 0xD7A3 or ord(c) >= 0x20000 for c in folded)
            has_letter = any(unicodedata.category(c)[0] in "LN" for c in folded)
            if wanted and has_letter and len(folded) + 2 * wide >= rules["least"]:
                units.append(("\n".join(open_lines).strip(), folded))
            open_lines, wanted = [], True
    return units


@settings(max_examples=150)
@example(
    texts=["a\t\t", " \t\ta"],
    folds=dict.fromkeys(FOLDS, False),
    rules={"least": 1, "paragraphs": False, "code": False, "tables": False},
)
@given(
    texts=TEXTS,
    folds=st.fixed_dictionaries(dict.fromkeys(FOLDS, st.booleans())),
    rules=st.fixed_dictionaries(
        {
            "least": st.integers(1, 12),
            **dict.fromkeys(("paragraphs", "code", "tables"), st.booleans()),
        }
    ),
)
def test_units_are_those_of_the_plain_version(texts, folds, rules):
    given = UnitRules(
        least=rules["least"],
        wide=3,
        paragraphs=rules["paragraphs"],
        kinds=line_kinds(code=rules["code"], tables=rules["tables"]),
    )

    units = find_units(arrays(texts), fold_table(**folds), given)

    data = "".join(texts).encode()
    shown = [data[a:b].decode() for a, b in zip(units.starts, units.stops, strict=True)]
    expected = [(n, *u) for n, text in enumerate(texts) for u in slow_units(text, rules, folds)]
    assert units.owners.tolist() == [n for n, _, _ in expected]
    assert shown == [unit for _, unit, _ in expected]
    folded = [f.encode() for _, _, f in expected]
    assert units.hash_a.tolist() == [xxhash.xxh64_intdigest(f, 0) for f in folded]
    assert units.hash_b.tolist() == [xxhash.xxh64_intdigest(f, 1) for f in folded]


@pytest.mark.parametrize("folds", [dict.fromkeys(FOLDS, on) for on in (True, False)])
def test_every_character_is_folded_like_the_plain_version(folds):
    codes = [
        c for c in range(0x20, 0x110000, 7) if not 0xD800 <= c < 0xE000 and chr(c) not in "`~|"
    ]
    texts = [f"x{chr(code)}y" for code in codes]

    units = find_units(arrays(texts), fold_table(**folds), UnitRules(least=1))

    expected = [slow_fold(text, **folds).encode() for text in texts]
    assert units.hash_a.tolist() == [xxhash.xxh64_intdigest(text, 0) for text in expected]
