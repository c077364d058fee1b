"""Cutting output into files depends on the records alone."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from datakit.executors.output import plan_files, rebatch
from datakit.executors.tables import TableWriter


def write_parts(folder: Path, parts: list[list[int]]) -> list[Path]:
    found = []
    for number, sizes in enumerate(parts):
        path = folder / str(number)
        path.mkdir(parents=True)
        found.append(path)
        with TableWriter(path / "part-train.arrow") as writer:
            if sizes:
                writer.append(pa.table({"_size": pa.array(sizes, pa.uint64())}))
    return found


def file_sizes(folder: Path, parts: list[list[int]], most: int | None) -> list[list[int]]:
    dirs = write_parts(folder, parts)
    sizes = dict(zip(dirs, parts, strict=True))
    return [
        [size for piece in file for size in sizes[piece.task_dir][piece.start : piece.stop]]
        for file in plan_files("train", dirs, most)
    ]


@given(
    st.lists(st.lists(st.integers(1, 30), max_size=6), max_size=5),
    st.one_of(st.none(), st.integers(1, 60)),
)
def test_files_hold_all_records_in_order_and_are_cut_by_size(
    tmp_path_factory: object, parts: list[list[int]], most: int | None
) -> None:
    folder = tmp_path_factory.mktemp("parts")  # type: ignore[attr-defined]
    flat = [size for part in parts for size in part]

    files = file_sizes(folder / "cut", parts, most)

    assert [size for file in files for size in file] == flat
    assert files == file_sizes(folder / "whole", [flat], most)
    for file, after in pairwise(files):
        assert most is not None
        assert sum(file) + after[0] > most
    assert all(most is None or sum(file) <= most or len(file) == 1 for file in files)


@given(st.lists(st.integers(0, 7), max_size=8), st.integers(1, 5))
def test_rebatching_does_not_depend_on_the_cuts(cuts: list[int], rows: int) -> None:
    numbers = iter(range(sum(cuts)))
    tables = [pa.table({"n": [next(numbers) for _ in range(c)]}) for c in cuts if c]

    found = [t["n"].to_pylist() for t in rebatch(iter(tables), rows)]

    assert [n for batch in found for n in batch] == list(range(sum(cuts)))
    assert all(len(batch) == rows for batch in found[:-1])
