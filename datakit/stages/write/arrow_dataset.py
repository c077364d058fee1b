"""A Hugging Face data set on disk, for `datasets.load_from_disk`."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pyarrow as pa

from datakit.records import Batch
from datakit.stage import WrittenFile
from datakit.stages.write.companions import by_split
from datakit.stages.write.layouts import LayoutSettings
from datakit.stages.write.parquet_files import row_groups, typed_table


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrowDatasetSink(LayoutSettings):
    """Write a Hugging Face data set that `datasets.load_from_disk` maps into memory.

    The output folder is a `DatasetDict` with the splits; a split's folder alone is a `Dataset`,
    and holds `state.json` and `dataset_info.json` beside the Arrow files, as the loader wants.
    From there `push_to_hub` and the rest of the library go on. Layouts, their settings and the
    reasons for refusing a record are those of `write.parquet`. The loader opens all files of a
    split; nothing is compressed, so that pages are read from disk as they are needed.
    """

    libraries: ClassVar[tuple[str, ...]] = ("pyarrow",)

    @property
    def suffix(self) -> str:
        """`.arrow`."""
        return ".arrow"

    def encode(self, batch: Batch) -> pa.Table:
        """The columns of the layout, and `_size`, the bytes of a record."""
        return typed_table(self.shape(batch))

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Write an Arrow stream whose cuts depend on the rows alone."""
        writer = None
        with path.open("wb") as file:
            for group in row_groups(tables):
                if writer is None:
                    writer = pa.ipc.new_stream(file, group.schema)
                writer.write_table(group)
            if writer is not None:
                writer.close()

    def companions(self, name: str, files: Sequence[WrittenFile]) -> Mapping[str, str]:
        """The descriptions that `load_from_disk` reads."""
        splits = by_split(files)
        texts = {"dataset_dict.json": _json({"splits": list(splits)})}
        for split, paths in splits.items():
            content = "".join(file.sha256 for file in files if file.split == split)
            texts[f"{split}/state.json"] = _json(_state(split, paths, content))
            texts[f"{split}/dataset_info.json"] = _json({"dataset_name": name})
        return texts


def _state(split: str, paths: Sequence[str], content: str) -> dict[str, Any]:
    """The keys of the state that `Dataset.save_to_disk` writes; what a cache is kept by, the
    fingerprint, follows from the content.
    """
    return {
        "_data_files": [{"filename": path.rpartition("/")[2]} for path in paths],
        "_fingerprint": hashlib.blake2b(content.encode(), digest_size=8).hexdigest(),
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"
