from pathlib import Path

import pytest

from datakit.config.load import load_pipeline
from datakit.errors import PipelineFileError, UsageError

HEAD = """\
[[source]]
name = "medical"
path = "m.jsonl"
format = "own_stages:Reader"

[[source]]
name = "general"
path = ["g1.jsonl", "g2.jsonl"]
format = "own_stages:Reader"

"""
TAIL = """
[output]
path = "out/x"
format = "own_stages:Writer"
"""
STAGE = '[[stage]]\nuse = "own_stages:Everything"\ncount = 1\n'


def load(text: str, *overrides: str, **arguments):
    return load_pipeline(Path("dir/p.toml"), text, overrides, **arguments)


def messages(text: str, *overrides: str) -> list[str]:
    with pytest.raises(PipelineFileError) as caught:
        load(text, *overrides)
    return str(caught.value).split("\n")


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PipelineFileError) as caught:
        load(text)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def problem(stage_line: str) -> tuple[int, str]:
    """The one problem of a pipeline whose stage has this line, as line below `use` and message."""
    text = f'{HEAD}[[stage]]\nuse = "own_stages:Everything"\n{stage_line}\n{TAIL}'
    (found,) = problems(text)
    return found[0] - 12, found[1]


def test_a_whole_pipeline_is_read():
    pipeline = load(
        f"""
        [pipeline]
        name = "n"
        seed = 7
        shard_bytes = "1 MiB"
        description = "d"
        {HEAD}{STAGE}
        names = ["a"]
        only = ["general"]
        {STAGE}
        seed = 8
        {TAIL}
        max_file_bytes = "2 GB"
        rejects = "full"
        level = 9
        """
    )

    assert (pipeline.name, pipeline.seed, pipeline.shard_bytes) == ("n", 7, 1 << 20)
    assert (pipeline.file, pipeline.description) == ("dir/p.toml", "d")
    assert [s.name for s in pipeline.sources] == ["medical", "general"]
    assert [s.source.name for s in pipeline.sources] == ["medical", "general"]
    assert pipeline.sources[1].source.path == ["g1.jsonl", "g2.jsonl"]
    assert [s.index for s in pipeline.stages] == [1, 2]
    assert [s.only for s in pipeline.stages] == [("general",), None]
    assert [s.stage.seed for s in pipeline.stages] == [7, 8]
    assert pipeline.stages[0].stage.names == ["a"]
    assert (pipeline.output.path, pipeline.output.max_file_bytes) == ("out/x", 2 * 10**9)
    assert (pipeline.output.rejects, pipeline.output.single_file) == ("full", False)
    assert pipeline.sink.level == 9


def test_what_is_left_out_has_its_default():
    pipeline = load(HEAD + TAIL)

    assert (pipeline.name, pipeline.seed, pipeline.shard_bytes) == ("p", 42, 32 << 20)
    assert pipeline.output.max_file_bytes == 1 << 30
    assert pipeline.stages == ()
    assert load_pipeline(None, HEAD + TAIL).file == "<text>"


def test_all_mistakes_come_at_once_in_file_order_with_line_and_hint():
    text = f"""\
[pipeline]
sede = 1
{HEAD}[[stage]]
use = "own_stages:Everything"
counts = 1
share = "much"
flag = 1
only = ["medicl"]
{TAIL}rejects = "all"
"""

    assert messages(text) == [
        "dir/p.toml:2: [pipeline]: unknown key 'sede'",
        "    did you mean 'seed'? known: description, name, seed, shard_bytes",
        "dir/p.toml:15: own_stages:Everything: unknown key 'counts'",
        "    did you mean 'count'?",
        'dir/p.toml:16: share: expected a number, got the string "much"',
        "dir/p.toml:17: flag: expected true or false, got the whole number 1",
        "dir/p.toml:18: only: there is no source 'medicl'",
        "    did you mean 'medical'? known: general, medical",
        'dir/p.toml:23: rejects: expected "excerpt" or "full", got the string "all"',
        "    known: excerpt, full",
        "6 problems; nothing was run",
    ]


