"""Which encoding a file is in, and decoding it line by line."""

import gzip
import io
import json
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.stages.ingest import charset
from datakit.stages.ingest.charset import check_encoding, detect, detect_encoding
from datakit.stages.ingest.decoding import is_byte_lined, line_blocks

MODERN = (
    "患者男，四十岁，近来时常头痛，睡眠也不太好。请问这是什么原因引起的？\n"
    "应该做哪些检查，吃什么药？\n"
)
CLASSICAL = (
    "上药一百二十种为君，主养命以应天，无毒，多服久服不伤人。欲轻身益气，不老延年者，本上经。\n"
)
TRADITIONAL = "臺灣的天氣這幾天都很熱，醫生說老人家要多喝水，少出門。\n他們還開了藥給我們。\n"
ENGLISH = "The quick brown fox, it is said, jumps over 13 lazy dogs.\n"
FRENCH = "Le café était déjà fermé, et l’élève naïf rentra chez lui à pied.\n"
JAPANESE = "これは日本語の文章です。東京都は日本の首都であり、人口がとても多い。\n"
KOREAN = "안녕하세요 저는 한국 사람입니다. 인공지능 기술의 발전으로 생활이 변화하고 있습니다.\n"


@pytest.mark.parametrize("text", [MODERN, CLASSICAL, MODERN[:12], "今天天气很好。"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
def test_simplified_chinese_is_told_by_its_characters(text, encoding):
    text += "\n"
    assert detect(text.encode(encoding)) == encoding


@pytest.mark.parametrize("encoding", ["gb18030", "cp950", "utf-8", "utf-16-le", "utf-16-be"])
def test_traditional_chinese_may_be_in_gb18030_or_big5(encoding):
    assert detect(TRADITIONAL.encode(encoding)) == encoding


@pytest.mark.parametrize("text", [ENGLISH, FRENCH, MODERN, TRADITIONAL, JAPANESE, KOREAN])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-8"])
def test_unicode_is_told_by_its_mark_or_validity(text, encoding):
    expected = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
    assert detect(text.encode(encoding)) == expected.get(encoding, encoding)


@pytest.mark.parametrize("text", [ENGLISH, FRENCH, MODERN, TRADITIONAL])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_told_by_its_zeros(text, encoding):
    assert detect(text.encode(encoding)) == encoding


def test_gb18030_with_a_mark():
    assert detect(("\ufeff" + "鑫").encode("gb18030")) == "gb18030"


def test_hong_kong_characters_need_the_wider_big5():
    assert (
        detect(("佢哋嘅藥，我們的醫生都說很好，" * 3 + "㗎嚟").encode("big5hkscs")) == "big5hkscs"
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(FRENCH, "cp1252"), (JAPANESE, "shift_jis"), (JAPANESE, "euc_jp"), (KOREAN, "euc_kr")],
)
def test_other_encodings_are_not_guessed(text, encoding):
    """They are read as UTF-8 and rejected with their bytes, never turned into wrong Chinese."""
    assert detect((text * 20).encode(encoding)) == "utf-8"


def test_a_few_broken_lines_do_not_make_a_utf8_file_chinese_legacy():
    broken = MODERN.encode() * 20 + MODERN[:20].encode("gb18030")
    assert detect(broken) == "utf-8"


def test_zero_bytes_in_utf8_do_not_make_it_utf16():
    assert detect(b"one\0two\n" * 3 + ENGLISH.encode()) == "utf-8"


@pytest.mark.parametrize(
    "sample", [b"", b"\n", b"a", b"\xff", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf"]
)
def test_next_to_nothing_is_detected_as_something(sample):
    assert detect(sample) in {"utf-8", "utf-16-le"}


def test_large_file_is_judged_by_windows_all_over_it(tmp_path, monkeypatch):
    monkeypatch.setattr(charset, "WHOLE_BYTES", 4096)
    monkeypatch.setattr(charset, "WINDOW_BYTES", 512)
    path = tmp_path / "late.txt"
    path.write_bytes(ENGLISH.encode() * 200 + MODERN.encode("gb18030") * 200)
    assert detect_encoding(path) == "gb18030"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_ascii_at_the_start_does_not_end_the_search(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(charset, "WHOLE_BYTES", 4096)
    monkeypatch.setattr(charset, "WINDOWS", 1)
    monkeypatch.setattr(charset, "WINDOW_BYTES", 16)
    path = tmp_path / "late.txt"
    path.write_bytes(pack(ENGLISH.encode() * 200 + MODERN.encode("gb18030")))
    assert detect_encoding(path) == "gb18030"


@pytest.mark.parametrize(
    ("named", "start", "expected"),
    [
        ("GBK", b"", "gb18030"),
        ("gb2312", b"", "gb18030"),
        ("big5", b"", "cp950"),
        ("utf8", b"", "utf-8"),
        ("utf-8-sig", b"", "utf-8"),
        ("ascii", b"", "utf-8"),
        ("cp1252", b"", "cp1252"),
        ("utf-16", b"\xfe\xff\0a", "utf-16-be"),
        ("utf-16", b"a\0", "utf-16-le"),
        ("utf-32", b"\0\0\xfe\xff\0\0\0a", "utf-32-be"),
    ],
)
def test_named_encoding_is_taken_as_told(tmp_path, named, start, expected):
    path = tmp_path / "x.txt"
    path.write_bytes(start or MODERN.encode())
    assert detect_encoding(path, named) == expected


@pytest.mark.parametrize("encoding", ["gb18O30", "base64", "rot13", "undefined", ""])
def test_unknown_encoding_is_a_settings_mistake(encoding):
    with pytest.raises(SettingsError, match="no text encoding"):
        check_encoding(encoding)


def test_unknown_way_to_treat_errors_is_a_settings_mistake():
    with pytest.raises(SettingsError, match="encoding_errors: 'ignore' is not one of"):
        check_encoding("auto", "ignore")
    check_encoding("auto", "replace")


def blocks(data, encoding, **settings):
    return list(line_blocks(io.BytesIO(data), encoding, **settings))


def lines_of(found):
    return [line for block in found for line in block.data.decode().split("\n")[: block.lines]]


def bad_of(found):
    """Bad lines with their number in the whole stream."""
    first, bad = 0, []
    for block in found:
        bad += [(first + b.index, b.reason, json.loads(b.values)) for b in block.bad]
        first += block.lines
    return bad


LINE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12)


@given(
    lines=st.lists(LINE, max_size=12),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-32-le"]),
    ended=st.booleans(),
    block_bytes=st.integers(4, 64),
)
def test_lines_come_whole_however_the_blocks_fall(lines, encoding, ended, block_bytes):
    text = "\n".join(lines) + "\n" * ended
    expected = text.removeprefix("\ufeff")
    found = blocks(text.encode(encoding), encoding, block_bytes=block_bytes)
    assert b"".join(block.data for block in found).decode() == expected
    assert sum(block.lines for block in found) == expected.count("\n") + (
        expected != "" and not expected.endswith("\n")
    )
    assert not bad_of(found)


@given(
    lines=st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"\n", b"")), max_size=9),
    errors=st.sampled_from(["reject", "replace", "mark"]),
    encoding=st.sampled_from(["utf-8", "gb18030", "cp950"]),
    block_bytes=st.integers(4, 40),
    longest=st.none() | st.integers(4, 8),
)
@example([b"\x800", b"x"], "replace", "gb18030", 4, None)
@example([b"\x800\0", b""], "mark", "gb18030", 4, None)
def test_bad_lines_are_the_same_however_the_blocks_fall(
    lines, errors, encoding, block_bytes, longest
):
    data = b"\n".join(lines)
    found = blocks(
        data, encoding, errors=errors, block_bytes=block_bytes, max_line_bytes=longest, offset=7
    )
    expected, bad, offset = [], [], 7
    for number, line in enumerate(lines[:-1] + lines[-1:] * bool(lines and lines[-1])):
        text = line.decode(encoding, "replace")
        if longest and len(line) > longest:
            text = ""
            bad.append((number, "line_too_long", offset))
        else:
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                text = "" if errors == "reject" else text
                if errors != "replace":
                    bad.append((number, "undecodable_line", offset + error.start))
        expected.append(text)
        offset += len(line) + 1
    assert lines_of(found) == expected
    assert [(n, why, values["offset"]) for n, why, values in bad_of(found)] == bad


