"""Every broken pipeline file gives a message with file and line, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutations import MUTATIONS, SAMPLE, break_pipelines, read_lines

from datakit import api
from datakit.config.load import load_pipeline
from datakit.errors import PipelineFileError
from datakit.plan import compile_plan

PIPELINES = Path(__file__).parents[2] / "pipelines"
TEXTS = [SAMPLE, *(path.read_text() for path in sorted(PIPELINES.glob("*.toml")))]
BROKEN = break_pipelines(TEXTS, 240)


def check(text: str, folder: Path) -> PipelineFileError:
    path = folder / "broken.toml"
    path.write_text(text)
    with pytest.raises(PipelineFileError) as caught:
        api.check(path)
    return caught.value


@pytest.mark.parametrize(
    "text", TEXTS, ids=["sample", *(p.stem for p in sorted(PIPELINES.glob("*.toml")))]
)
def test_the_files_are_whole_before_they_are_broken(text, tmp_path):
    assert compile_plan(load_pipeline(tmp_path / "whole.toml", text)).steps


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_a_broken_file_is_reported_on_the_broken_line(number, tmp_path):
    broken = BROKEN[number]
    error = check(broken.text, tmp_path)

    assert {problem.line for problem in error.problems} == broken.lines, (broken.kind, str(error))
    first = min(broken.lines)
    assert str(error).startswith(f"{tmp_path / 'broken.toml'}:{first}: ")
    assert str(error).endswith("nothing was run")
    assert error.exit_code == 2


def test_there_are_two_hundred_different_ones_of_every_kind():
    assert len({broken.text for broken in BROKEN}) >= 200
    assert {broken.kind for broken in BROKEN} == set(MUTATIONS)
    assert not {broken.text for broken in BROKEN} & set(TEXTS)


def test_two_mistakes_are_reported_together(tmp_path):
    lines = [line for line in read_lines(SAMPLE) if line.key in ("seed", "threshold", "rejects")]
    text = SAMPLE
    for line in lines:
        text = text.replace(f"{line.key} = {line.value}", f"{line.key} = []")
    error = check(text, tmp_path)

    assert [problem.line for problem in error.problems] == [line.number for line in lines]


@pytest.mark.parametrize("number", range(0, len(BROKEN), 120))
def test_the_command_line_prints_the_message_and_no_traceback(number, tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text(BROKEN[number].text)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "datakit", "check", str(path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{path}:{min(BROKEN[number].lines)}: ")
    assert "Traceback" not in done.stderr
