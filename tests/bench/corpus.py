"""Corpora for benchmarks: any JSONL file of documents, else text made from the sample data.

A larger corpus repeats the documents with new ids and, unless told otherwise, a few seeded edits,
so that it neither compresses nor deduplicates to nothing.
"""

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from planted import is_han

SAMPLES = Path(__file__).parents[2] / "sample_data"


def documents(paths: Sequence[Path]) -> list[str]:
    """The texts of JSONL files (field `text`), or of the sample data's books and pages."""
    if paths:
        return [text for path in paths for text in read_texts(path)]
    return [text for texts in sample_texts().values() for text in texts]


def sample_texts() -> dict[str, list[str]]:
    """The sample data's books and pages in pieces of 3,000 characters: `zh` and `en`."""
    found: dict[str, list[str]] = {"zh": [], "en": []}
    for path in sorted(SAMPLES.rglob("*")):
        if path.suffix in (".md", ".txt") and path.name != "README.md":
            data = path.read_bytes()
            try:
                text = data.decode()
            except UnicodeDecodeError:
                text = data.decode("gb18030", errors="ignore")
            pieces = [text[start : start + 3000] for start in range(0, len(text), 3000)]
            found["zh" if is_han(text) else "en"] += pieces
    return found


def read_texts(path: Path) -> list[str]:
    """Texts of JSON Lines, or of lines of "id text"."""
    with path.open(encoding="utf-8") as lines:
        return [
            json.loads(line)["text"] if line.startswith("{") else line.split(" ", 1)[1]
            for line in lines
        ]


def draw(texts: Sequence[str], size: int, seed: int) -> list[str]:
    """Texts in random order, `size` bytes of them if there are as many."""
    order = random.Random(seed).sample(texts, len(texts))
    ends = itertools.accumulate(len(text.encode()) for text in order)
    return [text for text, end in zip(order, ends, strict=True) if end <= size]


def grow(texts: Sequence[str], size: int, *, edit: bool = True, seed: int = 1) -> Iterator[str]:
    """Texts until `size` bytes: first as they are, then again, with `edit` each time a number in
    a new line for every ten lines.
    """
    chance, done, turn = random.Random(seed), 0, 0
    while done < size:
        for text in texts:
            if done >= size:
                return
            if turn and edit:
                lines = text.split("\n")
                for _ in range(1 + len(lines) // 10):
                    lines.insert(chance.randrange(len(lines)), f"{chance.random():.12f}")
                text = "\n".join(lines)
            done += len(text.encode())
            yield text
        turn += 1


def write_corpus(path: Path, paths: Sequence[Path], size: int, *, edit: bool = True) -> int:
    """Write a JSONL corpus of about `size` bytes of text; the bytes of text in it."""
    written = 0
    with path.open("w", encoding="utf-8") as out:
        for number, text in enumerate(grow(documents(paths), size, edit=edit)):
            row = {"id": f"d{number}", "text": text, "source": "bench"}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += len(text.encode())
    return written
