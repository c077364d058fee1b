"""The work directory: where finished work lies, stored under the digest of what decided it.

A task writes into a directory of its own under `tmp/` and renames it into place when whole: a
directory under its final name *is* the done mark. Two runs never share a work directory at one
time (`lock`); a run that was killed leaves nothing but directories under `tmp/`.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datakit.errors import DatakitError

FORMAT_VERSION = 3
"""Raised when the files of a work directory change their form: older work is then left alone."""


@dataclass(frozen=True, slots=True)
class Workdir:
    """A work directory and the ways in."""

    root: Path

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory for one run; clears what a killed run left unfinished."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DatakitError(
                    f"{self.root} is in use by another run; wait for it, or give another --workdir"
                ) from None
            shutil.rmtree(self.root / "tmp", ignore_errors=True)
            yield

    def step_dir(self, digest: str) -> Path:
        """Where a step's work lies."""
        return self.root / digest[:20]

    @property
    def tmp_dir(self) -> Path:
        """Where unfinished work lies."""
        return self.root / "tmp"


@contextmanager
def task_directory(final: Path, tmp_root: Path) -> Iterator[Path]:
    """A fresh directory to work in, renamed to `final` when the block ends without an error."""
    folder = tmp_root / f"{final.parent.parent.name}-{final.parent.name}-{final.name}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.rename(final)
    except OSError:
        # Another process finished the same task first; its bytes are the same.
        if not final.is_dir():
            raise
        shutil.rmtree(folder, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON under a name that is whole as soon as it exists."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
