"""The README is true: its table is the code's, its Python runs, its commands work.

`DATAKIT_UPDATE_DOCS=1 pytest tests/test_docs.py` writes the table of stages anew.
"""

import doctest
import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from datakit.config.catalogue import first_sentence, markdown_table
from datakit.registry import BUILT_IN, stages

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(?<=<!-- stages -->\n).*?(?=<!-- /stages -->)", re.DOTALL)


def blocks(language: str) -> list[str]:
    return [body for name, body in FENCE.findall(README.read_text("utf-8")) if name == language]


def tour() -> list[tuple[list[str], list[str]]]:
    """The commands of the README with what it shows of their output."""
    found: list[tuple[list[str], list[str]]] = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            found.append((shlex.split(line.removeprefix("$ ")), []))
        elif line not in ("", "..."):
            found[-1][1].append(line)
    return [(command, lines) for command, lines in found if command[0] == "datakit"]


def test_the_stage_table_is_that_of_the_code() -> None:
    text, table = README.read_text("utf-8"), markdown_table().rstrip("\n") + "\n"
    if os.environ.get("DATAKIT_UPDATE_DOCS"):
        README.write_text(TABLE.sub(lambda _: table, text), "utf-8")
        return

    shown = TABLE.search(text)

    assert shown is not None
    assert shown.group() == table, "run: DATAKIT_UPDATE_DOCS=1 pytest tests/test_docs.py"


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_stage_is_described_and_has_tests_of_its_own(name: str) -> None:
    mirror = f"test_{name.replace('.', '_')}"
    tests = ROOT / "tests"
    found = [
        *(tests / "cases").glob(f"{name}.toml"),
        *(tests / "stages").glob(f"{mirror}.py"),
        *(tests / "stages").glob(f"{mirror}_*.py"),
    ]

    assert found, f"no tests/cases/{name}.toml, no tests/stages/{mirror}.py"
    assert len(first_sentence(inspect.getdoc(stages()[name]) or "")) > 30


def test_the_first_example_is_the_quickstart_pipeline() -> None:
    shipped = tomllib.loads((ROOT / "pipelines" / "quickstart.toml").read_text("utf-8"))

    assert tomllib.loads(blocks("toml")[0]) == shipped


def test_python_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    source = "".join(block for block in blocks("python") if ">>>" in block)
    names = {"folder": str(tmp_path / "quickstart"), "__name__": "readme"}
    example = doctest.DocTestParser().get_doctest(source, names, "README", str(README), 0)

    result = doctest.DocTestRunner().run(example)

    assert result.attempted > 10
    assert result.failed == 0


def modules_with_examples() -> list[str]:
    paths = sorted((ROOT / "datakit").rglob("*.py"))
    found = [path for path in paths if ">>> " in path.read_text("utf-8")]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings_run(name: str) -> None:
    module = __import__(name, fromlist=["_"])

    assert doctest.testmod(module).failed == 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that looks like the project's root and takes what the commands write."""
    for name in ("pipelines", "sample_data"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_commands_of_the_readme_do_what_it_shows(project: Path) -> None:
    shown = 0
    for command, lines in tour():
        done = subprocess.run(
            [sys.executable, "-m", "datakit", *command[1:]],
            cwd=project,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert not set(lines) - set(done.stdout.splitlines()), f"{command}: shown, but not printed"
        shown += len(lines)
    assert shown > 20
