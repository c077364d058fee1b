"""Whole runs on small made input: compressed files, faults in the input, an own stage."""

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
import zstandard

import datakit
from datakit.errors import DatakitError, PipelineFileError
from datakit.records import Batch, Columns, Table
from datakit.report.report import Report

RunToml = Callable[..., Report]


@dataclass(frozen=True, kw_only=True, slots=True)
class NoSevens:
    """An own stage, named by dotted path."""

    needs: ClassVar[Columns] = frozenset({"text"})
    adds: ClassVar[Columns] = frozenset()

    def reject(self, batch: Batch) -> Table:
        is_seven = pl.col("text").str.contains("7", literal=True)
        return batch.select(pl.when(is_seven).then(pl.lit("seven")).alias("reason"))


@pytest.fixture
def run_toml(tmp_path: Path) -> RunToml:
    def run_it(path: Path, *, more: str = "", source: str = "", **options: object) -> Report:
        file = tmp_path / "p.toml"
        file.write_text(
            '[pipeline]\nshard_bytes = "64 KiB"\n[[source]]\nname = "s"\n'
            f'path = "{path}"\n{source}\n'
            f'{more}\n[output]\npath = "{tmp_path / "out"}"\nformat = "text"\n'
        )
        return datakit.run(file, **options)  # type: ignore[arg-type]

    return run_it


def lines(count: int) -> bytes:
    chance = random.Random(1)
    rows = ({"text": f"第{n}条 {chance.randbytes(80).hex()}", "n": n} for n in range(count))
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("out/train/*")))


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_one_compressed_file_feeds_many_tasks(run_toml: RunToml, tmp_path: Path, kind: str) -> None:
    data = lines(4000)
    (tmp_path / "a.jsonl").write_bytes(data)
    compress = gzip.compress if kind == "gz" else zstandard.compress
    (tmp_path / f"b.jsonl.{kind}").write_bytes(compress(data))
    run_toml(tmp_path / "a.jsonl", workdir=tmp_path / "work-a")
    plain = written(tmp_path)

    report = run_toml(tmp_path / f"b.jsonl.{kind}", workdir=tmp_path / "work-b")

    assert written(tmp_path) == plain
    assert report.rows_out == 4000
    assert len(list((tmp_path / "work-b").glob("*/shards/*"))) > 3


FAULTS = {
    "malformed_json": b'{"text": "cut',
    "not_an_object": b"[1, 2]",
    "missing_field": b'{"other": "x"}',
    "wrong_type": b'{"text": 5}',
    "empty_text": b'{"text": "  "}',
    "lone_surrogate": b'{"text": "\\ud800"}',
    "nul_character": b'{"text": "a\\u0000b"}',
    "line_too_long": b'{"text": "' + b"x" * 50_000_000 + b'"}',
}


def test_each_fault_of_a_line_is_a_counted_reject_with_file_and_line(
    run_toml: RunToml, tmp_path: Path
) -> None:
    good = b'{"text": "good"}'
    body = b"\n".join(line for fault in FAULTS.values() for line in (good, fault))
    (tmp_path / "a.jsonl").write_bytes(body)

    report = run_toml(tmp_path / "a.jsonl")

    rejects = (tmp_path / "out/_datakit/rejects/read-s.jsonl").read_text().splitlines()
    found = {row["reason"]: (row["file"], row["line"]) for row in map(json.loads, rejects)}
    assert found == {reason: ("a.jsonl", 2 * n) for n, reason in enumerate(FAULTS, 1)}
    assert (report.rows_out, report.rows_rejected) == (len(FAULTS), len(FAULTS))


def test_on_malformed_fail_stops_with_the_place(run_toml: RunToml, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n{"text": 5}\n')

    with pytest.raises(DatakitError, match=r"a\.jsonl:2: wrong_type"):
        run_toml(tmp_path / "a.jsonl", source='on_malformed = "fail"')


def test_an_own_stage_by_dotted_path(
    run_toml: RunToml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "7"}\n{"text": "8"}\n')

    report = run_toml(tmp_path / "a.jsonl", more='[[stage]]\nuse = "test_whole_runs:NoSevens"')

    assert written(tmp_path) == b'{"text":"8"}\n'
    assert report.counts.by_stage()[1, "test_whole_runs:NoSevens"].reasons == {"seven": 1}


def test_copies_have_ids_and_sides_of_their_own_whatever_the_ids_end_in(
    run_toml: RunToml, tmp_path: Path
) -> None:
    rows = [{"id": f"datakit/issues#{n}", "text": f"issue {n} " * 80} for n in range(1, 301)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mix = '[[stage]]\nuse = "mix.weighted"\nweights = { s = 1 }\nunit = "records"\n'
    more = f'{mix}max_epochs = 2\n{mix}max_epochs = 1.5\n[[stage]]\nuse = "split.random"\n'

    report = run_toml(tmp_path / "a.jsonl", source='id = "id"', more=f"{more}val = 0.1\ntest = 0")

    lineage = sorted((tmp_path / "out/_datakit/lineage").glob("*.parquet"))
    ids = {path.name[:3]: pl.read_parquet(path)["id"] for path in lineage}
    assert report.rows_out == 900
    assert pl.concat(ids.values()).n_unique() == 900
    originals = {split: set(found.str.extract(r"^(.*?#\d+)")) for split, found in ids.items()}
    assert 25 <= len(originals["val"]) <= 35
    assert not originals["tra"] & originals["val"]


def test_sources_without_files_are_reported_before_anything_runs(
    run_toml: RunToml, tmp_path: Path
) -> None:
    with pytest.raises(PipelineFileError, match=r"p\.toml:3: source 's': no file matches"):
        run_toml(tmp_path / "nothing-*.jsonl")


def test_the_life_of_a_record_can_be_told(run_toml: RunToml, tmp_path: Path) -> None:
    rows = b'{"id": "x", "text": "a"}\n{"id": "y", "text": "a"}\n'
    (tmp_path / "a.jsonl").write_bytes(rows)
    run_toml(tmp_path / "a.jsonl", source='id = "id"', more='[[stage]]\nuse = "dedup.exact"')

    kept, gone = (datakit.explain(tmp_path / "out", name) for name in ("x", "y"))

    assert [d["id"] for d in kept.duplicates] == ["y"]
    assert "written  train/train-00000-of-00001, row 1" in kept.render()
    assert gone.rejects[0]["values"]["kept_id"] == "x"
    with pytest.raises(DatakitError, match="no record 'z'"):
        datakit.explain(tmp_path / "out", "z")


def test_no_records_at_all_is_no_failure(run_toml: RunToml, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")

    stages = ["dedup.exact", "dedup.minhash", "split.random"]
    report = run_toml(
        tmp_path / "a.jsonl", more="\n".join(f'[[stage]]\nuse = "{name}"' for name in stages)
    )

    assert (report.rows_in, report.rows_out, report.files) == (0, 0, [])


def test_an_output_that_cannot_be_written_is_one_message(run_toml: RunToml, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n')
    (tmp_path / "file").touch()

    with pytest.raises(DatakitError, match=r"file.*: Not a directory; finished work is kept"):
        run_toml(tmp_path / "a.jsonl", output=tmp_path / "file" / "out")
