"""The effect `http`, against a server of our own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from pawl import Task
from pawl.worker import http_effect
from pawl.worker.app import Worker
from pawl.worker.http_effect import Allowed, HttpEffect, signature
from pawl.worker.outcomes import Done, Failed, Outcome
from pawl.worker.performing import perform
from pawl.worker.task import Claim


def task(effect: str = "http", **input: Any) -> Task:
    """A claimed effect."""
    seconds = timedelta(seconds=30)
    now = datetime.now(UTC)
    return Task(Claim(1, 1, "m", 1, "i", effect, None, input, 1, 3, seconds, "m/i/1", now))


class Answering(BaseHTTPRequestHandler):
    """Answers as the path says: `/404`, `/503?120`; keeps the request."""

    requests: list[tuple[str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        type(self).requests.append((self.command, self.path, headers, body))
        status, _, after = self.path.lstrip("/").partition("?")
        self.send_response(int(status))
        if after.startswith("http"):
            self.send_header("Location", after)
        elif after:
            self.send_header("Retry-After", after)
        text = (
            b'{"price": 1.10}' if status == "200" else b"x" * (1_000_000 if after == "big" else 5)
        )
        self.send_header("Content-Type", "application/json" if status == "200" else "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class Server:
    def __init__(self) -> None:
        Answering.requests = []
        self._server = HTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def requests(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        return Answering.requests

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def ask(self, path: str, **input: Any) -> Outcome:
        """Perform the effect with the server allowed, and one secret."""
        app = Worker()
        effect = HttpEffect([Allowed.of(self.url)], {"PAWL_SECRET_KEY": "s3cret"})
        app.effect("http")(effect.perform)
        url = path if path.startswith("http") else self.url + path

        async def ask() -> Outcome:
            async with effect:
                return await perform(app.handler("http"), task(url=url, **input))

        return asyncio.run(ask())


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


def error(outcome: Outcome) -> Any:
    assert isinstance(outcome, Failed)
    return json.loads(outcome.error)


def test_json_goes_out_and_comes_back_without_loss(server: Server) -> None:
    outcome = server.ask("/200", json={"total": Decimal("24.50")})
    assert outcome == Done('{"status": 200, "json": {"price": 1.10}}')
    ((method, path, headers, body),) = server.requests
    assert (method, path, body) == ("POST", "/200", b'{"total": 24.50}')
    assert headers["content-type"] == "application/json"
    assert headers["idempotency-key"] == "m/i/1"


def test_method_and_headers_are_the_inputs(server: Server) -> None:
    server.ask("/201", method="PUT", body="hello", headers={"X-Kind": "note"})
    ((method, _, headers, body),) = server.requests
    assert (method, headers["x-kind"], body) == ("PUT", "note", b"hello")
    server.ask("/200")
    assert server.requests[1][0] == "GET"


def test_a_secret_is_filled_in_only_where_the_chart_says_so(server: Server) -> None:
    bearer = "Bearer ${PAWL_SECRET_KEY}"
    server.ask("/200", secret_headers={"Authorization": bearer}, headers={"X-Name": bearer})
    headers = server.requests[0][2]
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["x-name"] == bearer


def test_a_secret_that_is_not_set_is_tried_again(server: Server) -> None:
    outcome = server.ask("/200", secret_headers={"A": "${PAWL_SECRET_OTHER}"})
    assert isinstance(outcome, Failed)
    assert outcome.retry
    assert "PAWL_SECRET_OTHER is not set" in outcome.error
    assert server.requests == []


def test_the_body_is_signed(server: Server) -> None:
    server.ask("/200", body="hello", sign="PAWL_SECRET_KEY")
    given = server.requests[0][2]["pawl-signature"]
    at = int(given.partition(",")[0].removeprefix("t="))
    assert given == signature("s3cret", b"hello", at)
    assert error(server.ask("/200", sign="HOME"))["code"] == "bad_input"


@pytest.mark.parametrize("status", [500, 502, 408, 429])
def test_what_may_pass_is_tried_again(server: Server, status: int) -> None:
    outcome = server.ask(f"/{status}")
    assert isinstance(outcome, Failed)
    assert (outcome.retry, outcome.retry_after) == (True, None)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_heeded(server: Server, status: int) -> None:
    outcome = server.ask(f"/{status}?120")
    assert isinstance(outcome, Failed)
    assert (outcome.retry, outcome.retry_after) == (True, timedelta(seconds=120))
    assert outcome.code == f"http_{status}"


def test_any_other_status_is_fatal_and_tells_what_came(server: Server) -> None:
    outcome = server.ask("/404")
    assert isinstance(outcome, Failed)
    assert not outcome.retry
    assert error(outcome)["code"] == "http_404"
    assert error(outcome)["data"] == {"status": 404, "body": "xxxxx"}


def test_expected_statuses_take_the_place_of_2xx(server: Server) -> None:
    assert isinstance(server.ask("/404", expect=[404]), Done)
    assert isinstance(server.ask("/404", expect=404), Done)
    assert isinstance(server.ask("/200", expect=[404]), Failed)


def test_a_redirect_is_not_followed(server: Server) -> None:
    outcome = server.ask(f"/302?{server.url}/200")
    assert error(outcome)["code"] == "http_302"
    assert len(server.requests) == 1


def test_an_answer_that_is_too_large_is_fatal(server: Server) -> None:
    assert error(server.ask("/201?big"))["code"] == "too_large"


@pytest.mark.parametrize(
    "url", ["https://evil.example", "http://127.0.0.1:1/", "file:///etc/passwd", "http://["]
)
def test_other_places_are_not_called(server: Server, url: str) -> None:
    outcome = server.ask(url)
    assert isinstance(outcome, Failed)
    assert not outcome.retry
    assert server.requests == []


class Keeping(Answering):
    """Keeps its connections open, counts them, and sends a cookie with each answer."""

    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self) -> None:
        type(self).connections += 1
        super().setup()

    def end_headers(self) -> None:
        self.send_header("Set-Cookie", "who=me")
        super().end_headers()


def test_requests_share_a_connection_and_no_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_effect, "KEPT_FOR", 600)
    Keeping.requests, Keeping.connections = [], 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Keeping) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        app = Worker()

        async def ask_twice() -> None:
            async with HttpEffect([Allowed.of(url)]) as effect:
                app.effect("http")(effect.perform)
                for _ in range(2):
                    outcome = await perform(app.handler("http"), task(url=f"{url}/200"))
                    assert isinstance(outcome, Done)

        asyncio.run(ask_twice())
        server.shutdown()
        thread.join()
    assert len(Keeping.requests) == 2
    assert Keeping.connections == 1
    assert not any("cookie" in headers for _, _, headers, _ in Keeping.requests)


def test_a_server_that_is_not_there_is_tried_again(server: Server) -> None:
    app = Worker()
    app.effect("http")(HttpEffect([Allowed.of("http://127.0.0.1:1")]).perform)
    outcome = asyncio.run(perform(app.handler("http"), task(url="http://127.0.0.1:1/")))
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.retry) == ("ConnectError", True)


@pytest.mark.parametrize(
    ("entry", "url", "admitted"),
    [
        ("api.example.org", "https://api.example.org/x", True),
        ("api.example.org", "https://API.example.org:443/x", True),
        ("api.example.org", "https://api.example.org:8443/x", False),
        ("api.example.org", "http://api.example.org/x", False),
        ("api.example.org", "https://api.example.org.evil.example/", False),
        ("api.example.org", "https://api.example.org@evil.example/", False),
        ("*.example.org", "https://a.example.org/", True),
        ("*.example.org", "https://example.org/", False),
        ("http://printer:8080", "http://printer:8080/print", True),
    ],
)
def test_an_entry_admits_a_host_as_it_stands(entry: str, url: str, admitted: bool) -> None:
    assert Allowed.of(entry).admits(httpx.URL(url)) == admitted


def test_what_is_no_host_is_refused() -> None:
    for text in ("", "ftp://x", "a b", "https://x/path"):
        with pytest.raises(ValueError, match="is no host"):
            Allowed.of(text)
