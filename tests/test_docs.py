"""The README is true: its table is the code's, its Python runs, its commands work.

`DATAKIT_UPDATE_DOCS=1 pytest tests/test_docs.py` writes the table of stages anew.
"""

import dataclasses
import doctest
import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datakit.registry import BUILT_IN, stages

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(?<=<!-- stages -->\n).*?(?=<!-- /stages -->)", re.DOTALL)
# Keys of every [[source]], described beside the table.
OF_EVERY_SOURCE = ("name", "path", "text", "fields", "id")


def blocks(language: str) -> list[str]:
    return [body for name, body in FENCE.findall(README.read_text("utf-8")) if name == language]


def commands() -> list[str]:
    lines = "".join(blocks("console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ datakit")]


def stage_table() -> str:
    rows = [
        f"| `{name}` | {summary(stages()[name])} | {', '.join(settings(name))} |"
        for name in BUILT_IN
    ]
    return "\n".join(["| stage | what it does | settings |", "|---|---|---|", *rows]) + "\n"


def summary(stage: type) -> str:
    paragraph = inspect.cleandoc(stage.__doc__ or "").split("\n\n", 1)[0]
    sentence = re.split(r"(?<=[.:])\s", " ".join(paragraph.split()), maxsplit=1)[0]
    return sentence.replace("|", r"\|")


def settings(name: str) -> Iterator[str]:
    for field in dataclasses.fields(stages()[name]):
        if name.startswith("ingest.") and field.name in OF_EVERY_SOURCE:
            continue
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        shown = "" if default is None or default is dataclasses.MISSING else f" = {toml(default)}"
        required = " (required)" if default is dataclasses.MISSING else ""
        yield f"`{field.name}{shown}`{required}".replace("|", r"\|")


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml(item)}' for key, item in value.items())}}}"
    return str(value)


def test_the_stage_table_is_that_of_the_code() -> None:
    text, table = README.read_text("utf-8"), stage_table()
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
    assert len(summary(stages()[name])) > 20
    assert stages()[name].__doc__ != dataclasses.make_dataclass("Plain", []).__doc__


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


def test_commands_of_the_readme_work_in_its_order(project: Path) -> None:
    assert len(commands()) > 4
    for command in commands():
        arguments = shlex.split(command)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "datakit", *arguments],
            cwd=project,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
