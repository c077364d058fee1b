"""The engine on small stages: books, bytes, resume."""

import json
import re
from pathlib import Path

import pytest
from small_run import Runner
from small_stages import Breaks, LosesRow, NoDigits, Unique, Upper, WantsNumbers

from datakit.errors import BrokenBooksError, DatakitError, TaskFailedError
from datakit.executors.pool import PoolExecutor
from datakit.report.life import explain_record


def written(path: Path) -> dict[str, bytes]:
    return {
        p.relative_to(path).as_posix(): p.read_bytes()
        for p in sorted(path.rglob("*"))
        if p.is_file() and "work" not in p.parts and p.name not in ("report.json",)
    }


def test_the_books_balance_and_every_reject_has_a_reason(run: Runner, tmp_path: Path) -> None:
    report = run()

    assert report.is_balanced
    assert report.rows_in == 800
    assert report.copies > 0
    rejects = [
        json.loads(line)
        for path in sorted((tmp_path / "out/_datakit/rejects").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    assert len(rejects) == report.rows_rejected
    assert all(r["reason"] and r["file"] and r["line"] and r["stage"] for r in rejects)
    assert {r["reason"] for r in rejects} == {"bad", "again", "digits", "no"}
    again = next(r for r in rejects if r["reason"] == "again")
    assert again["values"]["kept_id"].startswith("one/")


def test_what_the_output_refused_has_its_name_and_comes_after_the_stages(
    run: Runner, tmp_path: Path
) -> None:
    report = run()

    assert list(report.rejects) == [
        *("02-test.2.jsonl", "03-test.3.jsonl", "output.jsonl"),
        *("read-one.jsonl", "read-two.jsonl"),
    ]
    path = tmp_path / "out/_datakit/rejects/output.jsonl"
    rejects = [json.loads(line) for line in path.read_text().splitlines()]
    assert {(reject["stage"], reject["reason"]) for reject in rejects} == {("output", "no")}
    life = explain_record(tmp_path / "out", rejects[0]["id"]).render()
    assert "  rejected by output: no" in life


@pytest.mark.parametrize("shard_bytes", [30, 100, 10**6])
def test_bytes_do_not_depend_on_the_cut(run: Runner, tmp_path: Path, shard_bytes: int) -> None:
    run(out="reference", max_file_bytes=2000)
    run(out="other", shard_bytes=shard_bytes, max_file_bytes=2000)

    assert written(tmp_path / "other") == written(tmp_path / "reference")
    assert len(list((tmp_path / "other/train").iterdir())) > 2


def test_bytes_do_not_depend_on_the_executor(run: Runner, tmp_path: Path) -> None:
    run(out="reference")
    run(out="other", executor=PoolExecutor(2))

    assert written(tmp_path / "other") == written(tmp_path / "reference")


def test_a_second_run_does_no_task_again(run: Runner, tmp_path: Path) -> None:
    run()
    before = written(tmp_path / "out")
    done = {p: p.stat().st_mtime_ns for p in (tmp_path / "out/_datakit/work").rglob("counts.json")}
    report = run()

    assert written(tmp_path / "out") == before
    assert done == {p: p.stat().st_mtime_ns for p in done}
    assert len(report.reused) == 3


def test_a_changed_later_stage_uses_earlier_work_again(run: Runner) -> None:
    run([Upper(), Unique(), NoDigits()])
    report = run([Upper(), Unique(), NoDigits(most=1)])

    assert any("test.1" in name for name in report.reused)
    assert not any("test.3" in name for name in report.reused)


def test_only_lets_other_sources_pass_untouched(run: Runner, tmp_path: Path) -> None:
    run([Upper()], only={1: ("two",)})

    lines = (tmp_path / "out/train/train-00000-of-00001.jsonl").read_text()
    assert '"alpha0"' in lines
    assert '"ALPHA0"' in lines


def test_a_map_that_loses_a_row_breaks_the_books(run: Runner) -> None:
    with pytest.raises(BrokenBooksError, match=r"test\.1 changed the rows"):
        run([LosesRow()])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bug_in_a_stage_is_reported_with_its_place(run: Runner, workers: int) -> None:
    executor = PoolExecutor(workers) if workers else None
    kind = DatakitError if workers else TaskFailedError
    with pytest.raises(kind, match=r"txt, lines \d+ to \d+: Zero"):
        run([Breaks()], executor=executor)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["", "test.1: "])
def test_what_is_wrong_with_the_data_is_reported_with_its_place(
    run: Runner, workers: int, name: str
) -> None:
    with pytest.raises(DatakitError) as error:
        run([WantsNumbers(name=name)], executor=PoolExecutor(workers) if workers else None)

    said = r"test\.1 failed on (one|two)\.txt, lines \d+ to \d+: '\w+' is no number"
    assert re.fullmatch(said, str(error.value))


def test_a_dying_worker_is_replaced(run: Runner, tmp_path: Path) -> None:
    run([Upper(), Unique()], out="reference")
    deadly = tmp_path / "deadly"
    deadly.write_text("once")
    run([Upper(deadly=str(deadly)), Unique()], executor=PoolExecutor(2))

    assert not deadly.exists()
    first, second = written(tmp_path / "out"), written(tmp_path / "reference")
    assert {n: b for n, b in first.items() if "train" in n} == {
        n: b for n, b in second.items() if "train" in n
    }


def test_a_task_that_kills_every_worker_is_named(run: Runner, tmp_path: Path) -> None:
    deadly = tmp_path / "deadly"
    deadly.write_text("always")
    with pytest.raises(TaskFailedError, match=r"the worker died 3 times on: .*one\.txt"):
        run([Upper(deadly=str(deadly))], executor=PoolExecutor(1))


def test_foreign_files_in_the_output_are_not_replaced(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "out/train").mkdir(parents=True)
    (tmp_path / "out/train/mine.txt").write_text("precious")
    with pytest.raises(DatakitError, match=r"mine\.txt was not written by datakit"):
        run()


def test_a_changed_output_file_is_written_anew(run: Runner, tmp_path: Path) -> None:
    run()
    before = written(tmp_path / "out")
    (tmp_path / "out/train/train-00000-of-00001.jsonl").write_text("broken")
    run()

    assert written(tmp_path / "out") == before
