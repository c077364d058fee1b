"""A checked pipeline: what a pipeline file says, with every stage built."""

from dataclasses import dataclass, field
from typing import Literal

from datakit.stage import Sink, Source, Stage

DEFAULT_SEED = 42
DEFAULT_SHARD_BYTES = 32 << 20
LEAST_SHARD_BYTES, MOST_SHARD_BYTES = 64 << 10, 1 << 30
DEFAULT_FILE_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedSource:
    """One `[[source]]`: `stage_name` is its reader, such as `ingest.jsonl`."""

    name: str
    stage_name: str
    source: Source
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedStage:
    """One `[[stage]]`: `index` counts from 1; `only` names the sources it is for (None: all)."""

    name: str
    index: int
    stage: Stage
    only: tuple[str, ...] | None
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """The `[output]` table without the settings of the sink.

    `format` is the sink's name, such as `write.jsonl`. A file ends before the record that would
    make it larger than `max_file_bytes`; with `single_file`, each split is one file. Rejects keep
    an excerpt of their text, or all of it.
    """

    path: str
    format: str
    max_file_bytes: int = DEFAULT_FILE_BYTES
    single_file: bool = False
    rejects: Literal["excerpt", "full"] = "excerpt"
    line: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """A pipeline file, read and checked; `file` is its path as the user gave it."""

    name: str
    file: str
    sources: tuple[NamedSource, ...]
    stages: tuple[NamedStage, ...]
    output: Output
    sink: Sink
    seed: int = DEFAULT_SEED
    shard_bytes: int = DEFAULT_SHARD_BYTES
    description: str = field(default="", compare=False)
