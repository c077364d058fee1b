"""Cutting the input into shards: the list of shards of all sources, in reading order.

A compressed file of some size is unpacked by one task into pieces that all workers can read.
The layout depends on the input and on `shard_bytes`, never on the number of workers.
"""

import pickle
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from datakit.executors.digests import digest_of, stage_identity
from datakit.executors.local import Done
from datakit.executors.reading import list_shards
from datakit.executors.workdir import task_directory
from datakit.plan import Plan
from datakit.stage import Shard, Source

PACKED_SHARE = 4
"""A packed shard is unpacked first if it is larger than `shard_bytes` over this: text compresses
three- to fivefold."""


@dataclass(frozen=True, slots=True)
class ShardOf:
    """A shard and the source it belongs to (its place in the plan)."""

    source: int
    shard: Shard


@dataclass(frozen=True, kw_only=True, slots=True)
class UnpackTask:
    """One packed shard to be unpacked."""

    source: Source
    shard: Shard
    shard_bytes: int
    folder: Path
    tmp_root: Path

    @property
    def label(self) -> str:
        """What the task works on, for messages."""
        return f"unpacking {self.shard.file}, source {self.source.name}"


def source_digest(source: Source, *, shard_bytes: int) -> str:
    """Digest of a source's reader and settings, the identity of its input, and the cut."""
    inputs = [asdict(file) for file in source.inputs()]
    return digest_of("source", stage_identity(source), inputs, shard_bytes)


def first_cut(plan: Plan) -> list[ShardOf]:
    """The shards of all sources as the files lie."""
    shard_bytes = plan.pipeline.shard_bytes
    return [
        ShardOf(number, shard)
        for number, source in enumerate(plan.sources)
        for shard in list_shards(source, shard_bytes)
    ]


def needs_unpacking(shard: Shard, shard_bytes: int) -> bool:
    """Whether a shard would keep one worker busy for long while the others wait."""
    return shard.packed and shard.size > shard_bytes // PACKED_SHARE


def unpack(task: UnpackTask) -> Done:
    """Unpack a shard into a directory, with the list of its pieces beside them."""
    if not task.folder.is_dir():
        with task_directory(task.folder, task.tmp_root) as folder:
            pieces = task.source.unpack(task.shard, folder, task.shard_bytes)
            named = [replace(p, path=p.path.relative_to(folder)) for p in pieces]
            (folder / "shards.pickle").write_bytes(pickle.dumps(named))
    return Done(task.shard.size)


def unpacked_shards(folder: Path) -> list[Shard]:
    """The pieces that an unpack task left in its directory."""
    # Written by this program into its own work directory, under a digest.
    named: Sequence[Shard] = pickle.loads((folder / "shards.pickle").read_bytes())  # noqa: S301
    return [replace(piece, path=folder / piece.path) for piece in named]
