"""Which files of a folder are suites, however the folder is laid out."""

import json
from pathlib import Path

import pytest

from tests.conformance import instrument, suites
from tests.conformance.judge import Outcome
from tests.conformance.run import _judge

WALKS = json.dumps({"config": {}, "guards": [], "delays": {}, "walks": []})


def laid_out(folder: Path, *paths: str, content: str = WALKS) -> Path:
    """The folder with these files."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


@pytest.mark.parametrize(
    ("path", "suite"),
    [("walks/a.json", "walks"), ("outer/inner/walks/a.json", "outer/inner/walks")],
)
def test_a_suite_is_named_by_its_place(tmp_path: Path, path: str, suite: str) -> None:
    assert suites.files(laid_out(tmp_path, path)) == ((suite, tmp_path / path),)


def test_a_folder_may_itself_be_a_suite(tmp_path: Path) -> None:
    folder = laid_out(tmp_path / "walks", "a.json", "b.json")
    assert [suite for suite, _ in suites.files(folder)] == ["walks", "walks"]


def test_what_is_no_suite_is_passed_over(tmp_path: Path) -> None:
    laid_out(tmp_path, "walks/index.json", content='[1, {"test": "x"}]')
    laid_out(tmp_path, "walks/README.md", content="no JSON")
    assert suites.files(tmp_path) == ()


def test_a_file_that_nobody_can_read_is_a_failure(tmp_path: Path) -> None:
    laid_out(tmp_path, "walks/a.json")
    laid_out(tmp_path, "walks/torn.json", content='{"walks": [')
    torn = suites.files(tmp_path)[1]
    (verdict,) = _judge(*torn)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.why.startswith("this file cannot be read: JSONDecodeError")


def test_a_guard_under_a_combinator_is_asked_by_its_name() -> None:
    guard = {
        "type": "xstate.not",
        "guards": [{"type": "xstate.and", "guards": ["a", {"type": "b"}]}],
    }
    config = {"states": {"s": {"on": {"E": {"guard": guard, "target": "s"}}}}}
    assert list(instrument.all_guards(config)) == ["a", "b"]
