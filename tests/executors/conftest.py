"""`run`: a small pipeline to run, see `small_run`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_run import Runner, make_runner


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    """A function that runs the small pipeline in a fresh folder."""
    return make_runner(tmp_path)
