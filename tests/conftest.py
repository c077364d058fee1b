"""Settings of all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from tiny_tokenizer import write_tokenizer

# The machine may be busy: a slow example is no failure. No test asserts a time. The gate draws the
# same examples each time, so that it fails for a change and not by chance; elsewhere they vary.
settings.register_profile("datakit", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("datakit")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small tokenizer."""
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer"))
