"""Readers and stages of the user's own: where they are looked for, and what follows from their code
and their mistakes.
"""

import sys
from pathlib import Path

import pytest

import datakit
from datakit.errors import DatakitError, PipelineFileError
from datakit.report.report import Report

STAGE = '''
from dataclasses import dataclass
from typing import ClassVar

import polars as pl
from own_helper import PATTERN


@dataclass(frozen=True, kw_only=True, slots=True)
class Drop:
    """Drop texts with a pattern."""

    needs: ClassVar[frozenset] = frozenset({"text"})
    adds: ClassVar[frozenset] = frozenset()

    def reject(self, batch):
        has = pl.col("text").str.contains(PATTERN)
        return batch.select(pl.when(has).then(pl.lit("pattern")).alias("reason"))
'''
READER = '''
from dataclasses import dataclass

import polars as pl

from datakit.stages.ingest.jsonl import JsonlSource


class Reader(JsonlSource):
    """Read JSON Lines, and change them."""

    __slots__ = ()

    def read(self, shard):
        for batch in super().read(shard):
            yield CHANGED
'''
PIPELINE = """
[[source]]
name = "s"
path = "in.jsonl"
format = "{reader}"
{stage}
[output]
path = "out"
format = "text"
"""
USED = '[[stage]]\nuse = "own_stage:Drop"'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, that modules are looked for in; they are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "in.jsonl").write_text('{"text": "ax"}\n{"text": "by"}\n')
    (tmp_path / "own_helper.py").write_text('PATTERN = "x"\n')
    (tmp_path / "own_stage.py").write_text(STAGE)
    return tmp_path


def run(*, reader: str = "jsonl", stage: str = "") -> Report:
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]
    Path("p.toml").write_text(PIPELINE.format(reader=reader, stage=stage))
    return datakit.run("p.toml", executor="local")


def write_reader(changed: str) -> None:
    Path("own_reader.py").write_text(READER.replace("CHANGED", changed))


def test_a_stage_beside_the_pipeline_is_found_and_its_helpers_count() -> None:
    first = run(stage=USED)
    Path("own_helper.py").write_text('PATTERN = "no such"\n')

    again = run(stage=USED)

    assert (first.rows_out, again.rows_out) == (1, 2)


def test_a_changed_reader_reads_anew() -> None:
    write_reader("batch")
    first = run(reader="own_reader:Reader")
    write_reader("batch.with_columns(pl.col('text').str.to_uppercase())")

    run(reader="own_reader:Reader")

    assert first.rows_out == 2
    [written] = Path("out/train").iterdir()
    assert "AX" in written.read_text()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            "batch.drop('_line')",
            "source 's' failed on in.jsonl: its reader gives no column '_line'",
        ),
        ("1 / 0", "source 's' failed on in.jsonl: ZeroDivisionError: division by zero"),
    ],
)
def test_a_reader_that_fails_is_told_in_one_line(changed: str, message: str) -> None:
    write_reader(changed)

    with pytest.raises(DatakitError, match=message):
        run(reader="own_reader:Reader")


def test_a_reader_that_cannot_cut_its_input_is_told_in_one_line() -> None:
    write_reader("batch\n\n    def shards(self, shard_bytes):\n        raise KeyError('x')")

    with pytest.raises(DatakitError, match="source 's' failed: KeyError: 'x'"):
        run(reader="own_reader:Reader")
    with pytest.raises(DatakitError, match="source 's' failed: KeyError: 'x'"):
        datakit.preview("p.toml")


@pytest.mark.parametrize(
    ("code", "use", "message"),
    [
        ("def (", "own_stage:Drop", "SyntaxError: invalid syntax"),
        ("1 / 0", "own_stage:Drop", "ZeroDivisionError"),
        ("", "own_other:Drop", "No module named 'own_other' .modules are looked for"),
        ("", ":Drop", "Empty module name"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told(code: str, use: str, message: str) -> None:
    Path("own_stage.py").write_text(code)

    with pytest.raises(PipelineFileError, match=message):
        run(stage=f'[[stage]]\nuse = "{use}"')
