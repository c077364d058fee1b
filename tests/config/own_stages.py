"""Stages as a user would write them, for tests of what a pipeline file can say about them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from datakit.errors import SettingsError


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything:
    """One setting of each kind.

    More text.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    adds: ClassVar[frozenset[str]] = frozenset()

    count: int
    share: float = 0.5
    flag: bool = False
    mode: Literal["first", "longest"] = "first"
    names: list[str] = field(default_factory=list)
    pair: tuple[str, int] = ("a", 1)
    priority: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)
    cap: float | dict[str, float] = 1.0
    size: int | float = 1
    limit_bytes: int | None = None
    model: Path | None = None
    seed: int | None = None

    def map(self, batch):
        return batch

    def __post_init__(self):
        if self.count < 0:
            raise SettingsError("count", f"{self.count} is less than 0", "leave it out")
        if "bad" in self.weights:
            raise SettingsError("weights.bad", "not this one")
        if self.share > 1:
            raise ValueError("share above 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Unresolved:
    """An annotation that names nothing."""

    x: "Nowhere" = None  # noqa: F821


class Plain:
    """No dataclass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A source that reads nothing."""

    adds: ClassVar[frozenset[str]] = frozenset({"text"})
    name: str
    path: str | list[str]

    def inputs(self):
        return []

    def shards(self, shard_bytes):
        return []

    def read(self, shard):
        return iter(())

    def unpack(self, shard, folder, shard_bytes):
        return []


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """A sink that writes nothing."""

    needs: ClassVar[frozenset[str]] = frozenset()
    suffix: ClassVar[str] = ".none"
    level: int = 3

    def reject(self, batch):
        return batch

    def encode(self, batch):
        return batch

    def write(self, tables, path):
        pass
