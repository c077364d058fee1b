"""The report for people: terminal, page, card."""

from collections import Counter
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import pytest

from datakit.report.card import render_card
from datakit.report.counts import Counts, StageCount
from datakit.report.html import render_html
from datakit.report.render import render_table, render_text
from datakit.report.report import Input, Report, Verdict
from datakit.stage import WrittenFile


@pytest.fixture
def report() -> Report:
    stages = {
        (0, "read 药典", "药典"): StageCount(1200, 1199, 0, Counter(malformed_json=1)),
        (1, "filter.length", "药典"): StageCount(
            1199, 1000, 0, Counter({"too_few_<b>": 199}), Counter({"lines removed": 1234})
        ),
    }
    return Report(
        name="medical & more",
        seed=42,
        output="out/medical",
        pipeline_file="medical.toml",
        pipeline_digest="abc",
        counts=Counts(
            stages,
            Counter({("train", "药典"): 1000}),
            Counter({(2, "annotate.topic", "topic", "<none>", "药典"): 1000}),
        ),
        verdicts=[Verdict("02 mix.weighted", [{"source": "药典", "share": 0.25, "limited": True}])],
        inputs=[Input("药典", "a.jsonl", 12)],
        files=[
            WrittenFile("train/train-00000-of-00001.jsonl", "train", 1000, 5_000_000, "ff" * 32)
        ],
        rejects={"01-filter.length.jsonl": 199},
        reused=["1/2 read"],
        seconds=1.5,
    )


def test_the_terminal_report_says_all(report: Report) -> None:
    text = render_text(report)

    assert "1,200 read = 1,000 written + 200 rejected; the books balance" in text
    assert "used again from earlier runs: 1/2 read" in text
    assert "malformed_json 1" in text
    assert "0.25" in text
    assert "5.0 MB in out/medical" in text
    assert "02 annotate.topic: topic\ntopic" in text


def test_the_report_survives_json(report: Report) -> None:
    assert Report.from_json(report.to_json()).to_json() == report.to_json()


def test_the_manifest_holds_nothing_that_changes_from_run_to_run(report: Report) -> None:
    assert not {"seconds", "reused", "output", "run"} & report.manifest().keys()


def test_the_page_escapes_what_users_name(report: Report) -> None:
    page = render_html(report)

    assert "medical &amp; more" in page
    assert "too_few_&lt;b&gt; 199" in page
    assert "<td>&lt;none&gt;</td><td class=n>1,000</td>" in page
    assert "http" not in page


def test_the_page_closes_its_tags(report: Report) -> None:
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Checker().feed(render_html(report))
    assert open_tags == []


def test_the_card_names_reasons_and_sources(report: Report) -> None:
    card = render_card(report)

    assert "too_few_<b>" in card
    assert "a.jsonl" in card
    assert "1.5 s" not in card


def test_tables_count_a_han_character_as_two_columns() -> None:
    assert render_table(("名", "n"), [("药典", "1"), ("ab", "22")]).splitlines() == [
        "名     n",
        "药典   1",
        "ab    22",
    ]


def test_rows_of_several_kinds_become_tables_with_the_columns_they_have() -> None:
    rows = [
        {
            "table": "sources",
            "source": "a",
            "share": 0.75,
            "alarm": "lost more than 50%",
            "n": None,
        },
        {"table": "sources", "source": "b", "share": 0.0, "alarm": None, "n": None},
        {"table": "clusters", "source": None, "share": None, "alarm": None, "n": 2, "_hidden": 1},
    ]

    tables = Verdict("01 dedup.exact", rows).tables()

    assert [(t.stage, list(t.rows[0]), len(t.rows)) for t in tables] == [
        ("01 dedup.exact: sources", ["source", "share", "alarm"], 2),
        ("01 dedup.exact: clusters", ["n"], 1),
    ]
    assert Verdict("none", []).tables() == []


def test_an_alarm_that_is_about_no_source_needs_no_share(report: Report) -> None:
    rows = [{"split": "val", "alarm": "val: 0 of 9 records"}, {"split": "test", "alarm": None}]

    alarms = replace(report, verdicts=[Verdict("03 split.random", rows)]).alarms

    assert alarms == ["03 split.random: val: 0 of 9 records"]


def test_an_alarm_stands_at_the_top_of_every_report(report: Report) -> None:
    rows = [{"table": "sources", "source": "a", "share": 0.75, "alarm": "lost more than 50%"}]
    report = replace(report, reused=[], verdicts=[Verdict("01 dedup.exact", rows)])

    alarm = "01 dedup.exact: source 'a' lost more than 50%: 75.0%"
    assert render_text(report).splitlines()[1] == f"ALARM: {alarm}"
    assert escape(alarm) in render_html(report)
