"""The rejects of a run, gathered from its tasks: one JSONL file a stage, in input order."""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import polars as pl

from datakit.executors.tables import read_batches
from datakit.records import FILE, LINE, Table

PLAIN = ("id", "source", FILE, LINE, "stage", "reason")


def write_rejects(segments: Iterable[Sequence[Path]], folder: Path, tmp: Path) -> dict[str, int]:
    """Write `<nn>-<stage>.jsonl` files below `folder`; rows by file name, in stage order, with
    `output.jsonl` and those of the readers (`read-<source>.jsonl`) behind.

    Tasks of the same segment come in shard order, so the files do not depend on who ran them.
    """
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir(parents=True)
    rows: dict[str, int] = {}
    with ExitStack() as files:
        handles: dict[str, BinaryIO] = {}
        for path in (task / "rejects.arrow" for tasks in segments for task in tasks):
            for table in read_batches(path):
                for (stage,), found in table.partition_by("stage", as_dict=True).items():
                    name = f"{str(stage).replace(' ', '-')}.jsonl"
                    if name not in handles:
                        handles[name] = files.enter_context((tmp / name).open("wb"))
                    handles[name].write(_lines(found))
                    rows[name] = rows.get(name, 0) + found.height
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    tmp.rename(folder)
    return dict(sorted(rows.items()))


def _lines(rejects: Table) -> bytes:
    """Reject rows as JSON lines; `values` becomes an object, not a string of one."""
    plain = rejects.select(*PLAIN).rename({FILE: "file", LINE: "line"})
    lines = rejects.select(
        pl.concat_str(
            plain.select(pl.struct(pl.all()).struct.json_encode())
            .to_series()
            .str.strip_suffix("}"),
            pl.lit(',"values":'),
            pl.col("values").fill_null("{}"),
            pl.lit(","),
            pl.struct("text").struct.json_encode().str.strip_prefix("{"),
        )
    ).to_series()
    return ("\n".join(lines.to_list()) + "\n").encode()
