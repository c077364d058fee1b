"""Rows on their way between tasks."""

from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datakit.executors.exchange import gather, write_exchange

PARTITIONS = 5
ROWS = st.lists(st.tuples(st.integers(0, PARTITIONS - 1), st.lists(st.integers(0, 9))))


def table(rows: list[tuple[int, list[int]]]) -> pl.DataFrame:
    schema = {"_partition": pl.UInt32, "values": pl.List(pl.UInt32)}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("n")


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_each_row_comes_to_its_partition_in_the_order_of_tasks(
    tmp_path: Path, tasks: list[list[tuple[int, list[int]]]]
) -> None:
    folders = [tmp_path / str(number) for number in range(len(tasks))]
    for folder, rows in zip(folders, tasks, strict=True):
        folder.mkdir(exist_ok=True)
        write_exchange(folder, table(rows), PARTITIONS)

    for partition in range(PARTITIONS):
        found = gather(folders, partition)

        expected = [row for rows in tasks for row in rows if row[0] == partition]
        assert found.columns == ["n", "values"]
        assert found["values"].to_list() == [values for _, values in expected]


def test_tasks_that_observed_nothing_have_no_file(tmp_path: Path) -> None:
    (tmp_path / "seen").mkdir()
    write_exchange(tmp_path / "seen", table([(1, [3])]), PARTITIONS)

    assert gather([tmp_path / "none", tmp_path / "seen"], 1)["values"].to_list() == [[3]]
    assert gather([tmp_path / "none"], 1).width == 0
