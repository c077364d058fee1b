"""Which files a source reads, what they are called in record ids, and how their bytes are got at.

A file's *name* is its path relative to the fixed leading directory of what the pipeline names:
for `books/**/*.txt` and for the directory `books` the name of `books/tang/a.txt` is `tang/a.txt`,
for the single file `books/tang/a.txt` it is `a.txt`. So ids stay the same when the corpus moves.
"""

import difflib
import glob
import io
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from datakit.errors import DatakitError, UsageError
from datakit.stage import InputFile

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An input file: where it is, its name in ids (posix form), its size in bytes as it lies."""

    path: Path
    name: str
    size: int


def find_files(path: str | list[str], suffixes: tuple[str, ...]) -> list[FoundFile]:
    """The files that `path` names, sorted by name, each once.

    A path is a file (of any suffix), a directory (searched recursively for files that end in one
    of `suffixes`, also with `.gz` or `.zst` after it; hidden files are passed over) or a glob
    (`**` goes through directories; whatever file it matches is taken). Where two files of a list
    of paths would have one name, as much of their paths is added as tells them apart.

    Raises:
        UsageError: a path matches nothing; the message says where was looked, and what is near.
    """
    found: dict[str, str] = {}
    for pattern in [path] if isinstance(path, str) else path:
        matches = _match(pattern, suffixes)
        if not matches:
            raise UsageError(_nothing_found(pattern, suffixes))
        for location, name in matches:
            found.setdefault(location, name)
    files = [
        FoundFile(Path(location), _printable(name), Path(location).stat().st_size)
        for location, name in _tell_apart(found).items()
    ]
    return sorted(files, key=lambda file: (file.name, str(file.path)))


def input_identity(files: Sequence[FoundFile]) -> list[InputFile]:
    """What tells whether the files are still the same: size and modification time.

    Raises:
        DatakitError: a file has gone since it was found.
    """
    try:
        return [
            InputFile(path=str(f.path), size=f.size, version=str(f.path.stat().st_mtime_ns))
            for f in files
        ]
    except OSError as error:
        raise DatakitError(f"cannot read {error.filename}: {error.strerror}") from error


def compression_of(path: Path) -> str | None:
    """`gzip`, `zstd` or None, by the suffix `.gz` or `.zst`, else by the file's first bytes.

    Raises:
        DatakitError: the file cannot be opened.
    """
    by_suffix = COMPRESSIONS.get(path.suffix.lower())
    if by_suffix:
        return by_suffix
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise DatakitError(f"cannot read {path}: {error.strerror}") from error
    return next((name for name, magic in MAGIC.items() if start.startswith(magic)), None)


def is_compressed(path: Path) -> bool:
    """Whether `open_bytes` has to decompress the file, so that no part of it can be sought."""
    return compression_of(path) is not None


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes, decompressed (gzip of several members and zstd of several frames too).

    Raises:
        DatakitError: the file cannot be opened, or, while it is read, is damaged or cut short.
    """
    compression = compression_of(path)
    try:
        raw: BinaryIO = path.open("rb", buffering=0)
        if compression and os.fstat(raw.fileno()).st_size:
            raw = pa.input_stream(raw, compression=compression, buffer_size=BUFFER_BYTES)
    except OSError as error:
        raise DatakitError(f"cannot read {path}: {error.strerror or error}") from error
    return io.BufferedReader(_Guarded(raw, path, compression), BUFFER_BYTES)


class _Guarded(io.RawIOBase):
    """A stream whose failures name the file and say what to do."""

    def __init__(self, raw: BinaryIO, path: Path, compression: str | None) -> None:
        self._raw, self._path, self._compression = raw, path, compression

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._compression is None

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        try:
            return int(self._raw.readinto(buffer))  # type: ignore[attr-defined]
        except (OSError, ValueError) as error:
            what = f"is damaged or not whole {self._compression} data" if self._compression else ""
            message = f"{self._path} {what or 'cannot be read'}: {error}"
            raise DatakitError(f"{message}; fetch or compress the file again") from error

    def close(self) -> None:
        self._raw.close()
        super().close()


def _match(pattern: str, suffixes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Absolute location and name of each file a path stands for."""
    path = Path(pattern).expanduser()
    if path.is_file():
        return [(os.path.abspath(path), path.name)]  # noqa: PTH100 (links stay as they are)
    if path.is_dir():
        root, names = path, _glob("**/*", path)
        names = [name for name in names if _ends_in(name, suffixes)]
    else:
        root, rest = _fixed_part(path)
        names = _glob(rest, root) if rest else []
    start = os.path.abspath(root)  # noqa: PTH100
    located = [(os.path.join(start, name), Path(name).as_posix()) for name in names]  # noqa: PTH118
    return [(location, name) for location, name in located if Path(location).is_file()]


def _glob(pattern: str, root: Path) -> list[str]:
    """Paths below `root`, hidden ones passed over unless the pattern names them."""
    return glob.glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207 (pathlib's finds them)


def _fixed_part(path: Path) -> tuple[Path, str]:
    """The leading directory without wildcards, and the pattern below it ("" without any)."""
    for index, part in enumerate(path.parts):
        if glob.has_magic(part):
            return Path(*path.parts[:index]), str(Path(*path.parts[index:]))
    return path, ""


def _ends_in(name: str, suffixes: tuple[str, ...]) -> bool:
    low = name.lower()
    for suffix in COMPRESSIONS:
        low = low.removesuffix(suffix)
    return low.endswith(suffixes)


def _tell_apart(names: dict[str, str]) -> dict[str, str]:
    """The names, lengthened by leading directories where two files share one."""
    while True:
        by_name = defaultdict(list)
        for location, name in names.items():
            by_name[name].append(location)
        clashes = [locations for locations in by_name.values() if len(locations) > 1]
        if not clashes:
            return names
        for location in (location for locations in clashes for location in locations):
            parts = Path(location).parts
            names[location] = Path(*parts[-len(Path(names[location]).parts) - 1 :]).as_posix()


def _printable(name: str) -> str:
    """A name whose bytes are no UTF-8 with U+FFFD in their place: ids are valid text."""
    return os.fsencode(name).decode("utf-8", "replace")


def _nothing_found(pattern: str, suffixes: tuple[str, ...]) -> str:
    """Why nothing was found: what is missing, where, and what is there instead."""
    message = f"no file matches {pattern!r} (looked from {Path.cwd()})"
    path = Path(pattern).expanduser()
    fixed, rest = _fixed_part(path)
    if fixed.is_dir():
        if rest and _glob(rest, fixed):
            return f"{message}: it matches directories only; add '/**/*{suffixes[0]}' to it"
        held = Counter(file.suffix or "no suffix" for file in fixed.rglob("*") if file.is_file())
        there = ", ".join(f"{suffix} ({count})" for suffix, count in held.most_common(5))
        wanted = f"no {', '.join(suffixes)} file" if not rest else "no such file"
        return f"{message}: {fixed} holds {wanted}; it holds {there or 'no files'}"
    while not fixed.parent.is_dir():
        fixed = fixed.parent
    beside = [entry.name for entry in fixed.parent.iterdir()]
    near = difflib.get_close_matches(fixed.name, beside, n=1)
    hint = f"; did you mean {str(fixed.parent / near[0])!r}?" if near else ""
    return f"{message}: {str(fixed)!r} does not exist{hint}"
