"""What the sinks for trainers share: containers, checks, reasoning and special tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import polars as pl
import pyarrow as pa

from datakit.conversations.tokens import split_in_batch
from datakit.errors import DatakitError, SettingsError
from datakit.records import LABEL, MESSAGES, REJECTED, TEXT, Batch, Columns, Table
from datakit.stages.write.faults import (
    Fault,
    conversation_faults,
    spoken_call_fault,
    text_faults,
    verdicts,
    with_code,
)
from datakit.stages.write.line_files import encode_lines, guard_dates, lines_table, write_lines
from datakit.stages.write.message_faults import (
    answer_faults,
    flag_faults,
    judged_faults,
    record_weight_faults,
    token_faults,
    tools_faults,
    trained_faults,
    weight_faults,
)
from datakit.stages.write.parquet_files import typed_table, write_parquet
from datakit.stages.write.reasoning import inline_reasoning
from datakit.text.special_tokens import SPECIAL_TOKENS

NEEDS = {
    "text": frozenset({TEXT}),
    "chat": frozenset({MESSAGES}),
    "preference": frozenset({MESSAGES, REJECTED}),
    "feedback": frozenset({MESSAGES, LABEL}),
}


class Holds(NamedTuple):
    """What a layout has a place for; `kind` is the kind of its records."""

    kind: Literal["text", "chat", "preference", "feedback"]
    tools: bool = False
    spoken_calls: bool = False
    system: bool = True
    turns: bool = True
    flags: bool = False
    weights: bool = False
    all_answers: bool = True
    """Whether all answers are trained, not the last alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainerSettings:
    """The settings and methods that all sinks for trainers have; a sink says in `holds` what its
    layout has a place for and makes its columns in `shape`.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "pyarrow")

    special_tokens: Literal["refuse", "split", "allow"] = "refuse"

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        raise NotImplementedError

    @property
    def tokens(self) -> Sequence[str]:
        """Texts that are live to the trainer wherever they stand."""
        return SPECIAL_TOKENS

    @property
    def is_parquet(self) -> bool:
        """Whether the files are Parquet, not JSON Lines."""
        return getattr(self, "container", "jsonl") == "parquet"

    @property
    def keeps_reasoning(self) -> bool:
        """Whether reasoning has a field of its own; else it stands before the content."""
        return False

    def shape(self, batch: Batch) -> Table:
        """The columns of the output, in a fixed order and with fixed types."""
        raise NotImplementedError

    def lines(self, batch: Batch) -> pa.LargeBinaryArray:
        """The records as lines of JSON."""
        return encode_lines(self.shape(batch))

    @property
    def own_faults(self) -> list[Fault]:
        """Faults of this trainer alone."""
        return []

    @property
    def suffix(self) -> str:
        """`.parquet` or `.jsonl`."""
        return ".parquet" if self.is_parquet else ".jsonl"

    @property
    def needs(self) -> Columns:
        """The columns that the layout is made from."""
        return NEEDS[self.holds.kind]

    def reject(self, batch: Batch) -> Table:
        """`reason`, and where: `message` (from 1) with its `role`, or `column`."""
        batch, holds = self._prepared(batch), self.holds
        refused = self.tokens if self.special_tokens == "refuse" else ()
        weighed = [] if holds.weights else record_weight_faults(batch)
        if holds.kind == "text":
            tokens = token_faults(batch, (TEXT,), refused)
            return verdicts(batch, [*text_faults(), *weighed, *tokens])
        faults = conversation_faults(
            tools=holds.tools, one_turn=not holds.turns, system=holds.system
        )
        faults += [*tools_faults(batch, holds.tools), *self.own_faults]
        if not holds.spoken_calls:
            faults.append(spoken_call_fault())
        if holds.kind == "chat":
            faults += judged_faults(batch)
        else:
            faults += answer_faults(batch, holds.kind, calls=holds.spoken_calls)
        flags = trained_faults() if holds.flags else flag_faults(all_answers=holds.all_answers)
        faults += [*flags, *([] if holds.weights else weight_faults()), *weighed]
        tokens = token_faults(batch, (MESSAGES, REJECTED), refused)
        return verdicts(with_code(batch), [*faults, *tokens])

    def encode(self, batch: Batch) -> pa.Table:
        """The records in the trainer's layout, and `_size`."""
        batch = self._prepared(batch)
        if self.is_parquet:
            return typed_table(self.shape(batch))
        return lines_table(self.lines(batch))

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Write one file."""
        if self.is_parquet:
            write_parquet(tables, path)
        else:
            write_lines(guard_dates(tables, path), path)

    def _prepared(self, batch: Batch) -> Batch:
        if LABEL in self.needs and batch.schema[LABEL] != pl.Boolean:
            raise DatakitError(
                f"the column {LABEL!r} must be true or false, but holds {batch.schema[LABEL]}; "
                "add format.feedback before the output"
            )
        if not self.keeps_reasoning:
            batch = inline_reasoning(batch)
        if self.special_tokens == "split":
            batch = split_in_batch(batch, self.tokens)
        return batch


def check_container(settings: TrainerSettings, *, parquet_only: bool, key: str) -> None:
    """Refuse JSON Lines for what they cannot hold safely.

    Raises:
        SettingsError: for `key`.
    """
    if parquet_only and not settings.is_parquet:
        why = "in JSON Lines it makes lists and nulls that `datasets` guesses wrong types for"
        raise SettingsError(key, why, 'use container = "parquet"')
