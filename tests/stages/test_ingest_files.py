"""Which files a path names, what they are called, and how their bytes are read."""

import gzip
import os

import pytest
import zstandard

from datakit.errors import DatakitError, UsageError
from datakit.stages.ingest.files import find_files, input_identity, is_compressed, open_bytes

SUFFIXES = (".txt", ".md")


@pytest.fixture
def books(tmp_path):
    """A small library, as people have them on disk."""
    for name in [
        "a.txt",
        "tang/b.txt.gz",
        "tang/c.MD",
        "tang/notes.csv",
        ".hidden.txt",
        ".git/x.md",
    ]:
        path = tmp_path / "books" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "books"


def names(path):
    return [file.name for file in find_files(path, SUFFIXES)]


def test_directory_is_searched_for_the_formats_suffixes_without_hidden_files(books):
    assert names(str(books)) == ["a.txt", "tang/b.txt.gz", "tang/c.MD"]


def test_glob_names_start_below_the_fixed_directory(books):
    assert names(str(books / "*" / "*.txt*")) == ["tang/b.txt.gz"]
    assert names(str(books / "tang" / "*.txt*")) == ["b.txt.gz"]
    assert names(str(books / "**" / "*.txt")) == ["a.txt"]


def test_single_file_of_any_suffix_is_named_by_its_file_name(books):
    (found,) = find_files(str(books / "tang" / "notes.csv"), SUFFIXES)
    assert (found.name, found.size) == ("notes.csv", len("tang/notes.csv"))


def test_file_named_like_a_glob_is_found(tmp_path):
    (tmp_path / "a[1].txt").write_text("x")
    assert names(str(tmp_path / "a[1].txt")) == ["a[1].txt"]


def test_relative_paths_and_links_keep_their_names(books, monkeypatch):
    monkeypatch.chdir(books)
    (books / "linked.txt").symlink_to(books / "a.txt")
    assert names("*.txt") == ["a.txt", "linked.txt"]
    assert names("../books/tang/c.MD") == ["c.MD"]


def test_file_named_twice_is_read_once(books):
    assert names([str(books), str(books / "a.txt")]) == ["a.txt", "tang/b.txt.gz", "tang/c.MD"]


def test_file_named_twice_keeps_the_name_it_got_first(books):
    found = names([str(books), str(books / "tang" / "c.MD")])
    assert found == ["a.txt", "tang/b.txt.gz", "tang/c.MD"]


def test_files_of_one_name_are_told_apart(tmp_path):
    for folder in ["x/1", "y/1", "z"]:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "part.txt").touch()
    (tmp_path / "z" / "other.txt").touch()
    found = names([str(tmp_path / "x" / "1"), str(tmp_path / "y" / "1"), str(tmp_path / "z")])
    assert found == ["other.txt", "x/1/part.txt", "y/1/part.txt", "z/part.txt"]


def test_name_that_is_no_text_still_makes_an_id(tmp_path):
    (tmp_path / os.fsdecode(b"\xc4\xe3.txt")).touch()
    assert names(str(tmp_path)) == ["\ufffd\ufffd.txt"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("boks/*.txt", "did you mean 'books'?"),
        ("books/a.text", "did you mean 'books/a.txt'?"),
        ("books/*.jsonl", "books holds no such file; it holds .txt (2)"),
        ("books/tan?", "it matches directories only; add '/**/*.txt' to it"),
        ("nowhere/at/all/x.txt", "'nowhere' does not exist"),
        ("/nowhere/x.txt", "'/nowhere' does not exist"),
        ("books/empty", "books/empty holds no .txt, .md file; it holds no files"),
    ],
)
def test_nothing_found_says_where_and_what_is_near(books, monkeypatch, path, said):
    (books / "empty").mkdir()
    monkeypatch.chdir(books.parent)
    with pytest.raises(UsageError) as error:
        find_files(path, SUFFIXES)
    assert said in str(error.value)
    assert repr(path) in str(error.value)
    assert str(books.parent) in str(error.value)


def test_identity_changes_with_the_file(books):
    before = input_identity(find_files(str(books), SUFFIXES))
    os.utime(books / "a.txt", ns=(1, 1))
    after = input_identity(find_files(str(books), SUFFIXES))
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_identity_of_a_file_that_went_away_is_an_error_not_a_crash(books):
    files = find_files(str(books), SUFFIXES)
    (books / "a.txt").unlink()
    with pytest.raises(DatakitError, match=r"cannot read .*a\.txt"):
        input_identity(files)


def zstd(content):
    return zstandard.ZstdCompressor().compress(content)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("x.txt", b"one\ntwo\n"),
        ("x.txt.gz", gzip.compress(b"one\n", mtime=0) + gzip.compress(b"two\n", mtime=0)),
        ("x.txt.ZST", zstd(b"one\n") + zstd(b"two\n")),
        ("no-suffix", zstd(b"one\n") + zstd(b"two\n")),
        ("misnamed.txt", gzip.compress(b"one\ntwo\n", mtime=0)),
    ],
)
def test_bytes_come_decompressed(tmp_path, name, packed):
    path = tmp_path / name
    path.write_bytes(packed)
    with open_bytes(path) as stream:
        assert stream.read() == b"one\ntwo\n"
    assert is_compressed(path) == (name != "x.txt")


@pytest.mark.parametrize("name", ["e.txt", "e.txt.gz", "e.txt.zst"])
def test_empty_file_is_empty(tmp_path, name):
    (tmp_path / name).touch()
    with open_bytes(tmp_path / name) as stream:
        assert stream.read() == b""


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("cut.txt.gz", gzip.compress(os.urandom(5000))[:-100]),
        ("cut.txt.zst", zstd(os.urandom(5000))[:-100]),
        ("not.txt.gz", b"no gzip at all"),
        ("not.txt.zst", b"no zstd at all"),
        ("tail.txt.gz", gzip.compress(b"fine", mtime=0) + b"rubbish"),
    ],
)
def test_damaged_file_is_named(tmp_path, name, packed):
    (tmp_path / name).write_bytes(packed)
    with (
        pytest.raises(DatakitError, match=f"{name} is damaged or not whole"),
        open_bytes(tmp_path / name) as stream,
    ):
        stream.read()


def test_plain_file_can_be_sought(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"0123456789")
    with open_bytes(tmp_path / "x.txt") as stream:
        stream.seek(4)
        assert (stream.read(3), stream.tell()) == (b"456", 7)


def test_missing_file_is_an_error_of_ours(tmp_path):
    with pytest.raises(DatakitError, match=r"cannot read .*gone\.txt"):
        open_bytes(tmp_path / "gone.txt")
