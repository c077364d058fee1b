"""Whole runs that take repeated lines and passages out of documents and conversations."""

import json
import random
from pathlib import Path

import pytest
from executors.kill_runs import output_digest

import datakit
from datakit.report.report import Report

PIPELINE = """
[pipeline]
name = "parts"
shard_bytes = "{shard_bytes}"
[[source]]
name = "pages"
path = "{folder}/pages.jsonl"
[[source]]
name = "chats"
path = "{folder}/chats.jsonl"
fields = {{ conversation = "messages" }}
[[stage]]
use = "format.chat"
only = ["chats"]
[[stage]]
use = "dedup.lines"
keep_first = 2
[[stage]]
use = "dedup.substring"
min_chars = 60
edges = "{edges}"
[output]
path = "{folder}/out"
format = "jsonl"
layout = "records"
"""
MENU = "首页 | 关于我们 | 联系方式 | 版权声明 | 网站地图"
QUOTE = (
    "上工治未病，不治已病，此之谓也。夫病已成而后药之，乱已成而后治之，譬犹渴而穿井，斗而铸锥，"
    "不亦晚乎！此语出自素问，常为后人所引，今录于此，以备参考。"
)


def write_input(folder: Path) -> None:
    """600 pages with a menu each, every fifth with the same quotation; 300 chats."""
    chance = random.Random(5)

    def sentence() -> str:
        return "".join(chr(chance.randrange(0x4E00, 0x9000)) for _ in range(20)) + "。"

    pages, chats = [], []
    for n in range(600):
        body = "".join(sentence() for _ in range(6)) + QUOTE * (n % 5 == 0) + sentence()
        pages.append({"id": f"p{n}", "text": f"{MENU}\n\n{body}\n\n{sentence()}"})
    for n in range(300):
        answer = sentence() + "\n以上内容仅供参考，具体用药请遵医嘱。"
        talk = [{"role": "user", "content": MENU}, {"role": "assistant", "content": answer}]
        chats.append({"id": f"c{n}", "messages": talk})
    for name, rows in (("pages", pages), ("chats", chats)):
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(folder: Path, out: Path, *, edges: str, shard_bytes: str, **options: object) -> Report:
    text = PIPELINE.format(folder=folder, edges=edges, shard_bytes=shard_bytes)
    file = folder / "parts.toml"
    file.write_text(text)
    return datakit.run(file, output=out, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("edges", ["sentence", "word"])
def test_the_same_bytes_whatever_the_shards_and_workers(tmp_path: Path, edges: str) -> None:
    write_input(tmp_path)
    cut = {"edges": edges, "shard_bytes": "64 KiB"}
    report = run(tmp_path, tmp_path / "a", executor="local", workers=1, **cut)
    run(tmp_path, tmp_path / "b", executor="pool", workers=2, **cut)
    cut["shard_bytes"] = "64 MiB"
    whole = run(tmp_path, tmp_path / "c", executor="local", workers=1, **cut)

    assert report.is_balanced
    digests = {output_digest(tmp_path / name) for name in "abc"}
    assert len(digests) == 1
    assert report.verdicts == whole.verdicts


def test_what_was_removed_is_counted_and_listed(tmp_path: Path) -> None:
    write_input(tmp_path)

    report = run(tmp_path, tmp_path / "out", edges="sentence", shard_bytes="64 KiB")

    text = (tmp_path / "out/train").glob("*").__next__().read_text()
    assert text.count(MENU) == 2 + 300, "questions are not looked into"
    assert text.count("以上内容仅供参考") == 2
    assert text.count(QUOTE) == 1
    edits = {(n, s): dict(c.edits) for (_, n, s), c in report.counts.stages.items() if c.edits}
    assert edits["dedup.lines", "pages"]["lines removed"] == 598
    assert edits["dedup.lines", "chats"]["records edited"] == 298
    assert edits["dedup.substring", "pages"]["passages removed"] == 119
    lines, passages = report.verdicts
    assert [(row["text"], row["surplus"]) for row in lines.rows] == [
        (MENU, 598),
        ("以上内容仅供参考，具体用药请遵医嘱。", 298),
    ]
    assert passages.rows[0]["surplus"] == 119
