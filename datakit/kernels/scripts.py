"""How many words of each script a text has, counted on its UTF-8 bytes."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Offsets: TypeAlias = NDArray[np.int64]
Counts: TypeAlias = NDArray[np.uint32]

SCRIPTS = ("latin", "other", "han", "kana", "hangul", "simplified", "traditional", "cantonese")
LATIN, OTHER, HAN, KANA, HANGUL, SIMPLIFIED, TRADITIONAL, CANTONESE = range(1, 9)

# Below this many bytes, numpy is done before a compiled kernel is loaded.
COMPILE_FROM = 1 << 20

_HAN = [(0x3005, 0x3007), (0x3021, 0x3029), (0x3400, 0x4DBF), (0x4E00, 0x9FFF)]
_HAN += [(0xF900, 0xFAFF), (0x20000, 0x323AF)]
_KANA = [(0x3041, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x31FF), (0xFF66, 0xFF9D)]
_HANGUL = [(0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7FB)]
_LATIN = [(0x41, 0x2AF), (0x1D00, 0x1D25), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F)]
_LATIN += [(0xA722, 0xA7FF), (0xFF21, 0xFF5A)]
_LAST_LETTER = 0x323AF

# Written in Cantonese only (係 is not: 關係). Without 係, the list proposed for datakit's recipes,
# and a few more of the commonest.
CANTONESE_MARKERS = "嘅喺咗唔佢啲冇嚟咁嘢噉哋乜嗰啱瞓攞諗"


def count_scripts(data: Bytes, offsets: Offsets) -> Counts:
    """Words of each script of `SCRIPTS` in each text: one row a text.

    Text i is the valid UTF-8 `data[offsets[i]:offsets[i + 1]]`. Each Han character, kana or Hangul
    syllable is a word, and each run of Latin or of other letters. Letters are what Unicode calls so
    (`str.isalpha`); digits, marks and punctuation count nowhere. `simplified`, `traditional` and
    `cantonese` are Han characters that only this writing has, and are not counted under `han`.
    """
    size = int(offsets[-1] - offsets[0])
    count = count_compiled() if size >= COMPILE_FROM else count_plainly
    counts: Counts = count(data, offsets, writing_table())
    return counts


@cache
def letter_table() -> Bytes:
    """The script of each code point up to U+323AF: 0 where it is no letter."""
    table = np.zeros(_LAST_LETTER + 1, dtype=np.uint8)
    letters = [code for code in range(_LAST_LETTER + 1) if chr(code).isalpha()]
    table[letters] = OTHER
    for script, ranges in ((LATIN, _LATIN), (HAN, _HAN), (KANA, _KANA), (HANGUL, _HANGUL)):
        for first, last in ranges:
            part = table[first : last + 1]
            part[part > 0] = script
    table[[0x3006, 0x3007]] = HAN
    table[[0xAA, 0xBA]] = LATIN
    return table


@cache
def writing_table() -> Bytes:
    """The same, and of Han characters that only one writing has, which that is."""
    table = letter_table().copy()
    simplified, traditional = only_simplified_and_traditional()
    table[[ord(c) for c in simplified]] = SIMPLIFIED
    table[[ord(c) for c in traditional]] = TRADITIONAL
    table[[ord(c) for c in CANTONESE_MARKERS]] = CANTONESE
    return table


@cache
def only_simplified_and_traditional() -> tuple[str, str]:
    """The Han characters that stand in texts of one writing only.

    OpenCC's tables tell which have another form in the other writing; of those, the ones that the
    other writing uses too (后, 里, 乾) are in its standard, Big5 or GB 2312, and left out.
    """
    import opencc

    han = [chr(code) for code in range(0x4E00, 0xA000)]
    lines = "\n".join(han)

    def changed(config: str, standard: str) -> str:
        other = opencc.OpenCC(config).convert(lines).split("\n")
        pairs = zip(han, other, strict=True)
        return "".join(c for c, form in pairs if form != c and not _is_in(c, standard))

    simplified, traditional = changed("s2t", "big5"), changed("t2s", "gb2312")
    both = set(simplified) & set(traditional)  # a few variants that both tables rewrite
    return _without(simplified, both), _without(traditional, both)


def _without(characters: str, others: set[str]) -> str:
    return "".join(c for c in characters if c not in others)


def _is_in(character: str, standard: str) -> bool:
    try:
        character.encode(standard)
    except UnicodeEncodeError:
        return False
    return True


def count_plainly(data: Bytes, offsets: Offsets, table: Bytes) -> Counts:
    """The counts by numpy, a text at a time."""
    counts = np.zeros((offsets.size - 1, len(SCRIPTS)), dtype=np.uint32)
    for row in range(offsets.size - 1):
        text = data[offsets[row] : offsets[row + 1]].tobytes().decode()
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        scripts = np.where(codes < table.size, table[np.minimum(codes, table.size - 1)], 0)
        before = np.concatenate([np.zeros(1, np.uint8), scripts[:-1]])[: scripts.size]
        is_word = (scripts > OTHER) | (scripts != before)
        counts[row] = np.bincount(scripts[is_word], minlength=len(SCRIPTS) + 1)[1:]
    return counts


@cache
def count_compiled() -> Callable[..., Any]:
    """The same as `count_plainly`, by numba; compiled once and kept on disk."""
    from numba import njit

    return njit(cache=True, nogil=True)(_count)


def _count(data: Bytes, offsets: Offsets, table: Bytes) -> Counts:
    counts = np.zeros((offsets.size - 1, 9), dtype=np.uint32)
    for row in range(offsets.size - 1):
        at, before = offsets[row], np.uint8(0)
        while at < offsets[row + 1]:
            byte = np.uint32(data[at])
            if byte < 0x80:
                code = byte
                at += 1
            elif byte < 0xE0:
                code = (byte & 0x1F) << 6 | (data[at + 1] & 0x3F)
                at += 2
            elif byte < 0xF0:
                code = (byte & 0xF) << 12 | (np.uint32(data[at + 1]) & 0x3F) << 6
                code |= data[at + 2] & 0x3F
                at += 3
            else:
                code = (byte & 7) << 18 | (np.uint32(data[at + 1]) & 0x3F) << 12
                code |= (np.uint32(data[at + 2]) & 0x3F) << 6 | (data[at + 3] & 0x3F)
                at += 4
            script = table[code] if code < table.size else np.uint8(0)
            counts[row, script] += script > 2 or script != before
            before = script
    return counts[:, 1:]
