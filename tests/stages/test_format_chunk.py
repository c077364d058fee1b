"""format.chunk: every character in some piece, sizes kept, tokens, settings, books."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import datakit
from datakit.errors import SettingsError
from datakit.stages.format.chunk import ChunkFormat
from datakit.stages.format.sentences import SENTENCE
from datakit.testing import run_stage
from datakit.tokens.tokenizer import open_tokenizer

prose = st.text(alphabet="每日 服,，.。!\n\u3000aB3😀”", max_size=120)


def pieces_of(stage: ChunkFormat, text: str) -> list[str]:
    return [row["text"] for row in run_stage(stage, [{"text": text}]).rows]


@given(prose, st.integers(4, 40))
def test_pieces_joined_are_the_document(text: str, most: int) -> None:
    pieces = pieces_of(ChunkFormat(max_chars=most), text)

    assert "".join(pieces) == text
    assert all(len(piece) <= most for piece in pieces)


@given(prose, st.integers(4, 40), st.integers(0, 20))
def test_overlapping_pieces_miss_nothing_and_each_goes_on(
    text: str, most: int, overlap: int
) -> None:
    overlap = min(overlap, most - 1)
    pieces = pieces_of(ChunkFormat(max_chars=most, overlap=overlap), text)

    done = 0
    for number, piece in enumerate(pieces):
        starts = [s for s in range(max(0, done - overlap), done + 1) if text.startswith(piece, s)]
        assert starts, "a piece begins no earlier than `overlap` before the end of the last"
        assert number == 0 or any(start + len(piece) > done for start in starts)
        done = max(start + len(piece) for start in starts)
        assert len(piece) <= most
    assert done == len(text)


def test_tokens_of_a_tokenizer_bound_the_pieces(tiny: Path) -> None:
    text = "患者每日三次。the dose of aspirin, 5 mg. 𠮷𠮷𠮷𠮷𠮷𠮷" * 4
    stage = ChunkFormat(max_tokens=16, tokenizer=tiny)

    pieces = pieces_of(stage, text)

    assert "".join(pieces) == text
    assert open_tokenizer(tiny).tokenizer.encode(pieces).lengths.max() <= 16


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "one of max_chars and max_tokens"),
        ({"max_chars": 9, "max_tokens": 9}, "one of max_chars and max_tokens"),
        ({"max_chars": 3}, "less than 4"),
        ({"max_chars": 9, "overlap": 9}, "overlap"),
        ({"max_tokens": 9}, "go together"),
        ({"max_tokens": 9, "tokenizer": Path("nowhere")}, "no tokenizer"),
    ],
)
def test_settings_that_contradict(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ChunkFormat(**settings)  # type: ignore[arg-type]


def test_the_books_of_a_run_show_pieces_as_copies(tmp_path: Path) -> None:
    rows = [{"id": "x", "text": "一二三。四五六。七八九。"}, {"id": "y", "text": "短"}]
    data = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "a.jsonl").write_text(data)
    (tmp_path / "p.toml").write_text(
        f'[[source]]\nname = "s"\npath = "{tmp_path}/a.jsonl"\nid = "id"\n'
        '[[stage]]\nuse = "format.chunk"\nmax_chars = 4\n'
        f'[output]\npath = "{tmp_path}/out"\nformat = "text"\n'
    )

    report = datakit.run(tmp_path / "p.toml")

    count = report.counts.by_stage()[1, "format.chunk"]
    assert (count.rows_in, count.rows_out, count.copies) == (2, 4, 2)
    assert report.is_balanced
    assert len(datakit.explain(tmp_path / "out", "x").places) == 3
    assert len(datakit.explain(tmp_path / "out", "x#2").places) == 1


def test_initials_and_abbreviations_end_no_sentence() -> None:
    text = "Isolates of S. aureus were typed. Smith et al. found none, e.g. in milk. All died."

    sentences = pl.Series([text]).str.extract_all(SENTENCE).to_list()[0]

    assert "".join(sentences) == text
    assert [s.strip() for s in sentences] == [
        "Isolates of S. aureus were typed.",
        "Smith et al. found none, e.g. in milk.",
        "All died.",
    ]
