"""Records from delimited files of every dialect, and the rows that are none."""

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_reading import kept, read_all, rejects

from datakit.errors import DatakitError, SettingsError
from datakit.stages.ingest.csv_records import Dialect, Lines, read_records, sniff_delimiter
from datakit.stages.ingest.csv_table import CsvSource
from datakit.stages.ingest.decoding import line_blocks


def source(path, **settings):
    return CsvSource(name="s", path=str(path), **settings)


def read(tmp_path, content, name="x.csv", **settings):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_all(source(path, **settings))


def found(rows):
    return [(line, reason) for line, reason, _ in rejects(rows)]


def test_rows_are_records_and_values_stay_text(tmp_path):
    rows = read(tmp_path, "text,code,n\n头痛,007,1.0\nb,,NA\n")
    assert kept(rows, "id", "text", "meta", "_line") == [
        ("s/x.csv:2", "头痛", '{"code":"007","n":"1.0"}', 2),
        ("s/x.csv:3", "b", '{"code":"","n":"NA"}', 3),
    ]


def test_blanks_round_the_names_of_columns_are_no_part_of_them(tmp_path):
    assert kept(read(tmp_path, " text , n\n a ,1\n"), "text", "meta") == [(" a ", '{"n":"1"}')]


def test_mapping_of_columns(tmp_path):
    rows = read(
        tmp_path, "q,a,key\n怎么办,休息,k1\n", text=["q", "a"], fields={"answer": "a"}, id="key"
    )
    assert kept(rows, "id", "text", "answer", "meta") == [("k1", "怎么办\n\n休息", "休息", "{}")]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends(tmp_path):
    rows = read(tmp_path, '\ufefftext,b\r\n"one\r\ntwo, ""three""\n",x\r\n\r\n"y",z\r\n')
    assert kept(rows, "text", "meta", "_line") == [
        ('one\r\ntwo, "three"\n', '{"b":"x"}', 2),
        ("y", '{"b":"z"}', 6),
    ]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiter_is_found_out(tmp_path, delimiter):
    cells = [["id", "text"], ["1", "one, two; three | four"], ["2", 'he said "a;b"\nand, left']]
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(cells)
    rows = read(tmp_path, stream.getvalue(), id="id")
    assert kept(rows, "id", "text") == [tuple(row) for row in cells[1:]]


def test_tab_wins_over_commas_in_the_text():
    start = "name, first\ttext\n" + "a\tone, two\n" * 3
    assert sniff_delimiter(start, '"') == "\t"


def test_single_column_has_no_delimiter(tmp_path):
    assert kept(read(tmp_path, "text\na\nb\n"), "text") == [("a",), ("b",)]


def test_given_delimiter_and_quote(tmp_path):
    rows = read(tmp_path, "text^n\n'a^b'^1\n", delimiter="^", quote="'")
    assert kept(rows, "text") == [("a^b",)]
    rows = read(tmp_path, 'text\tn\n"half quoted\t1\n"a" b\t2\n', "x.tsv", quote="")
    assert kept(rows, "text") == [('"half quoted',), ('"a" b',)]


def test_names_of_columns_are_given_where_the_file_has_none(tmp_path):
    rows = read(tmp_path, "a,1\nb,2\n", columns=["text", "n"])
    assert kept(rows, "text", "_line") == [("a", 1), ("b", 2)]
    rows = read(tmp_path, "x,x\na,1\n", columns=["text", "n"], skip_lines=1)
    assert kept(rows, "text", "_line") == [("a", 2)]
    rows = read(tmp_path, "sep=;\ntext;n\na;1\n", skip_lines=1)
    assert kept(rows, "text", "_line") == [("a", 3)]


def test_rows_of_another_length_are_rejected_with_their_line(tmp_path):
    rows = read(tmp_path, 'text,n\na,1\n"b\nb",2,3\nc\nd,4\n')
    assert kept(rows, "text", "_line") == [("a", 2), ("d", 6)]
    assert rejects(rows) == [
        (3, "wrong_number_of_fields", {"expected": 2, "found": 3, "excerpt": "b\nb | 2 | 3"}),
        (5, "wrong_number_of_fields", {"expected": 2, "found": 1, "excerpt": "c"}),
    ]


