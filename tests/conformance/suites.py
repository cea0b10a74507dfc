"""Where the outside suites lie, and what is in them.

A folder of suites has one folder for each; the format of a file is told by its content, so any
other folder that is laid out in the same way can be read too.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conformance import recorded, scxml, walks
from tests.conformance.cases import Case

DEFAULT = Path(__file__).parents[3] / "shared" / "suites"
"""Beside the repository; nothing of it is copied here."""

ABSENT = "the outside suites are not here: there is no ../shared/suites"


def files(folder: Path) -> tuple[tuple[str, Path], ...]:
    """The (suite, file) of every file whose format is known, in order."""
    return tuple(
        (suite.name, file)
        for suite in sorted(folder.iterdir())
        if suite.is_dir()
        for file in (*_json(suite), *scxml.files(suite))
    )


def _json(suite: Path) -> Iterator[Path]:
    return (file for file in sorted(suite.glob("*.json")) if _format(file) is not None)


def cases(suite: str, file: Path) -> Iterator[Case]:
    """The cases of a file."""
    format = _format(file)
    assert format is not None
    yield from format(suite, file)


def _format(file: Path) -> Callable[[str, Path], Iterator[Case]] | None:
    content = json.loads(file.read_text(encoding="utf-8"))
    if walks.is_suite(content):
        return walks.cases
    return recorded.cases if recorded.is_suite(content) else None
