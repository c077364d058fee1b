"""Conversations of a column, in whatever form, as flat messages.

Each row goes to the reader of its form (`columns.py`); what that is not sure of, and what has tool
calls or escapes that need care, is read one by one (`dialects.py`), which also names the faults.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
import polars as pl

from datakit.stages.format.columns import (
    Read,
    read_history,
    read_objects,
    read_text,
    read_utterances,
)
from datakit.stages.format.dialects import read_conversation
from datakit.stages.format.flags import SPECIAL
from datakit.stages.format.roles import FUNCTION_CALL, Names, prefix_pattern
from datakit.stages.format.tool_calls import FaultyConversationError, Said
from datakit.stages.format.turns import FAULTS, FLAT

SMALL = 64
"""Rows not worth halving once more to find the one that cannot be decoded."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Flat messages (`FLAT`), in the order of the rows, and the rows that could not be read
    (`FAULTS`).
    """

    flat: pl.DataFrame
    faults: pl.DataFrame


def decode(values: pl.Series, names: Names, *, dialect: str = "auto") -> Decoded:
    """Read the conversations in a String column.

    Faults: `missing_conversation`, `empty_conversation`, `malformed_conversation`, `wrong_type`,
    `nul_character`, `unknown_role`, `broken_tool_call`.
    """
    rows = pl.DataFrame({"raw": values}).with_row_index("row")
    rows = rows.with_columns(_kind(names, dialect).alias("kind"))
    flats, faults = [pl.DataFrame(schema=FLAT)], [pl.DataFrame(schema=FAULTS)]
    for (kind,), part in rows.partition_by("kind", as_dict=True, include_key=False).items():
        if kind in ("missing", "empty"):
            faults.append(_faults(part, f"{kind}_conversation"))
            continue
        flat, left = _read(str(kind), part, names)
        flats.append(flat)
        if kind == "text":
            faults.append(_faults(left, "malformed_conversation", error="no speaker found"))
        elif left.height:
            flat, fault = _read_one_by_one(left, names, dialect)
            flats.append(flat)
            faults.append(fault)
    flat = pl.concat(flats)
    return Decoded(flat.sort("row", maintain_order=True), pl.concat(faults))


def _kind(names: Names, dialect: str) -> pl.Expr:
    """The form of each row, as its first bytes tell; `json` where that takes a closer look."""
    raw = pl.col("raw").str
    tools = [f'"{name}"' for name, role in names.items() if role in ("tool", FUNCTION_CALL)]
    special = [*tools, '"tool_calls"', '"tool_call_id"', '"name"', *(f'"{m}"' for m in SPECIAL)]
    is_special = raw.contains_any(special, ascii_case_insensitive=True)
    objects = raw.contains(r"^\s*\[\s*\{")
    kind = (
        pl.when(pl.col("raw").is_null())
        .then(pl.lit("missing"))
        .when(raw.contains(r"^\s*(?:\[\s*\]\s*)?$"))
        .then(pl.lit("empty"))
    )
    if dialect in ("auto", "prefixed"):
        kind = kind.when(~raw.contains(r"^\s*[\[{]")).then(pl.lit("text"))
    kind = kind.when(raw.contains(r"\\u(?:0000|[dD][89abAB])")).then(pl.lit("json"))
    forms = {
        "openai": objects & ~is_special & raw.contains('"role"', literal=True),
        "sharegpt": objects & ~is_special & raw.contains('"from"', literal=True),
        "history": raw.contains(r"^\s*\[\s*\["),
        "prefixed": raw.contains(r'^\s*\[\s*"'),
    }
    for name, applies in forms.items():
        if dialect in ("auto", name):
            kind = kind.when(applies).then(pl.lit(name))
    return kind.otherwise(pl.lit("json"))


def _read(kind: str, rows: pl.DataFrame, names: Names) -> Read:
    readers: dict[str, Callable[[pl.DataFrame], Read]] = {
        "openai": lambda part: read_objects(part, names, "openai"),
        "sharegpt": lambda part: read_objects(part, names, "sharegpt"),
        "history": read_history,
        "prefixed": lambda part: read_utterances(part, names),
        "text": lambda part: read_text(part, names),
    }
    if kind not in readers:
        return pl.DataFrame(schema=FLAT), rows
    parts = list(_guarded(readers[kind], rows))
    return pl.concat([flat for flat, _ in parts]), pl.concat([left for _, left in parts])


def _guarded(read: Callable[[pl.DataFrame], Read], rows: pl.DataFrame) -> Iterator[Read]:
    """What `read` gives; where it refuses a batch, that of its halves, down to a few rows."""
    try:
        yield read(rows)
        return
    except pl.exceptions.ComputeError:
        if rows.height <= SMALL:
            yield pl.DataFrame(schema=FLAT), rows
            return
    middle = rows.height // 2
    yield from _guarded(read, rows[:middle])
    yield from _guarded(read, rows[middle:])


def _read_one_by_one(
    rows: pl.DataFrame, names: Names, dialect: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    prefix = re.compile(rf"\s*{prefix_pattern(names)}\s*", re.IGNORECASE)
    messages: list[tuple[object, ...]] = []
    faults: list[tuple[int, str, str]] = []
    for row, raw in rows.iter_rows():
        try:
            said = read_conversation(raw, names, dialect=dialect, prefix=prefix)
            _refuse_nul(said)
        except FaultyConversationError as fault:
            faults.append((row, fault.reason, orjson.dumps(fault.values).decode()))
        else:
            messages += [(row, *message) for message in said]
    flat = pl.DataFrame(messages, schema=FLAT, orient="row")
    return flat, pl.DataFrame(faults, schema=FAULTS, orient="row")


def _refuse_nul(said: list[Said]) -> None:
    for message in said:
        if "\0" in (message.content or ""):
            raise FaultyConversationError("nul_character", message=message.number)


def _faults(rows: pl.DataFrame, reason: str, **values: object) -> pl.DataFrame:
    text = orjson.dumps(values).decode() if values else None
    return rows.select(
        "row",
        pl.lit(reason).alias("reason"),
        pl.lit(text, dtype=pl.String).alias("values"),
    ).cast(FAULTS)  # type: ignore[arg-type]
