"""Corpora with near-duplicates planted by seed, and the truth about them kept.

Of every five records one is a copy of one of the last few thousand, by one of these edits:

| kind | what |
|---|---|
| `exact` | nothing changed |
| `span` | one to three runs of units, together 2 to 10 %, replaced, deleted or put in |
| `scattered` | 1 to 3 % of the units replaced, each on its own |
| `truncated` | the first 75 to 95 % |
| `boilerplate` | a notice of a site before or after the text |

A unit is a word with its white space, or a character of a text that is mostly Han.
"""

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHARE = 0.2
RECENT = 4000

NOTICES = (
    "本文来源于网络，版权归原作者所有，如有侵权请联系删除。",
    "上一篇：返回列表　下一篇：暂无　责任编辑：小编　分享到：微信 微博 空间",
    "免责声明：以上内容仅供参考，不能代替医生的诊断和治疗。",
    "Share this page | Print | Subscribe to our newsletter | Terms of use | Privacy policy",
    "All rights reserved. No part of this page may be reproduced without permission.",
    "Was this page helpful? Yes No. Thank you for your feedback. Last updated recently.",
)


@dataclass(frozen=True, slots=True)
class Planted:
    """A record of the corpus; of a copy also the record it was made from, and how."""

    id: str
    text: str
    origin: str = ""
    kind: str = ""


def plant(
    texts: Iterable[str], *, prefix: str, seed: int, share: float = SHARE
) -> Iterator[Planted]:
    """The texts as records, and after each, by chance, a copy of a recent one."""
    chance = random.Random(f"{prefix} {seed}")
    recent: list[Planted] = []
    copies = 0
    for number, text in enumerate(texts):
        record = Planted(f"{prefix}-{number}", text)
        yield record
        if len(recent) < RECENT:
            recent.append(record)
        else:
            recent[chance.randrange(RECENT)] = record
        if chance.random() < share / (1 - share):
            origin, kind = chance.choice(recent), chance.choice(tuple(EDITS))
            units = split_units(origin.text)
            copied = EDITS[kind](units, chance) if units else []
            yield Planted(f"{prefix}-copy-{copies}", "".join(copied), origin.id, kind)
            copies += 1


def is_han(text: str) -> bool:
    """Whether most of a text is Han characters."""
    return sum("\u3400" <= c <= "\u9fff" for c in text[:2000]) * 3 > min(len(text), 2000)


def language_of(texts: Sequence[str]) -> str:
    share = sum(map(is_han, texts[:1000])) / max(1, len(texts[:1000]))
    return "zh" if share > 0.9 else "en" if share < 0.1 else "mixed"


def split_units(text: str) -> list[str]:
    return list(text) if is_han(text) else re.findall(r"\S+\s*|\s+", text)


def edit_spans(units: list[str], chance: random.Random) -> list[str]:
    spans = chance.randint(1, 3)
    length = max(1, int(len(units) * chance.uniform(0.02, 0.1) / spans))
    edited = list(units)
    for _ in range(spans):
        at, taken = chance.randrange(len(edited) or 1), chance.randrange(len(units))
        put = units[taken : taken + length][::-1]
        kind = chance.choice(("replace", "delete", "insert"))
        edited[at : at + (0 if kind == "insert" else length)] = [] if kind == "delete" else put
    return edited


def edit_scattered(units: list[str], chance: random.Random) -> list[str]:
    edited = list(units)
    for _ in range(max(1, int(len(units) * chance.uniform(0.01, 0.03)))):
        edited[chance.randrange(len(edited))] = chance.choice(units)
    return edited


def truncate(units: list[str], chance: random.Random) -> list[str]:
    return units[: max(1, int(len(units) * chance.uniform(0.75, 0.95)))]


def add_notice(units: list[str], chance: random.Random) -> list[str]:
    notice = chance.choice(NOTICES)
    return [notice, "\n", *units] if chance.random() < 0.5 else [*units, "\n", notice]


EDITS = {
    "exact": lambda units, _: units,
    "span": edit_spans,
    "scattered": edit_scattered,
    "truncated": truncate,
    "boilerplate": add_notice,
}


def rewrite(text: str, seed: int) -> str:
    """The text with so many characters changed that it is no near-duplicate of what it was.

    Of a text that is mostly Han 15 %, of another 3 %: about 0.3 of its shingles of five stay.
    """
    chance = np.random.default_rng(seed)
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    visible = np.flatnonzero(points > ord(" "))
    if not visible.size:
        return text
    share = 0.15 if is_han(text) else 0.03
    changed = visible[chance.random(visible.size) < share]
    edited = points.copy()
    edited[changed] = points[chance.choice(visible, changed.size)]
    return edited.tobytes().decode("utf-32-le")


def shuffle_sentences(texts: Sequence[str], size: int, seed: int) -> list[str]:
    """Documents of sentences drawn at random from the texts, `size` bytes of them in all."""
    sentences = [s for text in texts for s in re.split(r"(?<=[。！？\n])|(?<=[.!?]\s)", text) if s]
    chance, found, done = random.Random(seed), [], 0
    while done < size:
        found.append("".join(chance.choices(sentences, k=chance.randint(5, 40))))
        done += len(found[-1].encode())
    return found


def write_records(path: Path, records: Iterable[Planted], *, truth: Path | None = None) -> int:
    """Write a JSONL corpus, and where wanted the truth (id, origin, kind); the bytes of text."""
    written, planted = 0, []
    with path.open("w", encoding="utf-8") as out:
        for record in records:
            row = {"id": record.id, "text": record.text}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += len(record.text.encode())
            if truth and record.kind:
                planted.append({"id": record.id, "origin": record.origin, "kind": record.kind})
    if truth:
        truth.write_text("".join(json.dumps(row) + "\n" for row in planted), encoding="utf-8")
    return written