@pytest.mark.parametrize(
    ("stage_line", "line", "message"),
    [
        ("count = -1", 1, "count: -1 is less than 0"),
        ("count = 1\nweights = { bad = 1 }", 2, "weights.bad: not this one"),
        ("count = 1\n[stage.weights]\na = 1\nbad = 1", 4, "weights.bad: not this one"),
        ("count = 1\nshare = 2.0", -1, "own_stages:Everything: ValueError: share above 1"),
        ("share = 0.1", -1, "own_stages:Everything: missing key 'count'"),
        ("count = 1.0", 1, "count: expected a whole number, got the number 1.0"),
        ("count = 1\nnames = [\n'a',\n2]", 4, "names.1: expected a string, got the whole number 2"),
        ("count = 1\nonly = []", 2, "only: the list is empty, so the stage would do nothing"),
        (
            "count = 1\nonly = 'medical'",
            2,
            'only: expected a list of strings, got the string "medical"',
        ),
        (
            "count = 1\nmode = 'short'",
            2,
            'mode: expected "first" or "longest", got the string "short"',
        ),
        ("count = 1\nnaems = []", 2, "own_stages:Everything: unknown key 'naems'"),
        (
            "count = 1\nlimit_bytes = '5 QB'",
            2,
            'limit_bytes: expected a whole number, got the string "5 QB"',
        ),
    ],
)
def test_a_mistake_in_a_stage_is_placed(stage_line, line, message):
    assert problem(stage_line) == (line, message)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("filter.lenght", "unknown stage 'filter.lenght'"),
        ("length", "unknown stage 'length'"),
        ("ingest.jsonl", "use: ingest.jsonl reads files; it is no [[stage]]"),
        ("write.jsonl", "use: write.jsonl writes files; it is no [[stage]]"),
        ("own_stages:Plain", "own_stages:Plain: Plain is not a dataclass"),
        ("own_stages:Unresolved", "an annotation of Unresolved cannot be resolved"),
        ("own_stages:Nothing", "stage 'own_stages:Nothing' cannot be imported"),
        ("no_such_module:X", "stage 'no_such_module:X' cannot be imported"),
        ("json:dumps", "stage 'json:dumps': 'json:dumps' is not a class"),
    ],
)
def test_a_stage_that_is_none_is_reported_at_its_use(use, message):
    ((line, found),) = problems(f'{HEAD}[[stage]]\nuse = "{use}"\n{TAIL}')

    assert message in found
    assert line in (11, 12)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("\n  \n", 1, "the file is empty"),
        (TAIL, 1, "there is no [[source]]"),
        (HEAD, 1, "there is no [output]"),
        (f"x = 1\n{HEAD}{TAIL}", 1, "unknown key 'x'"),
        (f"{HEAD}[[stagee]]\n{TAIL}", 11, "unknown table 'stagee'"),
        (f"{HEAD}[ouput]\npath = 'x'\n", 11, "unknown table 'ouput'"),
        (f"{HEAD}[stage]\nuse = 'x'\n{TAIL}", 11, "stage: expected [[stage]], got [stage]"),
        (HEAD + "[[output]]\npath = 'x'\n", 11, "output: expected [output], got [[output]]"),
        ("source = 3\n" + TAIL, 1, "source: expected [[source]], got the whole number 3"),
        (HEAD + "[output]\nformat = 'own_stages:Writer'\n", 11, "[output]: missing key 'path'"),
        (
            HEAD + TAIL + "path = 'y'\n",
            15,
            "not TOML, column 11: this key stands here a second time",
        ),
        (f"{HEAD}[[stage]\n{TAIL}", 11, "not TOML, column 8: expected ']]' at the end of an array"),
        (HEAD + TAIL + "x = [1,\n\n", 15, "not TOML: what begins here is not finished by the end"),
        (HEAD + TAIL + 'x = """\n\n', 15, "not TOML: what begins here is not finished by the end"),
        (f"{HEAD}[[stage]]\nuse = length\n{TAIL}", 12, "not TOML, column 7: this is no value"),
    ],
)
def test_a_mistake_in_the_file_itself_is_placed(text, line, message):
    found = problems(text)

    assert found[0][0] == line
    assert message in found[0][1]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('name = "general"\n', "", 6, "[[source]]: missing key 'name'"),
        ('name = "general"', 'nam = "general"', 7, "[[source]]: unknown key 'nam'"),
        ('name = "general"', "name = 3", 7, "name: expected a string, got the whole number 3"),
        ('"general"', '"medical"', 7, "name: there is a source 'medical' already, on line 1"),
        ('"general"', '"a/b"', 7, 'name: the string "a/b" cannot name a source'),
        ('"general"', '""', 7, 'name: the string "" cannot name a source'),
        ('path = "m.jsonl"\n', "", 1, "[[source]]: missing key 'path'"),
        ('path = "m.jsonl"', 'paht = "m.jsonl"', 3, "[[source]]: unknown key 'paht'"),
        ('"m.jsonl"', '""', 3, "path: expected a path or a list of paths, got an empty string"),
        ('"m.jsonl"', "[]", 3, "path: expected a path or a list of paths, got an empty list"),
        ('"m.jsonl"', "5", 3, "path: expected a path or a list of paths, got the whole number 5"),
        (
            'format = "own_stages:Reader"\n\n[[s',
            'format = "jsnl"\n\n[[s',
            4,
            "unknown format 'jsnl'",
        ),
        (
            'format = "own_stages:Reader"\n\n[[s',
            "format = 1\n\n[[s",
            4,
            "format: expected a string",
        ),
    ],
)
def test_a_mistake_in_a_source_is_placed(old, new, line, message):
    assert old in HEAD
    found = problems(HEAD.replace(old, new, 1) + TAIL)

    assert found[0][0] == line
    assert message in found[0][1]
    assert len(found) == 1


