"""Reading a source; a mistake of a user's own reader is told in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from datakit.errors import DatakitError, TaskFailedError
from datakit.records import FILE, ID, LINE, SOURCE, Batch
from datakit.stage import Shard, Source


def list_shards(source: Source, shard_bytes: int) -> list[Shard]:
    """The pieces that a source is cut into.

    Raises:
        TaskFailedError: the reader fails.
    """
    with _told(f"source {source.name!r} failed"):
        return source.shards(shard_bytes)


def read_shard(source: Source, shard: Shard) -> Iterator[Batch]:
    """The batches that the reader gives.

    Raises:
        TaskFailedError: the reader fails, or leaves out a column that it must have.
    """
    where = f"source {source.name!r} failed on {shard.file}"
    needed = {ID, SOURCE, FILE, LINE, *source.adds}
    with _told(where):
        for batch in source.read(shard):
            if missing := sorted(needed - set(batch.columns)):
                raise TaskFailedError(f"{where}: its reader gives no column {missing[0]!r}")
            yield batch


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except DatakitError:
        raise
    except Exception as error:
        raise TaskFailedError(f"{where}: {type(error).__name__}: {error}") from error
