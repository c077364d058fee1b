"""Broken pipeline files, made from whole ones by one seeded change each."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

SAMPLE = """\
[pipeline]
name = "sample"
seed = 42
shard_bytes = "16 MiB"

# [[source]] in a comment is none
[[source]]
name = "medical"
path = "medical/*.jsonl.zst"
text = "content"
max_record_bytes = "8 MiB"

[[source]]
name = "general"
path = ["general/a.csv", "general/b.csv"]
text = "body"
encoding = "gb18030"
delimiter = ","

[[stage]]
use = "clean.unicode"
private_use = "drop"
fold_width = true

[[stage]]
use = "filter.language"
keep = [
  "zh",
  "en",
]
min_score = 0.4

[[stage]]
use = "filter.length"
only = ["medical"]
min_chars = 50
max_chars = 100_000

[[stage]]
use = "dedup.minhash"
threshold = 0.8
keep = "longest"
num_perm = 64

[[stage]]
use = "mix.weighted"
unit = "tokens"
weights = { medical = 1, general = 4 }
max_epochs = 2.0

[[stage]]
use = "split.random"
val = 0.05
test = 100
stratify = ["source"]

[output]
path = "out/sample"
format = "text"
compression = "zst"
max_file_bytes = "1 GiB"
rejects = "full"
"""

PAIR = re.compile(
    r"""(?P<key>[a-z_]+)[ ]=[ ]
        (?P<value>"[^"]*"|'[^']*'|[^"'#][^#]*[^#\s]|[^"'#\s])
        (?P<rest>\s*(?:\#.*)?)""",
    re.VERBOSE,
)
HEADER = re.compile(r"\[\[?(?P<name>[a-z.]+)\]\]?")
REQUIRED = {"source": ("name", "path"), "stage": ("use", "weights"), "output": ("path",)}
OUT_OF_RANGE = {
    "seed": "-1",
    "shard_bytes": '"1 KiB"',
    "threshold": "1.5",
    "num_perm": "0",
    "min_chars": "1_000_000",
    "min_score": "1.5",
    "val": "1.5",
    "test": "-3",
    "weights": "{ medical = -1 }",
    "max_epochs": "-2",
    "max_file_bytes": "0",
    "encoding": '"gb18031"',
    "path": '""',
    "name": '"no/slash"',
    "only": "[]",
}
CHOICES = ("private_use", "keep", "unit", "rejects", "compression", "format", "use")


@dataclass(frozen=True)
class Line:
    """A line with a key, or a header: its number from 1, and the number of its table's header."""

    number: int
    header: int
    table: str
    key: str
    value: str
    rest: str


@dataclass(frozen=True)
class Broken:
    """A broken text and the lines on which mistakes must be reported."""

    kind: str
    text: str
    lines: frozenset[int]


def read_lines(text: str) -> list[Line]:
    """Lines of the text that hold a whole `key = value`, or a header."""
    found, table, header = [], "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        if match := HEADER.match(line):
            table, header = match["name"], number
            found.append(Line(number, header, table, "", "", line[match.end() :]))
        elif (match := PAIR.fullmatch(line)) and match["value"] != "[":
            found.append(Line(number, header, table, *match.group("key", "value", "rest")))
    # The keys below a header like [stage.rules] are the user's own.
    return [line for line in found if "." not in line.table]


def typo(word: str, rng: random.Random) -> str:
    """The word with a letter lost, doubled, or two letters exchanged."""
    at = rng.randrange(len(word) - 1)
    ways = [
        word[:at] + word[at + 1 :],
        word[:at] + word[at] * 2 + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ]
    return rng.choice([way for way in ways if way != word])


def put(text: str, number: int, *lines: str) -> str:
    """The text with line `number` replaced by `lines`."""
    old = text.split("\n")
    return "\n".join([*old[: number - 1], *lines, *old[number:]])


Mutation = Callable[[str, list[Line], random.Random], tuple[str, set[int]] | None]


def with_pair(change: Callable[[Line, random.Random], str | None]) -> Mutation:
    """A mutation that rewrites one `key = value`, reported on its line."""

    def mutate(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]] | None:
        line = rng.choice([line for line in lines if line.key])
        changed = change(line, rng)
        return (put(text, line.number, changed), {line.number}) if changed else None

    return mutate


def wrong_type(line: Line, rng: random.Random) -> str:
    kinds = {'"': "12345", "'": "12345", "[": "7", "{": "[true]", "t": '"yes"', "f": '"no"'}
    wrong = '"much"' if line.key.endswith("_bytes") else kinds.get(line.value[0], '"much"')
    return f"{line.key} = {wrong}{line.rest}"


def out_of_range(line: Line, rng: random.Random) -> str | None:
    if line.key not in OUT_OF_RANGE:
        return None
    if line.key == "keep" or (line.table == "pipeline" and line.key == "name"):
        return None
    return f"{line.key} = {OUT_OF_RANGE[line.key]}{line.rest}"


