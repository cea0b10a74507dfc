"""`pawl worker`: what it is given, and `--drain`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Pawl

CHART = """\
machine: bell
authorize: {}
effects: { ring: {}, http: {} }
initial: still
states:
  still:
    entry: [{ effect: ring, input: { loud: true } }, { effect: http, input: { url: $$x$$ } }]
    after: { 1 hour: { } }
"""
HANDLERS = """\
from pawl import Worker
app = Worker()
@app.effect("ring")
def ring(task, loud: bool): ...
@app.effect("rest")
def rest(task): ...
"""


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the command does to its process: the import path, the root logger."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for variable in ("PAWL_HTTP_ALLOW", "PAWL_SQL_ALLOW"):
        monkeypatch.delenv(variable, raising=False)
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield
    root.handlers, root.level = before


@pytest.fixture
def bell(online: Pawl, tmp_path: Path) -> Pawl:
    """The command in a folder with handlers, and an instance that asks for two effects."""
    (tmp_path / "handlers.py").write_text(HANDLERS, encoding="utf-8")
    (tmp_path / "bell.machine.yaml").write_text(CHART, encoding="utf-8")
    assert online("deploy", "bell.machine.yaml").code == 0
    assert online("create", "bell", "b-1").code == 0
    return online


def test_a_handler_that_nobody_asks_for_is_told(bell: Pawl, tmp_path: Path) -> None:
    handlers = HANDLERS.replace('"ring"', '"rign"').replace('"rest"', '"http"')
    (tmp_path / "handlers.py").write_text(handlers, encoding="utf-8")
    run = bell("worker", "handlers.py", "--drain", "--log-format", "json")
    (said,) = [json.loads(line) for line in run.err.splitlines() if "not_asked_for" in line]
    assert (said["level"], said["effect"]) == ("warning", "rign")
    assert said["reason"] == "no machine that is deployed has this effect: did you mean `ring`?"


def test_a_worker_none_of_whose_handlers_is_asked_for_asks_for_the_database(
    bell: Pawl, tmp_path: Path
) -> None:
    handlers = HANDLERS.replace('"ring"', '"charge"').replace('"rest"', '"refund"')
    (tmp_path / "handlers.py").write_text(handlers, encoding="utf-8")
    run = bell("worker", "handlers.py", "--drain", "--log-format", "json")
    assert run.err.count("is this the right database?") == 2
    assert "not_asked_for" not in bell("worker", "--drain", "--log-format", "json").err


def test_drain_does_what_is_due_and_says_what(bell: Pawl) -> None:
    run = bell("worker", "handlers.py", "--drain", "--json")
    assert (run.code, run.json) == (0, [{"effect": "ring", "ended": "applied", "count": 1}])
    assert bell("worker", "handlers.py", "--drain", "--json").json == []


def test_only_named_effects_are_performed(bell: Pawl) -> None:
    assert bell("worker", "handlers.py", "--drain", "--effects", "rest", "--json").json == []


def test_http_is_performed_once_a_host_is_allowed(
    bell: Pawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWL_HTTP_ALLOW", "api.example.org")
    run = bell("worker", "--drain", "--json")
    assert run.json == [{"effect": "http", "ended": "exhausted", "count": 1}]
    assert "is not allowed" in run.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("handlers.py", "--effects", "sing"), "no handler for sing; there are: rest, ring"),
        (("--allow-host", "ftp://x"), "`ftp://x` is no host"),
        (("--allow-function", "charge"), "is not of the form schema.function"),
    ],
)
def test_a_wrong_option_is_refused(bell: Pawl, arguments: tuple[str, ...], message: str) -> None:
    run = bell("worker", "--drain", *arguments)
    assert run.code == 2
    assert message in " ".join(run.err.replace("│", " ").split())


def test_a_file_without_a_worker_is_refused_with_a_hint(bell: Pawl, tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("", encoding="utf-8")
    run = bell("worker", "empty.py")
    assert run.code == 1
    assert run.err.startswith("error[no_handlers]: empty.py has no Worker")
    assert "app = Worker()" in run.err
