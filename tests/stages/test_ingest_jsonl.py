"""JSON Lines from files: line numbers, cuts, blocks, encodings, compression."""

import gzip
import io
import json

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_reading import kept, read_all, rejects
from polars.testing import assert_frame_equal

from datakit.errors import DatakitError, SettingsError
from datakit.stages.ingest import jsonl, line_cuts
from datakit.stages.ingest.blocks import LineReader
from datakit.stages.ingest.jsonl import JsonlSource


def source(path, **options):
    return JsonlSource(name="s", path=str(path), **options)


def read(tmp_path, content, **options):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_all(source(path, **options))


def many_lines(count):
    lines = [
        json.dumps({"text": f"第{n}条。\n" * (n % 50 + 1), "n": n}, ensure_ascii=n % 3 == 0)
        for n in range(count)
    ]
    return "\n".join(lines).encode()


def test_a_record_a_line(tmp_path):
    rows = read(tmp_path, '{"text": "头痛", "n": 1.0}\n{"n": 1e5, "text": "b"}\n')
    assert kept(rows, "id", "source", "text", "meta", "_file", "_line") == [
        ("s/x.jsonl:1", "s", "头痛", '{"n": 1.0}', "x.jsonl", 1),
        ("s/x.jsonl:2", "s", "b", '{"n": 1e5}', "x.jsonl", 2),
    ]


def test_mark_blank_lines_crlf_and_a_last_line_without_end(tmp_path):
    content = b'\xef\xbb\xbf\r\n{"text":"a"}\r\n \t\n\n{"text":"b"}  \n{"text":"c"}'
    assert kept(read(tmp_path, content), "text", "_line") == [("a", 2), ("b", 5), ("c", 6)]


def test_a_mark_elsewhere_is_no_json(tmp_path):
    content = b'{"text":"a"}\n\xef\xbb\xbf{"text":"b"}'
    assert [line for line, _, _ in rejects(read(tmp_path, content))] == [2]


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n \n", b"\xef\xbb\xbf"])
def test_files_without_records(tmp_path, content):
    assert read(tmp_path, content).height == 0


def test_every_fault_is_counted_with_its_line(tmp_path):
    lines = [
        b'{"text":"a"}',
        b'{"text":"a"',
        b"[1]",
        b'{"text":"\xff"}',
        rb'{"text":"\ud800"}',
        rb'{"text":"\u0000"}',
        b'{"title":"a"}',
        b'{"text":["a"]}',
        b'{"text":" "}',
        b'{"text":"' + b"x" * 200 + b'"}',
        b'{"text":"b"}',
    ]
    rows = read(tmp_path, b"\n".join(lines), max_record_bytes=100)
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [
        (2, "malformed_json"),
        (3, "not_an_object"),
        (4, "invalid_utf8"),
        (5, "lone_surrogate"),
        (6, "nul_character"),
        (7, "missing_field"),
        (8, "wrong_type"),
        (9, "empty_text"),
        (10, "line_too_long"),
    ]
    assert rejects(rows)[-1][2] == {"bytes": 211, "max_record_bytes": 100}
    assert kept(rows, "text", "_line") == [("a", 1), ("b", 11)]


@pytest.mark.parametrize("compiled", [True, False])
def test_lines_that_only_a_library_takes_stand_in_their_place(tmp_path, monkeypatch, compiled):
    monkeypatch.setattr(jsonl, "COMPILED_FROM_BYTES", 0 if compiled else 1 << 40)
    lines = [b'{"text":"%d"}' % n for n in range(9)]
    lines[2] = b'{"text":"x","text":"twice"}'
    lines[4] = b"\xff"
    lines[6] = rb'{"te\u0078t":"escaped"}'
    rows = read(tmp_path, b"\n".join(lines))
    texts = ["0", "1", "twice", "3", None, "5", "escaped", "7", "8"]
    assert rows["text"].to_list() == texts
    assert rows["_line"].to_list() == [*range(1, 10)]


def test_compiled_and_not_give_the_same(tmp_path, monkeypatch):
    path = tmp_path / "x.jsonl"
    path.write_bytes(many_lines(150))
    batches = {}
    for limit in (0, 1 << 40):
        monkeypatch.setattr(jsonl, "COMPILED_FROM_BYTES", limit)
        batches[limit] = read_all(source(path, id="n", fields={"again": "text"}, text="text"))
    assert_frame_equal(batches[0], batches[1 << 40])
    assert batches[0].height == 150


