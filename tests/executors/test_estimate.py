"""What `datakit plan` says of a run before it is made."""

from dataclasses import replace

from datakit.executors.estimate import PlanSummary

SUMMARY = PlanSummary(
    name="x",
    sources=[("a", 1, 60_000_000), ("b", 2, 40_000_000)],
    segments=["read > write"],
    shards=4,
    partitions=1,
    sampled=1_000,
    kept=0.5,
    bytes_per_second=2e6,
)


def test_the_work_directory_grows_with_the_segments() -> None:
    several = replace(SUMMARY, segments=["read > split.random", *["..."] * 5, "write"])

    assert "about 230 MB of disk" in SUMMARY.render()
    assert "about 1,010 MB of disk" in several.render()
