"""Digests: under which name work is stored, so that it is found again only if nothing changed."""

import ast
import hashlib
import inspect
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from datakit.plan import Step
from datakit.stage import WRITES, Stage


def digest_of(*parts: Any) -> str:
    """Digest of anything JSON can hold: 40 hexadecimal digits, stable across machines."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def settings_of(stage: Any) -> Any:
    """A stage's settings as plain values that JSON can hold, without those that only say where
    something is written (`stage.WRITES` in the field's metadata).
    """
    if not is_dataclass(stage) or isinstance(stage, type):
        return repr(stage)
    written = {field.name for field in fields(stage) if field.metadata.get(WRITES)}
    return {name: value for name, value in asdict(stage).items() if name not in written}


def _plain(value: Any) -> Any:
    """What JSON has no form for; a file that a setting names counts by its content."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Path) and value.is_file():
        return [str(value), _hash_file(value)]
    return str(value)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def step_identity(step: Step) -> list[Any]:
    """What decides a step's results: its stage, and the sources it is for."""
    return [step.name, step.only, stage_identity(step.stage)]


def stage_identity(stage: Stage | Any) -> list[Any]:
    """What decides the results of a stage or a source: class, settings, the content of the files
    it reads, versions, a user's own source code.
    """
    kind = type(stage)
    versions = {name: _version(name) for name in getattr(stage, "libraries", ())}
    code = {} if kind.__module__.startswith("datakit.") else _source_code(kind)
    read = [_hash_file(path) for path in getattr(stage, "files", ())]
    settings = [settings_of(stage), *([read] if read else [])]
    return [f"{kind.__module__}:{kind.__qualname__}", *settings, versions, code]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def _source_code(kind: type) -> dict[str, str]:
    """The code of a user's class by module: its own, those of its bases, and what these import
    from beside them.
    """
    found: dict[str, str] = {}
    waiting = [sys.modules.get(base.__module__) for base in kind.__mro__]
    own = waiting[0]
    while waiting:
        module = waiting.pop()
        if module is None or module.__name__ in found or not _is_beside(module, own):
            continue
        try:
            found[module.__name__] = code = inspect.getsource(module)
        except (OSError, TypeError):
            continue
        waiting += [sys.modules.get(name) for name in _imported(code, module.__package__ or "")]
    return found


def _is_beside(module: ModuleType, own: ModuleType | None) -> bool:
    """Whether a module is of the same package as another, or lies in the same folder."""
    files = [getattr(each, "__file__", None) for each in (module, own)]
    if own is None or None in files:
        return module is own
    same_folder = Path(str(files[0])).parent == Path(str(files[1])).parent
    return same_folder or module.__name__.split(".")[0] == own.__name__.split(".")[0]


def _imported(code: str, package: str) -> Iterator[str]:
    """The names of modules that code imports; of `from a import b`, both `a` and `a.b`."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(
                [*(above if node.level else []), *([node.module] if node.module else [])]
            )
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
