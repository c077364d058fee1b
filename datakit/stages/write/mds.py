"""MDS shards of MosaicML streaming, with their `index.json`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from datakit.errors import DatakitError
from datakit.records import MESSAGES, TEXT, Batch
from datakit.stage import WrittenFile
from datakit.stages.write import shapes
from datakit.stages.write.companions import by_split
from datakit.stages.write.line_files import as_lines
from datakit.stages.write.open_ai_turns import message_texts
from datakit.stages.write.trainer import Holds, TrainerSettings

ENCODINGS = {
    "text": {"text": "str"},
    "chat": {"messages": "json"},
    "prompt_completion": {"completion": "str", "prompt": "str"},
}
"""Columns of each layout by name, as they follow each other in a sample."""
MOST_BYTES = 2**32 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class MdsSink(TrainerSettings):
    """Write MDS shards for MosaicML streaming and llm-foundry, with their `index.json`.

    `layout`: `text` (`text`), `chat` (`messages` with exactly role and content, as JSON),
    `prompt_completion` (two texts; one turn, no system message). Each split folder is a data set
    for `StreamingDataset(local=...)`. Shards are not compressed; one holds less than 4 GiB, since
    its places are 32-bit numbers: leave `max_file_bytes` and `single_file` so. Reasoning stands
    before the content as `<think>…</think>`.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass.

    Reasons: those of an invalid conversation (see `filter.conversation`), `needs_tools`,
    `multi_turn` and `has_system` (prompt_completion), `untrained_turn`, `turn_weight`,
    `record_weight`, `judged_bad` (its `label` is false), `special_token`, `no_text`, `empty_text`.

    The format is that of streaming 0.13 (`streaming/base/format/mds`).
    """

    layout: Literal["text", "chat", "prompt_completion"] = "text"

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        if self.layout == "text":
            return Holds("text")
        is_chat = self.layout == "chat"
        return Holds("chat", system=is_chat, turns=is_chat)

    @property
    def suffix(self) -> str:
        """`.mds`."""
        return ".mds"

    def lines(self, batch: Batch) -> pa.LargeBinaryArray:
        """Samples: for each column its length (u32), then the values."""
        values = [as_lines(column) for column in self._values(batch)]
        sizes = [_sizes(column) for column in values]
        lengths = [_binary(size) for size in sizes]
        empty = pa.scalar(b"", pa.large_binary())
        return pc.binary_join_element_wise(*lengths, *values, empty)

    def _values(self, batch: Batch) -> list[pl.Series]:
        if self.layout == "text":
            return [batch[TEXT]]
        if self.layout == "chat":
            return [message_texts(batch[MESSAGES], weights=False)]
        prompt, completion = shapes.prompt_completion(batch, conversational=False)
        return [completion, prompt]

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Write one shard: count, places of the samples, columns, samples.

        Raises:
            DatakitError: it would be larger than its places can say.
        """
        chunks = [chunk for table in tables for chunk in table["line"].chunks]
        sizes = np.concatenate([_sizes(c) for c in chunks] or [np.empty(0, np.uint32)])
        header = self._header()
        places = np.concatenate([[0], np.cumsum(sizes, dtype=np.uint64)])
        places += 4 + 4 * len(places) + len(header)
        if places[-1] > MOST_BYTES:
            raise DatakitError(f"{path.name} would be larger than 4 GiB; lower max_file_bytes")
        with path.open("wb") as file:
            file.write(np.uint32(len(sizes)).tobytes())
            file.write(places.astype(np.uint32).tobytes())
            file.write(header)
            for chunk in chunks:
                ends = np.frombuffer(chunk.buffers()[1], dtype=np.int64)
                first, last = ends[chunk.offset], ends[chunk.offset + len(chunk)]
                file.write(memoryview(chunk.buffers()[2])[first:last])

    def companions(self, name: str, files: Sequence[WrittenFile]) -> Mapping[str, str]:  # noqa: ARG002
        """`index.json` in each split's folder."""
        rows = {file.path: file for file in files}
        return {
            f"{split}/index.json": json.dumps(
                {"shards": [self._shard(rows[path]) for path in paths], "version": 2},
                sort_keys=True,
            )
            for split, paths in by_split(files).items()
        }

    def _shard(self, file: WrittenFile) -> dict[str, object]:
        raw = {"basename": Path(file.path).name, "bytes": file.bytes, "hashes": {}}
        return {**self._config(), "raw_data": raw, "samples": file.rows, "zip_data": None}

    def _config(self) -> dict[str, object]:
        encodings = ENCODINGS[self.layout]
        return {
            "column_encodings": list(encodings.values()),
            "column_names": list(encodings),
            "column_sizes": [None] * len(encodings),
            "compression": None,
            "format": "mds",
            "hashes": [],
            "size_limit": None,
            "version": 2,
        }

    def _header(self) -> bytes:
        return json.dumps(self._config(), sort_keys=True).encode()


def _sizes(values: pa.LargeBinaryArray) -> np.ndarray:
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int64)[values.offset :]
    return np.diff(offsets[: len(values) + 1]).astype(np.uint32)


def _binary(sizes: np.ndarray) -> pa.LargeBinaryArray:
    """The bytes of each number, little-endian."""
    offsets = np.arange(0, 4 * len(sizes) + 4, 4, dtype=np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(sizes.astype("<u4"))]
    return pa.Array.from_buffers(pa.large_binary(), len(sizes), buffers)
