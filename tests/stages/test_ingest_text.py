"""Documents from text and Markdown files, whole or cut."""

import gzip
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_reading import kept, read_all, rejects

from datakit.errors import SettingsError
from datakit.stages.ingest.plain_text import TextSource
from datakit.stages.ingest.text_pieces import split_at_blank_lines, split_at_pattern

BOOK = "书名：本草\n\n<篇名>甘草\n味甘，平。\n主治五脏六腑。\n\n<篇名>人参\n<篇名>黄芪\n补气。\n"
CHINESE = "患者的头很痛，不知道为什么会这样，医生说要多休息。\n"


def source(path, **settings):
    return TextSource(name="s", path=str(path), **settings)


def read(tmp_path, content, name="x.txt", **settings):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_all(source(path, **settings))


def test_a_file_is_a_record_as_it_stands(tmp_path):
    rows = read(tmp_path, "  a\n\nb\n")
    assert kept(rows, "id", "text", "meta", "_line") == [
        ("s/x.txt:1", "  a\n\nb\n", '{"file":"x.txt"}', 1)
    ]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems(tmp_path, end):
    rows = read(tmp_path, BOOK.replace("\n", end), pattern="^<篇名>")
    assert kept(rows, "text") == kept(read(tmp_path, BOOK, pattern="^<篇名>"), "text")
    rows = read(tmp_path, "a\r\nb\r\n", split="lines")
    assert kept(rows, "text", "_line") == [("a", 1), ("b", 2)]


def test_folder_of_files_with_their_names_as_a_field(tmp_path):
    (tmp_path / "tang").mkdir()
    (tmp_path / "tang" / "a.md").write_text("A")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"B"))
    (tmp_path / "c.csv").write_text("no")
    rows = read_all(source(tmp_path, text="text", fields={"book": "file"}, id="file"))
    assert kept(rows, "id", "text", "book", "meta") == [
        ("b.txt.gz", "B", "b.txt.gz", "{}"),
        ("tang/a.md", "A", "tang/a.md", "{}"),
    ]


def test_blank_lines_part_records(tmp_path):
    rows = read(tmp_path, "\n\na\n b\n \t\n\u3000\nc", split="blank_lines")
    assert kept(rows, "id", "text") == [("s/x.txt:3", "a\n b"), ("s/x.txt:7", "c")]


def test_lines_are_records(tmp_path):
    rows = read(tmp_path, "\ufeffa\n\n  b\n\u3000\nc", split="lines")
    assert kept(rows, "id", "text") == [
        ("s/x.txt:1", "a"),
        ("s/x.txt:3", "  b"),
        ("s/x.txt:5", "c"),
    ]


def test_a_pattern_starts_records(tmp_path):
    rows = read(tmp_path, BOOK, pattern="^<篇名>")
    assert kept(rows, "text", "_line") == [
        ("书名：本草", 1),
        ("<篇名>甘草\n味甘，平。\n主治五脏六腑。", 3),
        ("<篇名>人参", 7),
        ("<篇名>黄芪\n补气。", 8),
    ]


def test_named_groups_become_fields_and_leave_the_text(tmp_path):
    rows = read(tmp_path, BOOK, pattern="^<篇名>(?P<title>.+)$", text="text", fields=["title"])
    assert kept(rows, "title", "text", "_line") == [
        (None, "书名：本草", 1),
        ("甘草", "味甘，平。\n主治五脏六腑。", 3),
        ("黄芪", "补气。", 8),
    ]
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(7, "empty_text")]


def test_a_pattern_that_is_nowhere_leaves_the_file_whole(tmp_path):
    assert kept(read(tmp_path, "a\nb", pattern="^Chapter"), "text") == [("a\nb",)]


FRONT = "---\ntitle: T\n---\n# H\n\ntext\n"


@pytest.mark.parametrize(
    ("content", "text", "line"),
    [
        (FRONT, "# H\n\ntext\n", 4),
        (FRONT.replace("\n", "\r\n"), "# H\n\ntext\n", 4),
        ("# no\n---\nfront: matter\n---\n", "# no\n---\nfront: matter\n---\n", 1),
        ("---\nnever closed\n", "---\nnever closed\n", 1),
    ],
)
def test_front_matter_is_dropped_when_asked(tmp_path, content, text, line):
    rows = read(tmp_path, content, "x.md", front_matter="drop")
    assert kept(rows, "text", "_line") == [(text, line)]
    assert kept(read(tmp_path, FRONT, "x.md"), "text") == [(FRONT,)]


def test_blocks_after_dropped_front_matter_keep_their_lines(tmp_path):
    rows = read(tmp_path, FRONT, "x.md", front_matter="drop", split="blank_lines")
    assert kept(rows, "text", "_line") == [("# H", 4), ("text", 6)]


