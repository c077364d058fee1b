"""The sample data is what its README says, and the shipped pipelines deal with what is planted."""

import csv
import gzip
import io
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import zstandard

import datakit
from datakit.report.report import Report

ROOT = Path(__file__).parent.parent
DATA = ROOT / "sample_data"
PLANTED: list[dict[str, Any]] = json.loads((DATA / "planted.json").read_text("utf-8"))
PIPELINES = sorted((ROOT / "pipelines").glob("*.toml"))
MOST_BYTES = 8_000_000

pytestmark = pytest.mark.xdist_group("sample data")


def planted(*kinds: str) -> list[Any]:
    found = [item for item in PLANTED if item["kind"] in kinds]
    return [
        pytest.param(item, id=f"{item['kind']} {item['file']}:{item['line']}") for item in found
    ]


def read_bytes(file: str) -> bytes:
    data = (DATA / file).read_bytes()
    if file.endswith(".gz"):
        return gzip.decompress(data)
    if file.endswith(".zst"):
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=MOST_BYTES)
    return data


def raw_line(item: dict[str, Any]) -> str:
    return read_bytes(item["file"]).decode("utf-8").split("\n")[item["line"] - 1]


def record(file: str, line: int) -> Any:
    """The record that starts at a line (an element of an array by its number) in plain Python."""
    if file.endswith(".csv"):
        charset = "gb18030" if "gb18030" in file else "utf-8-sig"
        lines = io.StringIO((DATA / file).read_bytes().decode(charset), newline="")
        rows = csv.reader(lines)
        head, start = next(rows), rows.line_num + 1
        for row in rows:
            if start == line:
                return dict(zip(head, row, strict=False))
            start = rows.line_num + 1
    text = read_bytes(file).decode("utf-8")
    if file.endswith(".json"):
        return json.loads(text)[line - 1]
    return json.loads(text.split("\n")[line - 1]) if ".jsonl" in file else text


