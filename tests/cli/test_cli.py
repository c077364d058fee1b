import errno
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from datakit import __version__, api
from datakit.cli import main
from datakit.cli.new import TEMPLATES
from datakit.errors import BrokenBooksError, DatakitError, InterruptedRunError

ROOT = Path(__file__).parents[2]
PIPELINE = """\
[[source]]
name = "notes"
path = "notes.jsonl"

[[stage]]
use = "filter.length"
min_chars = 3

[output]
path = "out"
"""


def call(*arguments: str):
    return CliRunner().invoke(main, [str(each) for each in arguments], prog_name="datakit")


def spawn(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=env, timeout=120, **options
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.toml").write_text(PIPELINE)
    rows = [{"text": text} for text in ("数据集", "ab", "words")]
    (tmp_path / "notes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.mark.parametrize("name", ["", *main.commands])
def test_every_help_has_an_example(name):
    result = call(*([name] if name else []), "--help")

    assert result.exit_code == 0
    assert f"Example: datakit {name}" in result.output


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("--version",)])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from datakit.cli import main\n"
        f"main({list(arguments)!r}, prog_name='datakit', standalone_mode=False)\n"
        "heavy = {'polars', 'pyarrow', 'numpy', 'numba', 'datasets', 'rich'} & sys.modules.keys()\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = spawn("-c", code)

    assert (done.returncode, done.stderr) == (0, "")
    assert "datakit" in done.stdout


def test_the_version_is_told():
    assert call("--version").output == f"datakit, version {__version__}\n"


def test_check_says_that_all_is_well(folder):
    result = call("check", "p.toml")

    assert result.exit_code == 0
    assert result.output == "p.toml: no mistakes; 1 source, 1 stage, written to out\n"


def test_check_prints_all_mistakes_to_stderr(folder):
    (folder / "p.toml").write_text(
        PIPELINE.replace("min_chars = 3", "min_char = 3\nmax_chars = 'x'")
    )
    result = call("check", "p.toml", "--set", "pipeline.sede=1")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert [
        line.split(": ")[0] for line in result.stderr.split("\n") if line.startswith(("p", "--"))
    ] == [
        "--set pipeline.sede=1",
        "p.toml:7",
        "p.toml:8",
    ]
    assert result.stderr.endswith("3 problems; nothing was run\n")


def test_settings_can_be_changed_on_the_command_line(folder):
    result = call("check", "p.toml", "--set", "output.path=elsewhere", "--set", "pipeline.seed=3")

    assert result.output.endswith("written to elsewhere\n")


def test_paths_can_be_taken_from_the_file(folder, monkeypatch):
    monkeypatch.chdir("/")
    result = call("check", str(folder / "p.toml"), "--relative-to-file")

    assert result.output.endswith(f"written to {folder}/out\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "q.toml"), "q.toml: no such file; did you mean p.toml?"),
        (("check", "."), "is a folder"),
        (("check",), "Missing argument 'PIPELINE'"),
        (("chek", "p.toml"), "No such command 'chek'"),
        (("run", "p.toml", "--workers", "0"), "--workers"),
        (("run", "p.toml", "--executor", "slurm"), "--executor"),
        (("run", "p.toml", "--executor", "local", "--workers", "2"), 'need the executor "pool"'),
        (("preview", "p.toml", "-n", "0"), "-n"),
        (("detect", "notes.jsonl", "--records", "0"), "--records"),
        (("stages", "filter.lenght"), "did you mean 'filter.length'?"),
        (("stages", "filter.length", "--markdown"), "leave NAME out"),
        (("report", "."), ""),
        (("explain", ".", "x"), ""),
    ],
)
def test_a_mistake_on_the_command_line_ends_with_2(folder, arguments, message):
    result = call(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DatakitError("disk full"), 1),
        (BrokenBooksError("2 rows went missing"), 3),
        (InterruptedRunError("run the same command to go on"), 130),
    ],
)
def test_an_error_has_its_exit_code_and_no_traceback(folder, monkeypatch, error, code):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(api, "run", fail)
    result = call("run", "p.toml")

    assert (result.exit_code, result.stderr, result.stdout) == (code, f"{error}\n", "")


def test_ctrl_c_outside_a_run_ends_with_130(folder, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "check", stop)
    result = call("check", "p.toml")

    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_a_bug_shows_its_traceback(folder, monkeypatch):
    monkeypatch.setattr(api, "check", lambda *arguments, **options: 1 / 0)

    assert isinstance(call("check", "p.toml").exception, ZeroDivisionError)