@pytest.mark.parametrize(
    "settings", [{}, {"split": "blank_lines"}, {"split": "lines"}, {"pattern": "^x"}]
)
@pytest.mark.parametrize("content", ["", " \n\u3000\n", "\ufeff"])
def test_file_without_text_is_a_reject(tmp_path, content, settings):
    rows = read(tmp_path, content, **settings)
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(1, "empty_text")]
    assert rows.height == 1


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("settings", [{"split": "lines"}, {"pattern": "^患者"}])
def test_encodings_are_told_apart(tmp_path, encoding, settings):
    rows = read(tmp_path, (CHINESE * 3).encode(encoding), **settings)
    assert kept(rows, "text") == [(CHINESE.strip(),)] * 3


def test_undecodable_file_is_one_reject_with_the_place(tmp_path):
    broken = CHINESE.encode("gb18030") + b"\xb5\x32\xb2\xbb" + CHINESE.encode("gb18030")
    (found,) = rejects(read(tmp_path, broken))
    assert found[:2] == (1, "undecodable")
    assert found[2]["encoding"] == "gb18030"
    assert found[2]["offset"] == len(CHINESE.encode("gb18030"))
    assert "\ufffd" in kept(read(tmp_path, broken, encoding_errors="replace"), "text")[0][0]


def test_undecodable_file_says_what_else_it_may_be(tmp_path):
    french = "Le café était déjà fermé, et l’élève naïf rentra chez lui.\n" * 5
    (found,) = rejects(read(tmp_path, french.encode("cp1252")))
    assert found[1] == "undecodable"
    assert found[2]["may_be"].startswith("cp125")
    rows = read(tmp_path, french.encode("cp1252"), encoding="cp1252")
    assert kept(rows, "text") == [(french,)]


def test_undecodable_line_costs_no_other(tmp_path):
    broken = CHINESE.encode("gb18030") + b"\xb5\x32\xb2\xbb\n" + CHINESE.encode("gb18030")
    rows = read(tmp_path, broken, split="lines")
    assert kept(rows, "_line") == [(1,), (3,)]
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(2, "undecodable_line")]


def test_rejects_stand_among_the_records_in_the_order_of_the_files(tmp_path):
    for name, content in [("a", b"A"), ("b", b"\xff\xff"), ("c", b"C"), ("d", b"D"), ("e", b"")]:
        (tmp_path / f"{name}.txt").write_bytes(content)
    rows = read_all(source(tmp_path))
    assert rows["_file"].to_list() == [f"{name}.txt" for name in "abcde"]
    assert rows["id"].to_list() == [f"s/{name}.txt:1" for name in "abcde"]
    assert rows["text"].to_list()[2:4] == ["C", "D"]
    assert [reason for _, reason, _ in rejects(rows)] == ["undecodable", "empty_text"]


def test_too_much_text_is_a_reject(tmp_path):
    rows = read(tmp_path, "a" * 50 + "\nb\n", max_record_bytes=40)
    assert rejects(rows) == [(1, "file_too_large", {"max_record_bytes": 40})]
    rows = read(tmp_path, "a\n" + "b" * 50 + "\nc\n", max_record_bytes=40, split="lines")
    assert kept(rows, "text", "_line") == [("a", 1), ("c", 3)]
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(2, "line_too_long")]


def test_nul_characters_are_rejected(tmp_path):
    rows = read(tmp_path, "a\nb\0\nc" + "d" * 40, split="lines")
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(2, "nul_character")]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"split": "chapters"}, "split"),
        ({"split": "lines", "pattern": "x"}, "pattern"),
        ({"pattern": "(x"}, "pattern"),
        ({"front_matter": "strip"}, "front_matter"),
        ({"front_matter": "drop", "split": "lines"}, "front_matter"),
        ({"text": "content"}, "text"),
        ({"text": "text", "fields": ["title"]}, "fields"),
        ({"id": "name"}, "id"),
        ({"pattern": "(?P<a>x)", "split": "lines", "fields": ["a"]}, "pattern"),
        ({"encoding": "gb"}, "encoding"),
        ({"encoding_errors": "ignore"}, "encoding_errors"),
        ({"on_malformed": "skip"}, "on_malformed"),
        ({"max_record_bytes": 0}, "max_record_bytes"),
        ({"max_record_bytes": -1}, "max_record_bytes"),
    ],
)
def test_settings_mistakes(settings, key):
    with pytest.raises(SettingsError) as error:
        source("x", **settings)
    assert error.value.key == key


LINES = st.lists(st.sampled_from(["", " ", "\u3000", "a", " b", "##c", "  ## d"]), max_size=12)


@given(LINES)
def test_blocks_are_runs_of_lines_that_are_not_blank(lines):
    expected, block = [], []
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            block.append(line)
        elif block:
            expected.append(("\n".join(block), number - len(block)))
            block = []
    found = [(piece.text, piece.line) for piece in split_at_blank_lines("\n".join(lines))]
    assert found == expected


@given(LINES)
def test_no_text_is_lost_at_a_pattern(lines):
    text = "\n".join(lines)
    pieces = list(split_at_pattern(text, re.compile("^##", re.MULTILINE)))
    assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(text.split())
    for piece in pieces:
        assert piece.text.splitlines()[0] == lines[piece.line - 1].rstrip()