def wrong_choice(line: Line, rng: random.Random) -> str | None:
    is_choice = line.key in CHOICES and line.value.startswith('"')
    return f'{line.key} = "{typo(line.value[1:-1], rng)}"{line.rest}' if is_choice else None


def open_end(line: Line, rng: random.Random) -> str | None:
    """A quote or bracket that is not closed."""
    return f"{line.key} = {line.value[:-1]}" if line.value[-1] in "\"']}" else None


def open_start(line: Line, rng: random.Random) -> str | None:
    return f"{line.key} = {line.value[1:]}" if line.value[0] == '"' else None


def typo_in_header(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]]:
    # A [stage.rules] below would go to the stage before and be reported there as well.
    whole = [number for number, line in enumerate(text.split("\n"), 1) if HEADER.match(line)]
    plain = {line.number for line in lines if not line.key}
    safe = {a for a, b in zip(whole, [*whole[1:], 0], strict=True) if b == 0 or b in plain}
    line = rng.choice([line for line in lines if not line.key and line.number in safe])
    old = text.split("\n")[line.number - 1]
    changed = old.replace(line.table, typo(line.table, rng), 1)
    return put(text, line.number, changed), {line.number}


def open_header(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]]:
    line = rng.choice([line for line in lines if not line.key])
    old = text.split("\n")[line.number - 1]
    return put(text, line.number, old.replace("]", "", 1)), {line.number}


def lost_key(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]] | None:
    """Reported on the header's line."""
    line = rng.choice([line for line in lines if line.key in REQUIRED.get(line.table, ())])
    return put(text, line.number, ""), {line.header}


def doubled_key(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]]:
    """Reported where it stands the second time."""
    line = rng.choice([line for line in lines if line.key])
    pair = f"{line.key} = {line.value}"
    return put(text, line.number, pair, pair), {line.number + 1}


def doubled_source(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]] | None:
    names = [line for line in lines if line.table == "source" and line.key == "name"]
    if len(names) < 2:
        return None
    first, second = names[:2]
    broken = put(text, second.number, f"name = {first.value}")
    # Stages that were for the source that has lost its name are reported as well.
    only = {line.number for line in lines if line.key == "only" and second.value in line.value}
    return broken, {second.number} | only


def unknown_only(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]]:
    line = rng.choice([line for line in lines if line.key == "use"])
    others = {n.key for n in lines if n.header == line.header}
    if "only" in others:
        line = next(n for n in lines if n.header == line.header and n.key == "only")
        return put(text, line.number, 'only = ["nobody"]'), {line.number}
    use = f"use = {line.value}"
    return put(text, line.number, use, 'only = ["nobody"]'), {line.number + 1}


def unknown_key(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]]:
    line = rng.choice([line for line in lines if line.key])
    old = f"{line.key} = {line.value}"
    return put(text, line.number, old, "wholly_unknown = 1"), {line.number + 1}


def reader_as_stage(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]]:
    line = rng.choice([line for line in lines if line.key == "use"])
    return put(text, line.number, 'use = "ingest.jsonl"'), {line.number}


def lost_suffix(text: str, lines: list[Line], rng: random.Random) -> tuple[str, set[int]]:
    line = rng.choice([line for line in lines if (line.table, line.key) == ("source", "path")])
    return put(text, line.number, 'path = "folder"'), {line.number}


MUTATIONS: dict[str, Mutation] = {
    "typo in key": with_pair(lambda n, rng: f"{typo(n.key, rng)} = {n.value}{n.rest}"),
    "wrong type": with_pair(wrong_type),
    "out of range": with_pair(out_of_range),
    "wrong choice": with_pair(wrong_choice),
    "not closed": with_pair(open_end),
    "not opened": with_pair(open_start),
    "no equals sign": with_pair(lambda n, rng: f"{n.key} {n.value}"),
    "bare word": with_pair(lambda n, rng: f"{n.key} = bare_word"),
    "no value": with_pair(lambda n, rng: f"{n.key} ="),
    "typo in header": typo_in_header,
    "header not closed": open_header,
    "lost key": lost_key,
    "doubled key": doubled_key,
    "doubled source": doubled_source,
    "unknown only": unknown_only,
    "unknown key": unknown_key,
    "reader as stage": reader_as_stage,
    "lost suffix": lost_suffix,
}


def break_pipelines(texts: list[str], count: int, seed: int = 1) -> list[Broken]:
    """`count` different broken files, all kinds in turn."""
    rng = random.Random(seed)
    found: dict[str, Broken] = {}
    kinds = list(MUTATIONS)
    turn = 0
    while len(found) < count:
        kind, text = kinds[turn % len(kinds)], rng.choice(texts)
        turn += 1
        mutated = MUTATIONS[kind](text, read_lines(text), rng)
        if mutated and mutated[0] not in found:
            found[mutated[0]] = Broken(kind, mutated[0], frozenset(mutated[1]))
    return list(found.values())
