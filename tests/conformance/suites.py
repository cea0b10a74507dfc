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
    """The (suite, file) of every file whose format is known, in order.

    The folder may itself be a suite, and suites may lie deeper in it; they are named by their
    paths.
    """
    here = folder.resolve()
    return tuple(
        (suite.relative_to(here).as_posix() if suite != here else here.name, file)
        for suite in _suites(here)
        for file in _of(suite)
    )


def _suites(folder: Path) -> Iterator[Path]:
    """The folders that hold a suite: this one, or those of its folders that do, and so on."""
    if any(True for _ in _of(folder)):
        yield folder
        return
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield from _suites(inner)


def _of(suite: Path) -> Iterator[Path]:
    yield from _json(suite)
    yield from scxml.files(suite)


def _json(suite: Path) -> Iterator[Path]:
    """The files of a known format, and those that nobody can read, which are a failure."""
    return (file for file in sorted(suite.glob("*.json")) if _is_case(file))


def _is_case(file: Path) -> bool:
    try:
        return _format(file) is not None
    except ValueError:
        return True


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