def test_quote_left_open_is_a_reject_that_says_how_much_it_took(tmp_path):
    rows = read(tmp_path, 'text,n\na,1\n"b,2\nc,3\n')
    assert kept(rows, "text") == [("a",)]
    assert rejects(rows) == [(3, "unclosed_quote", {"lines": 2})]


def test_quote_left_open_takes_no_more_than_a_record_may_have(tmp_path):
    content = 'text,n\n"open\n' + "".join(f"row{n},{n}\n" for n in range(30))
    rows = read(tmp_path, content, max_record_bytes=60)
    assert found(rows)[0] == (2, "record_too_long")
    assert kept(rows, "text")[-1] == ("row29",)


def test_cell_over_the_limit_costs_its_row_and_no_other(tmp_path):
    content = 'text,x\n"' + "foo,bar\n" * 300 + '",1\nshort,c\n"' + "a\n" * 999 + '",1\nz,d'
    rows = read(tmp_path, content, max_record_bytes=1024)
    assert kept(rows, "text", "_line") == [("short", 303), ("z", 1304)]
    assert [(line, reason, values["lines"]) for line, reason, values in rejects(rows)] == [
        (2, "record_too_long", 301),
        (304, "record_too_long", 1000),
    ]


def test_quote_that_cannot_close_a_cell_tells_that_one_was_left_open(tmp_path):
    content = 'text,n\n"open\n' + "row,1\n" * 30 + '"a, b",2\nc,3\n'
    rows = read(tmp_path, content, max_record_bytes=60)
    assert found(rows) == [(2, "record_too_long")]
    assert kept(rows, "text")[-3:] == [("row",), ("a, b",), ("c",)]


def test_cell_far_over_the_limit_is_not_searched_for_its_end(tmp_path):
    content = 'text,n\n"' + "row,1\n" * 200 + '",2\n'
    rows = read(tmp_path, content, max_record_bytes=60)
    assert len(kept(rows, "text")) > 100


def test_cell_quoted_in_part_is_not_guessed_at(tmp_path):
    rows = read(tmp_path, 'text,n\n"a" b,1\nc,2\n5" disk,3\n')
    assert kept(rows, "text") == [("c",), ('5" disk',)]
    assert found(rows) == [(2, "malformed_row")]


def test_undecodable_line_rejects_the_row_it_is_in(tmp_path):
    good = "患者的头很痛，不知道为什么"
    content = f'text,n\n{good},1\n"{good}\nX",2\n{good},3\n'.encode("gb18030")
    rows = read(tmp_path, content.replace(b"X", b"\xb5\x32\xb2\xbb"))
    assert kept(rows, "text", "_line") == [(good, 2), (good, 5)]
    ((line, reason, values),) = rejects(rows)
    assert (line, reason, values["bytes"][:8]) == (3, "undecodable_line", "b5 32 b2")


def test_line_over_the_limit_rejects_the_row_it_is_in(tmp_path):
    rows = read(tmp_path, "text,n\n" + "a" * 100 + ",1\nb,2\n", max_record_bytes=50)
    assert kept(rows, "text") == [("b",)]
    assert found(rows) == [(2, "line_too_long")]


def test_cells_larger_than_the_csv_modules_own_limit(tmp_path):
    rows = read(tmp_path, "text,n\n" + "长" * 200_000 + ",1\n")
    assert len(kept(rows, "text")[0][0]) == 200_000


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le", "utf-8-sig"])
def test_encodings_are_told_apart(tmp_path, encoding):
    text = "患者的头很痛，不知道为什么会这样，医生说要多休息。"
    rows = read(tmp_path, f'text,n\n"{text}\n{text}",1\n'.encode(encoding))
    assert kept(rows, "text") == [(f"{text}\n{text}",)]


