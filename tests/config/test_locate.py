import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.config.locate import broken_line, locate

TEXT = '''\
# [[stage]] in a comment
[pipeline]
name = "a"   # name = "b"
"quoted key" = 1

[[source]]
name = "x"
note = """
[[source]]
name = "not this"
""" # and on
path = [
  "one",   # ], "no"
  "two",
]

[[source]]
name = "y"
load = { path = "json", nested = { split = "train" } }

[[stage]]
use = "mix"
weights.x = 1
weights."y.z" = 2
[stage.rules]
a = '[[stage]]'
b = 2024-01-01 10:00:00

[[stage]]
use = 'filter'
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("pipeline",), 2),
        (("pipeline", "name"), 3),
        (("pipeline", "quoted key"), 4),
        (("source",), 6),
        (("source", 0), 6),
        (("source", 0, "name"), 7),
        (("source", 0, "path"), 12),
        (("source", 0, "path", 1), 14),
        (("source", 1), 17),
        (("source", 1, "load", "nested", "split"), 19),
        (("stage", 0, "weights", "x"), 23),
        (("stage", 0, "weights", "y.z"), 24),
        (("stage", 0, "rules"), 25),
        (("stage", 0, "rules", "a"), 26),
        (("stage", 0, "rules", "b"), 27),
        (("stage", 1, "use"), 30),
    ],
)
def test_each_key_has_its_line(path, line):
    assert locate(TEXT).line(path) == line


def test_a_missing_key_has_the_line_of_its_table():
    places = locate(TEXT)

    assert places.line(("stage", 1, "min_chars")) == 29
    assert places.line(("stage", 0, "weights", "zz")) == 23
    assert places.line(("nothing",)) == 1


def test_an_inline_array_of_tables_counts_like_headers():
    places = locate('stage = [\n  { use = "a" },\n  { use = "b",\n only = [] },\n]\n')

    assert places.line(("stage", 1)) == 3
    assert places.line(("stage", 1, "only")) == 4


def test_windows_line_ends_count_once():
    assert locate("a = 1\r\nb = '''\r\nx\r\n'''\r\nc = 2\r\n").line(("c",)) == 5


def test_nested_arrays_of_tables_belong_to_the_last_table_above():
    places = locate("[[a]]\n[[a.b]]\nx = 1\n[[a]]\n[[a.b]]\n[[a.b]]\nx = 2\n")

    assert places.line(("a", 0, "b", 0, "x")) == 3
    assert places.line(("a", 1, "b", 1, "x")) == 7


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = [1,\n2\n\n[[c]]\n", 2),
        ("a = 1\nb = '''x\n\nc = 1\n", 2),
        ("a = 1\n[b\nc = 1\n", 2),
        ("a = { b = 1\nc = 2\n", 1),
        ('a = 1\n"b\\q" = 2\n', 2),
        ("a = 1\n", None),
    ],
)
def test_what_is_left_open_is_found_where_it_begins(text, line):
    assert broken_line(text) == line


WORDS = st.text(alphabet="ab\"'#[]{}=,.\n\\中 ", max_size=12)


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def multiline(value: str) -> str:
    return '"""\n' + value.replace("\\", "\\\\").replace('"', '\\"') + '"""'


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        WORDS.filter(bool), st.tuples(WORDS, st.sampled_from([quoted, multiline])), max_size=6
    )
)
def test_any_keys_and_strings_are_located_where_they_were_written(table):
    lines, expected = ["[[stage]]"], {}
    for key, (value, write) in table.items():
        expected[key] = len("\n".join(lines).split("\n")) + 1
        lines.append(f"{quoted(key)} = {write(value)}  # [x]")
    text = "\n".join([*lines, "[[stage]]"])

    assert tomllib.loads(text)["stage"][0].keys() == expected.keys()
    places = locate(text)

    assert {key: places.line(("stage", 0, key)) for key in expected} == expected
    assert places.line(("stage", 1)) == text.count("\n") + 1


def test_quotes_may_stand_before_the_end_of_a_multiline_string():
    text = "a = \"\"\"x\"\"\"\"\"\nb = '''y'''''\nc = 1\n"

    assert tomllib.loads(text) == {"a": 'x""', "b": "y''", "c": 1}
    assert [locate(text).line((key,)) for key in "abc"] == [1, 2, 3]