def test_words_that_no_reader_knows_are_all_found():
    source = '[[source]]\nname = "a"\npath = "a.txt"\n'
    wrong = 'split = "pages"\nencoding_errors = "ignore"\non_malformed = "skip"\n'

    assert [
        (line, message.partition(":")[0]) for line, message in problems(source + wrong + TAIL)
    ] == [
        (4, "split"),
        (5, "encoding_errors"),
        (6, "on_malformed"),
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ('"corpus/"', "the format cannot be told from the path 'corpus/'"),
        ('"corpus/*"', "the format cannot be told from the path 'corpus/*'"),
        ('["a.jsonl", "b.html.gz"]', "the format cannot be told from the path 'b.html.gz'"),
        ('["a.jsonl", "b.csv"]', "the paths have several formats: jsonl, csv"),
    ],
)
def test_a_format_that_no_path_tells_is_asked_for(path, message):
    source = f'[[source]]\nname = "a"\npath = {path}\n'

    assert problems(source + TAIL) == [(3, message)]


@pytest.mark.parametrize(
    ("path", "reader"),
    [
        ("a.jsonl", "jsonl"),
        ("A.JSONL.gz", "jsonl"),
        ("*.ndjson.zst", "jsonl"),
        ("a.json", "json"),
        ("a.v2.csv", "csv"),
        ("a.parquet", "parquet"),
        ("a.txt", "text"),
        ("**/*.md", "text"),
    ],
)
def test_the_format_follows_from_the_suffix(path, reader):
    pipeline = load(f'[[source]]\nname = "中医"\npath = "{path}"\n{TAIL}')

    assert pipeline.sources[0].stage_name == f"ingest.{reader}"


@pytest.mark.parametrize(
    ("settings", "delimiter"),
    [
        ('path = "a.tsv"', "\t"),
        ('path = ["a.tsv", "b.tsv.gz"]', "\t"),
        ('path = "a.txt"\nformat = "tsv"', "\t"),
        ('path = "a.tsv"\ndelimiter = ";"', ";"),
        ('path = ["a.tsv", "b.csv"]', "auto"),
        ('path = ["b.csv", "a.tsv"]', "auto"),
        ('path = "a.csv"', "auto"),
    ],
)
def test_a_tsv_file_is_cut_at_tabs(settings, delimiter):
    source = load(f'[[source]]\nname = "a"\n{settings}\n{TAIL}').sources[0].source

    assert source.delimiter == delimiter