def test_bad_line_says_what_was_found():
    data = "好\n坏".encode("gb18030") + b"\xb5\x32\xb2\xbb\n" + "好".encode("gb18030")
    ((number, reason, values),) = bad_of(blocks(data, "gb18030"))
    assert (number, reason) == (1, "undecodable_line")
    assert values == {"encoding": "gb18030", "offset": 5, "bytes": "b5 32 b2 bb 0a"}
    assert lines_of(blocks(data, "gb18030")) == ["好", "", "好"]


def test_utf8_is_handed_on_unseen_when_the_reader_checks_it():
    data = b"\xef\xbb\xbfgood\nb\xffd\n"
    (block,) = blocks(data, "utf-8", check_utf8=False)
    assert (block.data, block.lines, block.bad) == (b"good\nb\xffd\n", 2, ())


def test_only_a_files_first_mark_is_taken_off():
    data = b"\xef\xbb\xbfa\n"
    assert blocks(data, "utf-8", offset=100)[0].data == data


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_line_end_bytes_across_two_characters_end_no_line(encoding):
    lines = ["\u0a05\u4e00", "\u0a00\u0a00", "\u4e0a\u0005", "\u010a\u0a01"]
    data = "\n".join(lines).encode(encoding)
    for block_bytes in (4, 8, 12, 100):
        assert lines_of(blocks(data, encoding, block_bytes=block_bytes)) == lines
    torn = blocks(data + b"\0", encoding, block_bytes=4)
    assert lines_of(torn) == [*lines[:-1], ""]


def test_torn_last_unit_of_utf16_is_bad():
    found = blocks("ab\ncd".encode("utf-16-le")[:-1], "utf-16-le")
    assert [(n, why) for n, why, _ in bad_of(found)] == [(1, "undecodable_line")]


def test_long_line_is_passed_over_without_holding_it():
    class Endless(io.RawIOBase):
        """Ten megabytes without a line end, a piece at a time."""

        left = 10_000_000

        def readable(self):
            return True

        def readinto(self, buffer):
            count = min(len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    stream = io.BufferedReader(Endless(), 4096)
    found = list(line_blocks(stream, "utf-8", max_line_bytes=8192))
    assert bad_of(found)[0][1:] == (
        "line_too_long",
        {"bytes": 10_000_000, "max_record_bytes": 8192, "offset": 0},
    )
    assert sys.getsizeof(found[0].data) < 100


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", True), ("gb18030", True), ("cp950", True), ("cp1252", True), ("utf-16-le", False)],
)
def test_where_a_file_may_be_cut(encoding, expected):
    assert is_byte_lined(encoding) == expected