def test_run_hands_its_options_to_the_api(folder, monkeypatch):
    given = {}
    monkeypatch.setattr(
        api, "run", lambda pipeline, **options: given.update(options, file=pipeline)
    )
    result = call(
        *("run", "p.toml", "--output", "o", "--workdir", "w", "--workers", "2"),
        *("--executor", "pool", "--set", "a=1", "--set", "b=2", "--relative-to-file", "--quiet"),
    )

    assert (result.exit_code, result.output) == (0, "")
    assert given == {
        "file": Path("p.toml"),
        "output": Path("o"),
        "workdir": Path("w"),
        "workers": 2,
        "executor": "pool",
        "overrides": ("a=1", "b=2"),
        "relative_to_file": True,
        "progress": None,
    }


def test_a_run_can_be_reported_and_explained(folder):
    ran = call("run", "p.toml", "--executor", "local")
    assert ran.exit_code == 0, ran.output
    assert "3 read = 2 written + 1 rejected" in ran.stdout
    assert "3 read" not in ran.stderr

    assert call("report", "out").stdout == ran.stdout
    assert json.loads(call("report", "out", "--json").stdout)["name"] == "p"
    explained = call("explain", "out", "notes/notes.jsonl:2")
    assert explained.exit_code == 0, explained.output
    assert "too_few_chars" in explained.stdout


def test_quiet_says_nothing(folder):
    result = call("run", "p.toml", "--quiet", "--executor", "local")

    assert (result.exit_code, result.output) == (0, "")
    assert list((folder / "out" / "train").iterdir())


def test_plan_and_preview_show_the_stages(folder):
    for command in ("plan", "preview"):
        result = call(command, "p.toml")
        assert result.exit_code == 0, result.output
        assert "filter.length" in result.stdout
    assert not (folder / "out").exists()


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_pipeline_passes_check_once_its_files_are_there(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("new", "--template", template, "new.toml").exit_code == 0
    sources = tomllib.loads(Path("new.toml").read_text())["source"]
    without = call("check", "new.toml")
    for source in sources:
        path = Path(source["path"].replace("**", "a").replace("*", "b"))
        path.parent.mkdir(parents=True)
        path.touch()
    result = call("check", "new.toml")

    assert without.exit_code == 2
    assert f"{len(sources)} problem" in without.stderr
    assert result.exit_code == 0, result.output


def test_new_touches_no_file_that_is_there(folder):
    result = call("new", "p.toml")

    assert (result.exit_code, (folder / "p.toml").read_text()) == (2, PIPELINE)
    assert "exists already" in result.stderr
    assert call("new", "nowhere/p.toml").exit_code == 2
    assert call("new").exit_code == 0
    assert (folder / "pipeline.toml").exists()


def test_stages_are_listed_and_described():
    assert "filter.length" in call("stages").stdout
    assert "min_chars" in call("stages", "filter.length").stdout
    assert call("stages", "--markdown").stdout.startswith("| stage |")


def test_the_schema_is_json():
    assert json.loads(call("schema").stdout)["title"] == "datakit pipeline"


def test_a_reader_that_leaves_early_is_no_error():
    code = (
        "import os, sys\n"
        "os.close(0)\n"
        "from datakit.cli.shared import show\n"
        "read, write = os.pipe()\n"
        "os.dup2(write, 1)\n"
        "os.close(read)\n"
        "show('x' * 100_000)\n"
        "show('more')\n"
    )
    done = spawn("-c", code)

    assert (done.returncode, done.stderr) == (0, "")


def test_another_error_of_the_output_is_no_broken_pipe(monkeypatch):
    from datakit.cli import shared

    def full(text):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(shared.click, "echo", full)
    with pytest.raises(OSError, match="no space"):
        shared.show("x")


def test_the_module_is_the_command_too(folder):
    done = spawn("-m", "datakit", "check", "p.toml", cwd=folder)

    assert (done.returncode, done.stdout.split(":")[0]) == (0, "p.toml")


def test_fit_writes_a_preset_once(tmp_path: Path) -> None:
    reference, preset = tmp_path / "notes.jsonl", tmp_path / "mine.toml"
    reference.write_text("\n".join(json.dumps({"text": "每日三次。" * n}) for n in range(1, 30)))

    written = call("fit", reference, "--tail", "0.05", "-o", preset)
    again = call("fit", reference, "-o", preset)

    assert (written.exit_code, again.exit_code) == (0, 2)
    assert "from 29 records" in written.output
    assert tomllib.loads(preset.read_text())["check"] == "M"
    assert call("stages", "--preset", preset).exit_code == 0


def test_stages_shows_presets(tmp_path: Path) -> None:
    whole, one = call("stages", "filter.quality"), call("stages", "--preset", "fineweb2-zh")
    wrong, none = (
        call("stages", "filter.quality", "--preset", "fineweb2"),
        call("stages", "filter.length", "--preset", "gopher-en"),
    )

    assert "few_stop_words   jieba_fineweb2_zh_stops >= 2" in whole.output
    assert "Source: Penedo et al. 2025" in one.output
    assert (wrong.exit_code, none.exit_code) == (2, 2)
    assert "did you mean 'fineweb2-" in wrong.output
    assert "filter.quality has" in none.output