def test_mapping_faults_and_row_faults_stand_in_line_order(tmp_path):
    rows = read(tmp_path, "text,n\n ,1\na\nb,2\nc\0,3\n")
    assert found(rows) == [
        (2, "empty_text"),
        (3, "wrong_number_of_fields"),
        (5, "nul_character"),
    ]
    assert rows["_line"].to_list() == [2, 3, 4, 5]


def test_old_mac_line_ends(tmp_path):
    assert kept(read(tmp_path, "text,n\ra,1\rb,2\r"), "text") == [("a",), ("b",)]


@pytest.mark.parametrize("content", ["", "\n\n", "text,n\n", "\ufefftext,n"])
def test_file_without_rows_has_no_records(tmp_path, content):
    assert read(tmp_path, content).height == 0


def test_files_large_and_small_together(tmp_path):
    for number in range(12):
        rows = "".join(f"{number}-{row},x\n" for row in range(number * 20))
        (tmp_path / f"{number:02d}.csv").write_text("text,n\n" + rows)
    (tmp_path / "99.csv.gz").write_bytes(gzip.compress(b"text,n\nlast,x\n"))
    rows = read_all(source(tmp_path))
    assert rows["text"].to_list() == [
        *(f"{number}-{row}" for number in range(12) for row in range(number * 20)),
        "last",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            ",text\n0,a\n",
            r"x\.csv:1: column 1 has no name; .* columns = \[\.\.\.\], skip_lines = 1",
        ),
        ("text,text\na,b\n", "two columns are named 'text'"),
        ("txt,n\na,1\n", r"x\.csv has no column 'text'; did you mean 'txt'\? known: n, txt"),
        ('"text,n\na,1\n', "the first row cannot be read: unclosed_quote"),
    ],
)
def test_header_that_will_not_do_is_an_error(tmp_path, content, said):
    with pytest.raises(DatakitError, match=said):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"delimiter": ", "}, "delimiter"),
        ({"delimiter": ""}, "delimiter"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"quote": "''"}, "quote"),
        ({"quote": ";", "delimiter": ";"}, "quote"),
        ({"skip_lines": -1}, "skip_lines"),
        ({"columns": ["text", ""]}, "columns"),
        ({"columns": ["text", "text"]}, "columns"),
        ({"columns": ["a", "b"]}, "columns"),
        ({"encoding": "gb"}, "encoding"),
        ({"on_malformed": "skip"}, "on_malformed"),
        ({"max_record_bytes": 0}, "max_record_bytes"),
        ({"max_record_bytes": -1}, "max_record_bytes"),
    ],
)
def test_settings_mistakes(settings, key):
    with pytest.raises(SettingsError) as error:
        source("x", **settings)
    assert error.value.key == key


CELL = st.text(st.sampled_from('ab,;"\n\r 长\t'), max_size=6)


@given(st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=8), st.integers(4, 40))
def test_what_a_csv_writer_wrote_is_read_back(rows, block_bytes):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(rows)
    blocks = line_blocks(io.BytesIO(stream.getvalue().encode()), "utf-8", block_bytes=block_bytes)
    lines = Lines(blocks)
    read_back, at = [], 1
    for line, row in read_records(lines, Dialect(",", '"')):
        assert line == at
        at += 1 + sum(cell.count("\n") for cell in row)
        read_back.append(row)
    assert read_back == rows


LONG_CELL = st.lists(st.text(st.sampled_from('a,"'), max_size=3), max_size=12).map("\n".join)


@given(st.lists(st.tuples(LONG_CELL, LONG_CELL), max_size=8), st.integers(4, 40))
def test_rows_with_too_long_cells_are_passed_over_whole(rows, block_bytes):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    blocks = line_blocks(io.BytesIO(stream.getvalue().encode()), "utf-8", block_bytes=block_bytes)
    read_back, at = list(read_records(Lines(blocks), Dialect(",", '"', 20))), 1
    for (line, row), cells in zip(read_back, rows, strict=True):
        assert line == at
        at += 1 + sum(cell.count("\n") for cell in cells)
        if max(map(len, cells)) > 20:
            assert (row.reason, row.values["lines"]) == ("record_too_long", at - line)
        else:
            assert row == list(cells)