def test_relative_paths_can_be_taken_from_the_file():
    text = HEAD + STAGE + 'model = "models/a.bin"\n' + TAIL
    here, there = load(text), load(text, relative_to_file=True)

    assert (here.sources[0].source.path, here.output.path) == ("m.jsonl", "out/x")
    assert here.stages[0].stage.model == Path("models/a.bin")
    assert there.sources[0].source.path == "dir/m.jsonl"
    assert there.sources[1].source.path == ["dir/g1.jsonl", "dir/g2.jsonl"]
    assert (there.output.path, there.stages[0].stage.model) == (
        "dir/out/x",
        Path("dir/models/a.bin"),
    )


def test_absolute_paths_home_and_addresses_stay(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    text = HEAD.replace('"m.jsonl"', '["/a.jsonl", "~/b.jsonl", "s3://c/d.jsonl"]') + TAIL

    for relative in (False, True):
        source = load(text, relative_to_file=relative).sources[0].source
        assert source.path == ["/a.jsonl", "/home/someone/b.jsonl", "s3://c/d.jsonl"]


def test_the_own_bounds_of_the_pipeline_are_kept():
    for line, message in [
        ("seed = -1", "seed: -1 is out of range"),
        ("seed = 4294967296", "seed: 4294967296 is out of range"),
        ('shard_bytes = "1 KiB"', "shard_bytes: 1024 is out of range"),
        ("shard_bytes = 2_000_000_000", "shard_bytes: 2000000000 is out of range"),
        ("seed = true", "seed: expected a whole number, got true"),
    ]:
        assert problems(f"[pipeline]\n{line}\n{HEAD}{TAIL}") == [(2, message)]


def test_contradictions_in_the_output_are_found():
    both = TAIL + "single_file = true\nmax_file_bytes = 5\n"
    assert [line for line, _ in problems(HEAD + both)] == [16]
    assert problems(HEAD + TAIL + "max_file_bytes = 0")[0][0] == 15
    assert problems(HEAD + TAIL.replace("out/x", ""))[0] == (
        13,
        "path: expected a folder, got an empty string",
    )
    layout = TAIL.replace("own_stages:Writer", "sharegpt") + 'layout = "alpaca"\n'
    assert "contradicts format" in problems(HEAD + layout)[0][1]
    no_sink = TAIL.replace("Writer", "Everything") + "count = 1"
    assert problems(HEAD + no_sink)[0][0] == 14
    compressed = messages(HEAD + TAIL.replace("own_stages:Writer", "jsonl.gz"))
    assert compressed[1].strip() == 'say format = "jsonl", compression = "gz"'


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "medical.toml").write_bytes("# 中文\nname = 'ä'".encode("latin-1", "replace"))
    for path, message in [
        (tmp_path / "medicl.toml", "medicl.toml: no such file; did you mean"),
        (tmp_path, "is a folder; name a pipeline file"),
        (tmp_path / "medical.toml" / "x.toml", "cannot be read"),
    ]:
        with pytest.raises(UsageError, match=message):
            load_pipeline(path)
    with pytest.raises(PipelineFileError, match=r"medical.toml:2: not UTF-8: byte 0xe4"):
        load_pipeline(tmp_path / "medical.toml")


def test_a_byte_order_mark_and_windows_lines_are_no_mistake(tmp_path):
    path = tmp_path / "p.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + TAIL).replace("\n", "\r\n").encode())

    assert [s.line for s in load_pipeline(path).sources] == [1, 6]


def test_a_bug_in_a_stage_of_datakit_is_not_taken_for_a_mistake(monkeypatch):
    import own_stages

    monkeypatch.setattr(own_stages.Everything, "__module__", "datakit.stages.x")

    with pytest.raises(ValueError, match="share above 1"):
        load(HEAD + STAGE + "share = 2.0\n" + TAIL)
