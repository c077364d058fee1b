"""Preflight: reasons in words, declarations of columns, files of every kind, the command."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from datakit import api
from datakit.cli import main
from datakit.errors import UsageError
from datakit.preflight.llamafactory.dataset import guess_entry, read_entry
from datakit.preflight.llamafactory.lengths import Kept, cut_turns, share_cutoff
from datakit.preflight.preflight import PreflightReport, Tails


def turns(*values: Any, roles: str = "hghghghg") -> list[dict[str, Any]]:
    names = {"h": "human", "g": "gpt", "s": "system", "o": "observation", "f": "function_call"}
    return [{"from": names[r], "value": v} for r, v in zip(roles, values, strict=False)]


def judge(folder: Path, tiny: Path, rows: list[dict[str, Any]], **settings: Any) -> PreflightReport:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    settings = {"template": "qwen", "cutoff": 500, **settings}
    return api.preflight(path, tokenizer=tiny, **settings)


@pytest.mark.parametrize(
    ("row", "outcome", "detail"),
    [
        ({"conversations": turns("问", "答")}, None, ""),
        ({"conversations": turns("问", "答", "又")}, "dropped wrong_message_count", "3 messages"),
        ({"conversations": turns("问", "答", roles="gh")}, "dropped wrong_role_order", "message 1"),
        ({"conversations": []}, "dropped no_messages", "no question"),
        ({"conversations": None}, "stops no_messages", "no list"),
        ({"conversations": turns("问", None)}, "stops not_a_text", "message 2 is None"),
        ({"conversations": turns("问", "{", roles="hf")}, "stops broken_tool_call", "JSONDecode"),
        ({"conversations": turns("问", "答"), "tools": "{"}, "stops broken_tools", "JSONDecode"),
        ({"conversations": turns("问", "答" * 400)}, "truncated answer_cut", "1 of 1"),
        ({"conversations": turns("问" * 400, "答")}, "truncated question_cut", ""),
        (
            {"conversations": turns("问" * 600, "答", "又", "是")},
            "truncated answers_lost",
            "1 of 2",
        ),
        ({"instruction": "问", "output": None}, "dropped no_answer", "no text"),
        ({"instruction": "问", "output": "答", "history": [["x"]]}, "stops broken_history", "pair"),
        ({"instruction": 5, "output": "答"}, "stops not_a_text", "instruction"),
        ({"instruction": "问", "output": "", "kto_tag": True}, "changed label_flipped", "empty"),
        ({"instruction": "问", "output": "答", "kto_tag": None}, "dropped no_label", "label"),
        ({"instruction": "问", "chosen": "好", "rejected": None}, "dropped no_pair", "chosen"),
        ({"text": ""}, "changed empty_text", "end token"),
        ({"text": 5}, "stops not_a_text", ""),
    ],
)
def test_each_fate_has_its_reason(
    tiny: Path, tmp_path: Path, row: dict[str, Any], outcome: str | None, detail: str
) -> None:
    found = judge(tmp_path, tiny, [row])

    if outcome is None:
        assert found.is_clean
    else:
        assert list(found.reasons) == [outcome]
        assert detail in found.examples[0].verdict.detail
        assert not found.is_clean


def test_what_is_trained_is_counted(tiny: Path, tmp_path: Path) -> None:
    rows = [{"conversations": turns("the dose", "患者")}, {"conversations": turns("x")}]

    found = judge(tmp_path, tiny, rows, template="chatml")

    # 患者 is one token, as is <|im_end|>; the line end behind it is trained too.
    assert found.trained == 3
    assert found.outcomes == {"dropped": 1, "kept": 1}
    assert "are dropped" in found.render()
    assert json.loads(found.to_json())["clean"] is False


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 200))
def test_a_question_and_its_answer_share_the_cutoff(source: int, target: int, cutoff: int) -> None:
    kept = share_cutoff(source, target, cutoff)

    assert sum(kept) <= cutoff
    assert kept[0] <= source
    assert kept[1] <= target
    if source + target <= cutoff:
        assert kept == (source, target)


def test_turns_beyond_the_cutoff_are_lost_the_first_or_the_last() -> None:
    pairs = [(10, 20), (10, 20), (10, 20)]

    assert cut_turns(pairs, 60) == Kept(90, 60, 40, 3, 2, 1)
    assert cut_turns(pairs, 60, last_only=True) == Kept(90, 60, 20, 3, 2, 1)
    assert cut_turns(pairs, 90, ends_late=True) == Kept(91, 90, 62, 3, 2, 0)


def test_columns_and_tags_not_named_are_none() -> None:
    info = read_entry({"columns": {"prompt": "text"}}, "it")

    assert (info.prompt, info.query, info.messages, info.stage) == ("text", None, None, "pt")
    tagged = read_entry({"formatting": "sharegpt", "tags": {"role_tag": "role"}}, "it")
    assert (tagged.role_tag, tagged.observation_tag) == ("role", None)
    assert tagged.messages == "conversations"


@pytest.mark.parametrize(
    ("keys", "stage"),
    [
        ("conversations system", "sft"),
        ("messages", "sft"),
        ("instruction input output", "sft"),
        ("instruction output kto_tag", "kto"),
        ("conversations chosen rejected", "rm"),
        ("text", "pt"),
    ],
)
def test_rows_without_a_declaration_are_told_by_their_keys(keys: str, stage: str) -> None:
    assert guess_entry(dict.fromkeys(keys.split())).stage == stage


def test_keys_of_no_form_are_said() -> None:
    with pytest.raises(UsageError, match="no form with the keys answer, question"):
        guess_entry({"question": 1, "answer": 2})


def test_a_declared_column_that_is_missing_stops_the_trainer(tiny: Path, tmp_path: Path) -> None:
    entry = {"a": {"columns": {"prompt": "instruction", "response": "output", "system": "sys"}}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(entry))

    found = judge(tmp_path, tiny, [{"instruction": "问", "output": "答"}])

    assert found.problems == ["no column 'sys': the trainer ends with a KeyError"]
    assert found.declared == "dataset_info.json, 'a'"


def test_of_several_data_sets_one_is_named(tiny: Path, tmp_path: Path) -> None:
    info = tmp_path / "info.json"
    info.write_text(json.dumps({"a": {}, "b": {"columns": {"prompt": "text"}}}))
    rows = [{"text": "a"}]

    assert judge(tmp_path, tiny, rows, dataset_info=info, dataset="b").stage == "pt"
    for name, message in [(None, "say which: a, b"), ("c", "no data set 'c'")]:
        with pytest.raises(UsageError, match=message):
            judge(tmp_path, tiny, rows, dataset_info=info, dataset=name)


def test_files_of_every_kind_hold_the_same_rows(tiny: Path, tmp_path: Path) -> None:
    rows = [{"text": f"the dose {n}"} for n in range(3)]
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (tmp_path / "a.jsonl").write_bytes(data)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(data))
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.compress(data))
    (tmp_path / "a.json").write_text(json.dumps(rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")

    found = {
        path.name: api.preflight(path, tokenizer=tiny, template="qwen", packing=False)
        for path in sorted(tmp_path.iterdir())
    }

    assert len({(report.rows, report.tokens) for report in found.values()}) == 1
    told = [name for name, report in found.items() if report.problems]
    assert told == ["a.jsonl.gz", "a.jsonl.zst"]


def test_packed_texts_lose_the_rest_of_every_thousand_rows(tiny: Path, tmp_path: Path) -> None:
    found = judge(tmp_path, tiny, [{"text": "x" * 9}] * 1_005, cutoff=64)

    lost = 10_000 % 64 + 50 % 64
    assert (found.tokens, found.kept) == (10_050, 10_050 - lost)
    assert f"{lost} tokens fill no block" in found.problems[0]


def test_tails_add_up() -> None:
    tails = Tails(10)
    for _ in range(1_001):
        tails.add(7)

    assert tails.lost == 7_000 % 10 + 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"template": "qwem"}, "did you mean 'qwen'"),
        ({"trainer": "nobody"}, "no rules for the trainer 'nobody'"),
    ],
)
def test_unknown_names_are_said(
    tiny: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        judge(tmp_path, tiny, [{"text": "a"}], **settings)


@pytest.fixture
def run_dir(tiny: Path, tmp_path: Path) -> Path:
    rows = [{"id": f"n{n}", "q": "问", "a": "答" * (n * 200 + 1)} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "p.toml").write_text(
        f'[[source]]\nname = "s"\npath = "{tmp_path}/a.jsonl"\nid = "id"\nfields = ["q", "a"]\n'
        '[[stage]]\nuse = "format.instruct"\ninstruction = "q"\noutput = "a"\n'
        f'[[stage]]\nuse = "annotate.tokens"\ntokenizer = "{tiny}"\ntemplate = "qwen"\n'
        f'[output]\npath = "{tmp_path}/out"\nformat = "sharegpt"\n'
    )
    api.run(tmp_path / "p.toml")
    return tmp_path / "out"


def test_the_command_names_the_records_of_a_run(tiny: Path, run_dir: Path) -> None:
    arguments = ["preflight", str(run_dir), "--template", "qwen", "--tokenizer", str(tiny)]

    cut = CliRunner().invoke(main, [*arguments, "--cutoff", "300"])
    clean = CliRunner().invoke(main, [*arguments, "--cutoff", "4096", "--json"])

    assert cut.exit_code == 1
    assert "train-00000-of-00001.jsonl:2 n1 truncated, answer_cut" in cut.output
    assert clean.exit_code == 0
    assert json.loads(clean.output)["outcomes"] == {"kept": 3}


def test_lengths_of_a_run_by_percentile_and_window(tiny: Path, run_dir: Path) -> None:
    report = api.tokens(run_dir)
    shown = CliRunner().invoke(main, ["tokens", str(run_dir)]).output

    (row,) = report.rows
    preflight = api.preflight(run_dir, tokenizer=tiny, template="qwen", cutoff=9_999)
    assert (row.records, row.tokens) == (3, preflight.tokens)
    assert row.fitting["2k"] == 1
    assert row.percentiles["p50"] < row.longest
    assert shown.splitlines()[1].startswith("train  all           3")
    missing = CliRunner().invoke(main, ["tokens", str(run_dir), "--column", "n"])
    assert (missing.exit_code, "annotate.tokens" in missing.output) == (2, True)