def test_nested_fields_of_a_large_block_go_through_the_scanner(tmp_path, monkeypatch):
    inner = [{"b": "文" * 400, "c": n} for n in range(2000)]
    inner[7] = {"b": "a\0b"}
    lines = [json.dumps({"a": value, "d": [1]}) for value in inner]
    lines[3] = '{"a":{"c":"x"},"a.b":"literal"}'
    lines[5] = '{"a":{"b":"x","b":"twice"}}'
    lines[9] = '{"a":[1]}'
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    compiled = pl.concat(list(source(path, text="a.b", id="a.c").read(*whole(path))))
    monkeypatch.setattr(jsonl, "COMPILED_FROM_BYTES", 1 << 40)
    slow = pl.concat(list(source(path, text="a.b", id="a.c").read(*whole(path))))
    assert_frame_equal(compiled, slow)
    assert compiled["text"][3] == "literal"
    assert compiled["text"][5] == "twice"
    assert compiled["_reason"].to_list()[7:10:2] == ["nul_character", "missing_field"]


def whole(path):
    return source(path).shards(1 << 30)


def test_batches_are_bounded_in_rows(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"text":"a"}\n' * 50_000)
    batches = list(source(path).read(*whole(path)))
    assert max(batch.height for batch in batches) <= 8192
    assert sum(batch.height for batch in batches) == 50_000


def test_a_large_file_is_cut_at_line_ends_and_lines_keep_their_numbers(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(many_lines(500))
    shards = source(path).shards(10_000)
    assert len(shards) > 5
    assert [s.start for s in shards[1:]] == [s.stop for s in shards[:-1]]
    assert shards[-1].stop == path.stat().st_size
    rows = pl.concat([batch for shard in shards for batch in source(path).read(shard)])
    assert rows["_line"].to_list() == [*range(1, 501)]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files_give_the_same_ids_unpacked_or_not(tmp_path, suffix):
    plain, packed = tmp_path / "p" / "x.jsonl", tmp_path / "q" / f"x.jsonl{suffix}"
    content = b"\xef\xbb\xbf" + many_lines(80) + b"\nnot json"
    for path in (plain, packed):
        path.parent.mkdir()
    plain.write_bytes(content)
    compress = gzip.compress if suffix == ".gz" else zstandard.compress
    packed.write_bytes(compress(content[:500]) + compress(content[500:]))
    rows = read_all(source(packed.parent))
    expected = read_all(source(plain.parent))
    name = pl.lit(f"x.jsonl{suffix}").alias("_file")
    ids = pl.col("id").str.replace("x.jsonl:", f"x.jsonl{suffix}:", literal=True)
    assert_frame_equal(rows, expected.with_columns(name, ids))
    assert rows.height == 81


def test_a_compressed_file_cut_short_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(many_lines(3000))[:-900])
    with pytest.raises(DatakitError, match=r"x\.jsonl\.gz"):
        list(source(path).read(*whole(path)))


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-be", "big5"])
def test_other_encodings_are_found_out(tmp_path, encoding):
    texts = ["病人說頭痛發熱，口乾，不思飲食。" * 9, "醫生問：你的身體怎麼樣？" * 9]
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts * 40]
    rows = read(tmp_path, "\n".join(lines).encode(encoding))
    assert rows["text"].to_list() == texts * 40
    assert rows["_line"].to_list() == [*range(1, 81)]


def test_a_line_that_does_not_decode_is_one_reject(tmp_path):
    good = '{"text":"头痛"}\n'.encode("gb18030")
    content = good + b'{"text":"\xff\xff"}\n' + good
    rows = read(tmp_path, content, encoding="gb18030")
    assert [(line, reason) for line, reason, _ in rejects(rows)] == [(2, "undecodable_line")]
    assert kept(rows, "text", "_line") == [("头痛", 1), ("头痛", 3)]
    replaced = read(tmp_path, content, encoding="gb18030", encoding_errors="replace")
    assert replaced["text"].to_list() == ["头痛", "\ufffd\ufffd", "头痛"]


