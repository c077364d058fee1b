"""Barriers that decide on parts of records: many reduced rows for one record, text put in place."""

import re
from pathlib import Path

import pytest
from small_run import Runner, texts
from small_stages import DropRepeatedParts, Upper
from test_runner import written

from datakit.executors.pool import PoolExecutor
from datakit.testing import run_stage


def once_only() -> tuple[list[str], int]:
    """What is left of both sources' texts, by hand, and how many parts left records that stay."""
    seen, left, dropped = set(), [], 0
    for text in [t for t in texts() if t != "bad"] * 2:
        parts = re.findall(r"\D+|\d+", text)
        new = [p for p in parts if not (p in seen or seen.add(p))]
        if new or not parts:
            left.append("".join(new))
            dropped += len(parts) - len(new)
    return left, dropped


@pytest.mark.parametrize("shard_bytes", [50, 10**6])
def test_parts_go_and_what_was_edited_is_counted(
    run: Runner, tmp_path: Path, shard_bytes: int
) -> None:
    left, dropped = once_only()

    report = run([DropRepeatedParts()], shard_bytes=shard_bytes)

    lines = "".join(p.read_text() for p in sorted((tmp_path / "out/train").iterdir()))
    assert [line.split('"text": ')[1][1:-2] for line in lines.splitlines()] == left
    stage = [c for (_, name, _), c in report.counts.stages.items() if name == "test.1"]
    assert sum(c.edits["parts"] for c in stage) == dropped > 0
    assert {reason for c in stage for reason in c.reasons} == {"all_repeated"}
    assert report.is_balanced


def test_bytes_do_not_depend_on_shards_or_workers(run: Runner, tmp_path: Path) -> None:
    stages = [Upper(), DropRepeatedParts(), Upper()]
    run(stages, out="reference")
    run(stages, out="other", shard_bytes=70, executor=PoolExecutor(2))

    assert written(tmp_path / "other") == written(tmp_path / "reference")


def test_the_report_shows_records_that_the_verdict_points_to(run: Runner) -> None:
    for shard_bytes in (60, 10**6):
        (verdict,) = run(
            [DropRepeatedParts()], shard_bytes=shard_bytes, out=f"o{shard_bytes}"
        ).verdicts

        assert [row["part"] in row["seen"] for row in verdict.rows] == [True] * 3
        assert len({row["seen"] for row in verdict.rows}) > 1


def test_in_memory_the_same_happens() -> None:
    rows = [{"text": "a1"}, {"text": "b1"}, {"text": "a2b3"}, {"text": "b3"}]

    outcome = run_stage(DropRepeatedParts(), rows, batch_rows=1)

    assert [row["text"] for row in outcome.rows] == ["a1", "b", "23"]
    assert [row["dropped"] for row in outcome.rows] == [0, 1, 2]
    assert outcome.reasons == ["all_repeated"]
    assert outcome.verdict[0]["seen"] == "a2b3"


def test_nothing_repeated_leaves_no_rows_at_all() -> None:
    assert [r["text"] for r in run_stage(DropRepeatedParts(), [{"text": "a1"}]).rows] == ["a1"]
