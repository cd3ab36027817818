"""Recordings of people, where they are at hand."""

import os
from pathlib import Path

import pytest

from mmgraph.datasets import find_recordings


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings; skips where there is none, but fails in CI and where one was promised."""
    folder = find_recordings()
    if folder is None:
        message = "no recordings: set MMGRAPH_DATA to the folder of the Free Spoken Digit Dataset"
        if os.environ.get("CI") == "true" or os.environ.get("MMGRAPH_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
