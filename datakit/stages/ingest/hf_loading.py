"""The library `datasets`, imported when it is first needed, with its errors made ours."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from datakit.errors import DatakitError, did_you_mean

# Arguments of `load_dataset` that `load_dataset_builder` has no use for.
OF_LOADING = ("keep_in_memory", "num_proc", "save_infos", "streaming", "verification_mode")


@dataclass(frozen=True, slots=True)
class Loading:
    """Which data set: a saved directory `path`, or the arguments `load` of `load_dataset`."""

    path: str | None
    load: Mapping[str, Any]
    split: str | None

    @property
    def label(self) -> str:
        """What the data set is called in ids and messages."""
        name = Path(self.path).name if self.path is not None else str(self.load["path"])
        parts = (name, self.load.get("name"), self.split)
        return "/".join(str(part) for part in parts if part)

    @property
    def is_stream(self) -> bool:
        """Whether it comes row after row, its size unknown."""
        return bool(self.load.get("streaming"))

    def fingerprint(self) -> str:
        """What tells whether the data to be loaded are still the same.

        Raises:
            DatakitError: there is no such data set.
        """
        load = {key: value for key, value in self.load.items() if key not in OF_LOADING}
        with self._errors() as library:
            builder = library.load_dataset_builder(**load)
            return json.dumps([builder.hash, builder.config_id, self.split])

    def open(self) -> Any:
        """The `datasets.Dataset`.

        Raises:
            DatakitError: there is no such data set or split.
        """
        with self._errors() as library:
            if self.path is None:
                return self._one_split(library.load_dataset(**self.load, split=self.split))
            return self._one_split(library.load_from_disk(self.path))

    def stream(self, batch_rows: int) -> Iterator[pa.Table]:
        """The rows of a `datasets.IterableDataset`, in tables.

        Raises:
            DatakitError: there is no such data set or split, or it breaks off.
        """
        with self._errors() as library:
            rows = self._one_split(library.load_dataset(**self.load, split=self.split))
            yield from rows.with_format("arrow").iter(batch_size=batch_rows)

    def _one_split(self, found: Any) -> Any:
        if not isinstance(found, dict):
            if self.path is not None and self.split not in (None, str(found.split)):
                raise DatakitError(f"{self.path} {_why_no_split(found.split)}")
            return found
        if self.split is None and len(found) == 1:
            return next(iter(found.values()))
        if self.split is None:
            raise DatakitError(f"{self.label} has several splits; name one: {_listed(found)}")
        if self.split not in found:
            hint = did_you_mean(self.split, map(str, found))
            raise DatakitError(f"{self.label} has no split {self.split!r}; {hint}")
        return found[self.split]

    @contextmanager
    def _errors(self) -> Iterator[Any]:
        import datasets

        datasets.disable_progress_bars()
        bar = datasets.utils.tqdm
        if not hasattr(bar, "_lock"):
            # Its own lock is one between processes, which a worker that ends leaves behind.
            bar.set_lock(threading.RLock())
        failures = (
            OSError,
            ValueError,
            TypeError,
            KeyError,
            pa.ArrowException,
            datasets.exceptions.DatasetsError,
        )
        try:
            yield datasets
        except failures as error:
            message = f"{self.label} cannot be loaded by datasets: {error}"
            raise DatakitError(message) from error


def _why_no_split(saved: object) -> str:
    if saved is None:
        return "has no splits; leave `split` out"
    return f"is one split, saved as {str(saved)!r}"


def _listed(splits: Mapping[str, Any]) -> str:
    return ", ".join(f'split = "{name}"' for name in splits)