def test_bad_utf_8_can_be_replaced_too(tmp_path):
    rows = read(tmp_path, b'{"text":"a\xff"}\n{"text":"b"}', encoding_errors="replace")
    assert rows["text"].to_list() == ["a\ufffd", "b"]


def test_small_files_share_a_shard_and_keep_their_own_names(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"text":"{name}"}}\n\n{{"text":"{name}2"}}')
    assert len(source(tmp_path).shards(1 << 20)) == 1
    ids = read_all(source(tmp_path))["id"].to_list()
    assert ids == [f"s/{name}.jsonl:{line}" for name in "abc" for line in (1, 3)]
    assert [file.size for file in source(tmp_path).inputs()] == [27, 27, 27]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"on_malformed": "skip"}, "on_malformed"),
        ({"max_record_bytes": 0}, "max_record_bytes"),
        ({"max_record_bytes": 1 << 31}, "max_record_bytes"),
        ({"encoding": "utf-9"}, "encoding"),
        ({"encoding_errors": "ignore"}, "encoding_errors"),
        ({"fields": ["id"]}, "fields"),
    ],
)
def test_settings_that_make_no_sense(options, key):
    with pytest.raises(SettingsError) as caught:
        source("x.jsonl", **options)
    assert caught.value.key == key


CONTENTS = st.lists(st.sampled_from([b"a", b"bb" * 9, b"c" * 50, b"", b"\r", b"\xef\xbb\xbf"]))


def read_lines(content, *, most=1 << 20, block_bytes=64):
    reader = LineReader(io.BytesIO(content), 1, most, None, block_bytes)
    lines, line = [], 1
    for block in reader.blocks():
        assert block.first_line == line
        found = block.data[: block.size].tobytes()
        assert found.endswith(b"\n")
        assert block.lines == found.count(b"\n")
        texts = found[:-1].split(b"\n")
        lines += [block.faults.get(number, text) for number, text in enumerate(texts)]
        line += block.lines
    return lines


@settings(deadline=None)
@given(CONTENTS, st.integers(4, 120), st.booleans())
def test_blocks_put_together_are_the_lines(lines, block_bytes, has_end):
    content = b"\n".join(lines) + (b"\n" if has_end and lines else b"")
    expected = content.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n")
    found = read_lines(content, block_bytes=block_bytes)
    assert found == (expected if content.removeprefix(b"\xef\xbb\xbf") else [])


@settings(deadline=None)
@given(CONTENTS, st.integers(4, 60))
def test_a_long_line_is_passed_over_wherever_blocks_end(lines, block_bytes):
    content = b"\n".join([*lines, b"x" * 500, *lines, b"y" * 300])
    found = read_lines(content, most=120, block_bytes=block_bytes)
    lengths = [len(f) if isinstance(f, bytes) else f.values["bytes"] for f in found]
    rest = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert lengths == [len(line) for line in rest]
    assert all(f == line for f, line in zip(found, rest, strict=True) if len(line) <= 120)
    assert not isinstance(found[len(lines)], bytes)


def test_a_line_of_many_megabytes_is_not_held(tmp_path):
    class Endless(io.RawIOBase):
        left = 1 << 30

        def readinto(self, buffer):
            count = min(len(buffer), self.left)
            self.left -= count
            return count

    reader = LineReader(Endless(), 1, 1 << 20, None, 1 << 16)
    (block,) = reader.blocks()
    assert block.faults[0].values["bytes"] == 1 << 30
    assert len(reader._buffer) <= 1 << 22


@given(CONTENTS, st.integers(1, 100), st.integers(1, 40))
def test_cuts_lie_at_line_ends_and_know_their_lines(lines, piece_bytes, chunk_bytes):
    content = b"\n".join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_cuts, "CHUNK_BYTES", chunk_bytes)
        cuts = list(line_cuts.cut_lines(io.BytesIO(content), len(content), piece_bytes))
    assert [0, *(stop for _, stop, _ in cuts)] == [*(start for start, _, _ in cuts), len(content)]
    for start, stop, first_line in cuts:
        assert first_line == content.count(b"\n", 0, start) + 1
        assert start == 0 or content[start - 1 : start] == b"\n"
        assert stop == len(content) or stop - start >= piece_bytes
        assert content.find(b"\n", start + piece_bytes - 1, stop - 1) < 0
