"""One XState for all tests of a worker, and the shared connection of `semantics`."""

from collections.abc import Iterator

import pytest

from tests.optional import require
from tests.oracle import process
from tests.semantics.conftest import shared_connection

__all__ = ["oracle", "shared_connection"]


@pytest.fixture(scope="session")
def oracle() -> Iterator[process.XState]:
    """XState under way, else the test is skipped or fails."""
    require("xstate", process.missing())
    with process.xstate() as started:
        yield started
