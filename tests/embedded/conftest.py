"""A folder for a local server, whose server ends with the test whatever happened."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pawl import embedded


@pytest.fixture
def home() -> Iterator[Path]:
    """A path for `.pawl` below a folder that every user can enter (`tmp_path` is not one)."""
    parent = Path(tempfile.mkdtemp(prefix="pawl-embedded-"))
    parent.chmod(0o755)
    yield parent / ".pawl"
    embedded.remove(parent / ".pawl")
    shutil.rmtree(parent)
