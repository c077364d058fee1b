"""Digests: under which name work is stored, so that it is found again only if nothing changed."""

import hashlib
import inspect
import json
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from datakit.plan import Step
from datakit.stage import Stage


def digest_of(*parts: Any) -> str:
    """Digest of anything JSON can hold: 40 hexadecimal digits, stable across machines."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def settings_of(stage: Any) -> Any:
    """A stage's settings as plain values that JSON can hold."""
    return asdict(stage) if is_dataclass(stage) and not isinstance(stage, type) else repr(stage)


def _plain(value: Any) -> Any:
    """What JSON has no form for; a file that a setting names counts by its content."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Path) and value.is_file():
        with value.open("rb") as file:
            return [str(value), hashlib.file_digest(file, "sha256").hexdigest()]
    return str(value)


def step_identity(step: Step) -> list[Any]:
    """What decides a step's results: its stage, and the sources it is for."""
    return [step.name, step.only, stage_identity(step.stage)]


def stage_identity(stage: Stage | Any) -> list[Any]:
    """What decides a stage's results: class, settings, versions, a user's own source code."""
    kind = type(stage)
    versions = {name: _version(name) for name in getattr(stage, "libraries", ())}
    code = "" if kind.__module__.startswith("datakit.") else _source_code(kind)
    files = [_plain(path) for path in getattr(stage, "files", ())]
    identity = [f"{kind.__module__}:{kind.__qualname__}", settings_of(stage), versions, code]
    return [*identity, files] if files else identity


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def _source_code(kind: type) -> str:
    try:
        return inspect.getsource(inspect.getmodule(kind) or kind)
    except (OSError, TypeError):
        return ""