def texts(value: Any) -> list[str]:
    """All texts of a record but its id, in order."""
    if isinstance(value, dict):
        return [text for key, item in value.items() if key != "id" for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < MOST_BYTES


def test_every_folder_with_data_holds_its_licences() -> None:
    folders = {path.parent for path in DATA.rglob("*") if path.is_file()} - {DATA}

    missing = [folder for folder in folders if not list(folder.glob("LICENSE*"))]

    assert not missing


def test_the_readme_names_every_licence_file() -> None:
    readme = (DATA / "README.md").read_text("utf-8")

    assert not [path for path in DATA.rglob("LICENSE*") if f"`{path.name}`" not in readme]


def test_the_readme_counts_what_is_planted() -> None:
    readme = (DATA / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", readme, re.MULTILINE)

    assert {kind: int(count) for kind, count in rows} == Counter(i["kind"] for i in PLANTED)


@pytest.mark.parametrize("item", planted("exact_duplicate"))
def test_exact_duplicates_are_exact(item: dict[str, Any]) -> None:
    assert texts(record(item["file"], item["line"])) == texts(record(**item["of"]))


@pytest.mark.parametrize("item", planted("near_duplicate"))
def test_near_duplicates_are_near_but_not_exact(item: dict[str, Any]) -> None:
    one, other = (
        "\n".join(texts(r)) for r in (record(item["file"], item["line"]), record(**item["of"]))
    )
    shingles = [{t[i : i + 5] for i in range(len(t) - 4)} for t in (one, other)]

    assert one != other
    assert len(shingles[0] & shingles[1]) >= 0.8 * len(shingles[0] | shingles[1])


@pytest.mark.parametrize("item", planted("benchmark_leak"))
def test_leaks_are_items_of_the_benchmark(item: dict[str, Any]) -> None:
    question = record(**item["of"])["question"]

    assert question in "\n".join(texts(record(item["file"], item["line"])))


@pytest.mark.parametrize("item", planted("broken_json"))
def test_broken_lines_are_no_json(item: dict[str, Any]) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(raw_line(item))


CHARSETS = ("gb2312", "gbk", "gb18030")


@pytest.mark.parametrize("item", planted(*CHARSETS))
def test_books_need_the_charset_that_is_told(item: dict[str, Any]) -> None:
    data = read_bytes(item["file"])
    narrower = CHARSETS[: CHARSETS.index(item["kind"])]

    assert "\ufffd" not in data.decode(item["kind"])
    for charset in narrower:
        with pytest.raises(UnicodeDecodeError):
            data.decode(charset)


@pytest.mark.parametrize("item", planted("undecodable"))
def test_the_damaged_book_is_in_no_charset(item: dict[str, Any]) -> None:
    for charset in ("utf-8", *CHARSETS, "big5"):
        with pytest.raises(UnicodeDecodeError):
            read_bytes(item["file"]).decode(charset)


SIGNS = {"lone_surrogate": r"\\ud83d", "nul_character": r"\\u0000", "masked_drug": r"\[MASK\]"}
SIGNS |= {"unknown_role": '"visitor"', "advertisement": "加微信", "zero_width": "\u200b"}
SIGNS |= {"fullwidth_letters": "[Ａ-Ｚ]", "mojibake": "\u00e6", "utf8_bom": "\ufeff"}


@pytest.mark.parametrize("item", planted(*SIGNS))
def test_signs_of_a_fault_stand_in_the_line(item: dict[str, Any]) -> None:
    assert re.search(SIGNS[item["kind"]], raw_line(item))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """The reports of all shipped pipelines, run on the sample data."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return {p.stem: datakit.run(p, output=folder / p.stem, executor="local") for p in PIPELINES}


@pytest.mark.parametrize("name", [path.stem for path in PIPELINES])
def test_shipped_pipelines_balance_and_fill_every_split(runs: dict[str, Report], name: str) -> None:
    report = runs[name]

    assert report.is_balanced
    assert report.rows_in == report.rows_out + report.rows_rejected - report.copies
    assert {file.split for file in report.files if file.rows} == {"train", "val", "test"}


@pytest.mark.parametrize("name", [path.stem for path in PIPELINES])
def test_output_loads_in_datasets_with_all_rows(
    runs: dict[str, Report], name: str, tmp_path: Path
) -> None:
    from datasets import load_dataset

    report = runs[name]
    files = {s: str(Path(report.output) / s / "*.jsonl") for s in ("train", "val", "test")}

    loaded = load_dataset("json", data_files=files, cache_dir=str(tmp_path))

    counted = Counter[str]()
    for file in report.files:
        counted[file.split] += file.rows
    assert {split: rows.num_rows for split, rows in loaded.items()} == counted


# The reason (a pattern) for which a faulty record is rejected by the pipeline that reads it.
REASONS = {
    "missing_field": "missing_(conversation|instruction)",
    "wrong_type": "malformed_conversation",
    "broken_json": "malformed_json",
    "not_an_object": "not_an_object",
    "lone_surrogate": "lone_surrogate",
    "nul_character": "nul_character",
    "wrong_number_of_fields": "wrong_number_of_fields",
    "unknown_role": "unknown_role",
    "wrong_role_order": "wrong_role_order",
    "last_turn_user": "last_not_assistant",
    "empty_message": "empty_message",
    "empty_conversation": "empty_conversation",
    "empty_answer": "empty_output",
    "advertisement": "advertisement",
    "masked_drug": "masked_drug",
    "wrong_language": "wrong_language",
}


Place = tuple[str, int]


@cache
def rejects(output: str) -> dict[Place, list[str]]:
    """The reasons for which the record of each file and line was rejected."""
    reasons: dict[Place, list[str]] = {}
    for path in (Path(output) / "_datakit" / "rejects").glob("*.jsonl"):
        for row in map(json.loads, path.read_text("utf-8").strip().split("\n")):
            place = (Path(row["file"]).name, row["line"])
            reasons.setdefault(place, []).append(row["reason"])
    return reasons


def fates(report: Report, item: dict[str, Any]) -> list[str]:
    return rejects(report.output).get((Path(item["file"]).name, item["line"]), [])


def is_written(report: Report, item: dict[str, Any]) -> bool:
    import polars as pl

    lineage = pl.read_parquet(Path(report.output) / "_datakit" / "lineage" / "*.parquet")
    name = pl.col("file").str.split("/").list.last() == Path(item["file"]).name
    return not lineage.filter(name & (pl.col("line") == item["line"])).is_empty()


@pytest.mark.parametrize("item", planted(*REASONS))
def test_planted_faults_are_rejected_for_their_reason(
    runs: dict[str, Report], item: dict[str, Any]
) -> None:
    name = "medical" if item["file"].startswith("medical/") else "medical_pretrain"

    [reason] = fates(runs[name], item)

    assert re.fullmatch(REASONS[item["kind"]], reason)


@pytest.mark.parametrize("item", planted("exact_duplicate"))
def test_of_exact_duplicates_one_goes(runs: dict[str, Report], item: dict[str, Any]) -> None:
    reports = [runs[name] for name in ("medical", "medical_pretrain")]

    fallen = [fates(report, row) for report in reports for row in (item, item["of"])]

    assert ["exact_duplicate"] in fallen


def test_two_doses_are_two_records(runs: dict[str, Report]) -> None:
    pair = [item for item in PLANTED if item["kind"] == "dose_pair"]

    assert len(pair) == 2
    assert all(is_written(runs["quickstart"], item) for item in pair)


def test_the_undecodable_book_is_one_reject(runs: dict[str, Report]) -> None:
    [item] = [item for item in PLANTED if item["kind"] == "undecodable"]

    assert fates(runs["medical_pretrain"], item) == ["undecodable"]
