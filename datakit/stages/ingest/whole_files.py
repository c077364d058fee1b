"""What sources share whose files are read from their start to their end.

Small files are read several to a shard, so that a folder of a hundred thousand pages is no hundred
thousand tasks. A large file is a packed shard: one task reads it and leaves its batches in Arrow
files of about a shard each, which hold the same rows as reading it directly gives.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl
import pyarrow as pa

from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.records import FILE, LINE, Batch
from datakit.stage import Shard
from datakit.stages.ingest.charset import AUTO, codec_name, detect, guess_other
from datakit.stages.ingest.decoding import BOM, describe
from datakit.stages.ingest.files import FoundFile, open_bytes
from datakit.stages.ingest.rows import Fault

FILES = "files"
UNPACKED = "unpacked"

MOST_FILES = 4096
LARGE_SHARE = 4
"""A file larger than `shard_bytes` over this is a shard of its own."""

BATCH_ROWS = 8192
BATCH_BYTES = 8 << 20

MOST_RECORD_BYTES = 1 << 30

OnMalformed: TypeAlias = Literal["reject", "fail"]
ReadFile = Callable[[Path, str], Iterator[Batch]]


def check_on_malformed(on_malformed: str) -> None:
    """Check the setting `on_malformed` of a source.

    Raises:
        SettingsError: it is neither "reject" nor "fail".
    """
    if on_malformed not in ("reject", "fail"):
        raise SettingsError("on_malformed", f'{on_malformed!r} is neither "reject" nor "fail"')


def check_bound(key: str, bound: int, *, most: int | None = MOST_RECORD_BYTES) -> None:
    """Check a setting that bounds the bytes held at once; `most` is None for whole files.

    Raises:
        SettingsError: it is less than 1, or more than `most`.
    """
    if most is None and bound < 1:
        raise SettingsError(key, f"{bound} is less than 1")
    if most is not None and not 0 < bound <= most:
        raise SettingsError(key, f"{bound} is not between 1 and {most} ({most >> 30} GiB)")


def check_columns(columns: Sequence[str], wanted: Sequence[str], where: Path | str) -> None:
    """Check that a table has the mapped columns; `wanted` are names or dotted paths.

    Raises:
        DatakitError: a column is not there; the message lists those there are.
    """
    for path in wanted:
        if path not in columns and path.partition(".")[0] not in columns:
            hint = did_you_mean(path, columns)
            raise DatakitError(f"{where} has no column {path!r}; {hint}")


def file_shards(files: Sequence[FoundFile], shard_bytes: int) -> list[Shard]:
    """Shards of whole files, in order: large files alone, small ones together."""
    shards: list[Shard] = []
    group: list[FoundFile] = []
    size = 0
    for file in files:
        is_large = file.size > shard_bytes // LARGE_SHARE
        if is_large or size >= shard_bytes or len(group) == MOST_FILES:
            shards += _grouped(group)
            group, size = [], 0
        if is_large:
            shards.append(Shard(path=file.path, file=file.name, size=file.size, packed=True))
        else:
            group.append(file)
            size += file.size
    return shards + _grouped(group)


def _grouped(group: Sequence[FoundFile]) -> list[Shard]:
    if not group:
        return []
    size = sum(file.size for file in group)
    members = tuple((file.path, file.name) for file in group)
    return [Shard(path=group[0].path, file=group[0].name, size=size, options=((FILES, members),))]


def read_shard(shard: Shard, read_file: ReadFile) -> Iterator[Batch]:
    """The batches of a shard made by `file_shards` or `unpack`; small ones are put together."""
    if is_unpacked(shard):
        yield from read_unpacked(shard.path)
        return
    yield from _gather(batch for path, name in files_of(shard) for batch in read_file(path, name))


def files_of(shard: Shard) -> tuple[tuple[Path, str], ...]:
    """Path and name of the files of a shard made by `file_shards`."""
    files: tuple[tuple[Path, str], ...] | None = dict(shard.options).get(FILES)
    return files or ((shard.path, shard.file),)


def unpack_batches(batches: Iterable[Batch], folder: Path, shard_bytes: int) -> list[Shard]:
    """Write batches to Arrow files of about `shard_bytes` below `folder`, a shard each."""
    shards: list[Shard] = []
    held: list[Batch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += int(batch.estimated_size())
        if size >= shard_bytes:
            shards.append(_write_unpacked(held, folder / f"{len(shards):06d}.arrow"))
            held, size = [], 0
    if held:
        shards.append(_write_unpacked(held, folder / f"{len(shards):06d}.arrow"))
    return shards


def _write_unpacked(batches: Sequence[Batch], path: Path) -> Shard:
    schema = batches[0].to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(str(path), schema, options=options) as writer:
        for batch in batches:
            writer.write_table(batch.to_arrow(compat_level=pl.CompatLevel.oldest()))
    first = batches[0]
    return Shard(
        path=path,
        file=str(first[FILE][0]),
        size=sum(int(batch.estimated_size()) for batch in batches),
        first_line=int(first[LINE][0]),
        options=((UNPACKED, True),),
    )


def is_unpacked(shard: Shard) -> bool:
    """Whether the shard was made by `unpack_batches`."""
    return UNPACKED in dict(shard.options)


def read_unpacked(path: Path) -> Iterator[Batch]:
    """The batches in a file written by `unpack_batches`."""
    with pa.ipc.open_file(str(path)) as reader:
        for index in range(reader.num_record_batches):
            batch = pl.from_arrow(reader.get_batch(index))
            assert isinstance(batch, pl.DataFrame)
            yield batch


def _gather(batches: Iterable[Batch]) -> Iterator[Batch]:
    held: list[Batch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.height, size + int(batch.estimated_size())
        if rows >= BATCH_ROWS or size >= BATCH_BYTES:
            yield pl.concat(held)
            held, rows, size = [], 0, 0
    if held:
        yield pl.concat(held)


def read_bytes(path: Path, most: int) -> bytes | None:
    """A file's bytes, decompressed; None if they are more than `most`.

    Raises:
        DatakitError: the file cannot be read or is damaged.
    """
    with open_bytes(path) as stream:
        content = stream.read(most + 1)
    return content if len(content) <= most else None


def decode_whole(content: bytes, encoding: str, errors: str) -> str | Fault:
    """A file's text without a byte order mark, or why it has none."""
    name = detect(content) if encoding == AUTO else codec_name(content[:4], encoding)
    try:
        text = content.decode(name, "replace" if errors == "replace" else "strict")
    except UnicodeDecodeError as error:
        guess = guess_other(content)
        found = describe(content, error) | ({"may_be": guess} if guess else {})
        return Fault("undecodable", found)
    return text.removeprefix(BOM)
