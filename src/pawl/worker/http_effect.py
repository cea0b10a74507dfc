"""The built-in effect `http`: one request to a host that the operator allows.

    effects: { http: { timeout: 20 s, retry: { attempts: 5, backoff: 1 s .. 5 min } } }
    …
    invoke:
      src: http
      input: { url: "$$https://api.example.org/orders$$", json: to_jsonb(context.total) }

An answer of 2xx, or one of `expect`, is the output `{status, json}` or `{status, body}`.
408, 425, 429 and 5xx are tried again, when `Retry-After` says where it does; the rest is fatal.
"""

import fnmatch
import hashlib
import hmac
import os
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self

import httpx

from pawl.client.payload import from_json, to_json
from pawl.worker.outcomes import Fatal, RetryAfter
from pawl.worker.task import Task

AGAIN = frozenset({408, 425, 429})  # and 5xx
LARGEST = 900_000  # bytes of an answer: an output has at most 1 MB
KEPT = 20  # idle connections
KEPT_FOR = 2.0  # seconds: shorter than servers do, for a request on one that just closed fails
NO_COOKIES = DefaultCookiePolicy(allowed_domains=())
SHOWN = 2000  # characters of an unexpected answer that the error keeps
SECRET = re.compile(r"\$\{(PAWL_SECRET_[A-Z0-9_]+)\}")


@dataclass(frozen=True, slots=True)
class Allowed:
    """A host that may be called: `api.example.org`, `*.example.org`, `http://printer:8080`.

    Without a scheme only https is allowed, without a port only the scheme's own.
    """

    scheme: str
    host: str
    port: int | None

    @classmethod
    def of(cls, text: str) -> "Allowed":
        """Read an entry. Raises ValueError.

        >>> Allowed.of("http://printer:8080")
        Allowed(scheme='http', host='printer', port=8080)
        """
        found = re.fullmatch(r"(?:(https?)://)?([\w.*-]+)(?::(\d+))?/?", text.strip().lower())
        if found is None:
            raise ValueError(f"`{text}` is no host")
        return cls(found[1] or "https", found[2], int(found[3]) if found[3] else None)

    def admits(self, url: httpx.URL) -> bool:
        """Whether a request may go there.

        >>> Allowed.of("*.example.org").admits(httpx.URL("https://api.example.org/x"))
        True
        >>> Allowed.of("example.org").admits(httpx.URL("http://example.org/"))
        False
        """
        same = url.scheme == self.scheme and url.port == self.port
        return same and fnmatch.fnmatchcase(url.host.lower(), self.host)


class HttpEffect:
    """The handler, for these hosts; `environment` is where secrets come from.

    Requests share connections, and nothing else: no cookie is kept. It belongs to one event loop;
    as a context manager there it closes what it keeps open.
    """

    def __init__(
        self, allowed: Sequence[Allowed], environment: Mapping[str, str] = os.environ
    ) -> None:
        self._allowed = tuple(allowed)
        self._environment = environment
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def perform(
        self,
        task: Task,
        url: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        secret_headers: dict[str, str] | None = None,
        json: Any = None,
        body: str | None = None,
        expect: list[int] | int | None = None,
        sign: str | None = None,
        timeout: Decimal | None = None,
    ) -> dict[str, Any]:
        """Send the request. Raises `Fatal` for what another attempt would not change."""
        target = self._target(url)
        content = _content(json, body)
        sent = {"Idempotency-Key": task.idempotency_key, **(headers or {})}
        if json is not None:
            sent.setdefault("Content-Type", "application/json")
        for name, template in (secret_headers or {}).items():
            sent[name] = SECRET.sub(lambda found: self._secret(found[1]), template)
        if sign is not None:
            sent["Pawl-Signature"] = signature(self._secret(sign), content, int(time.time()))
        method = method or ("GET" if content is None else "POST")
        seconds = None if timeout is None else float(timeout)
        async with self._opened().stream(
            method, target, headers=sent, content=content, timeout=seconds
        ) as answer:
            return _result(answer, await _read(answer), expect)

    def _opened(self) -> httpx.AsyncClient:
        """Nothing of the environment goes along: no proxy, no .netrc; no redirect is followed."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(),
                trust_env=False,
                cookies=CookieJar(NO_COOKIES),
                limits=httpx.Limits(max_keepalive_connections=KEPT, keepalive_expiry=KEPT_FOR),
            )
        return self._client

    def _target(self, text: str) -> httpx.URL:
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise Fatal(f"no URL: {error}", code="bad_input") from error
        if not any(allowed.admits(url) for allowed in self._allowed):
            place = f"{url.scheme}://{url.netloc.decode()}"
            raise Fatal(f"{place} is not allowed; --allow-host names it", code="host_not_allowed")
        return url

    def _secret(self, name: str) -> str:
        """Read a secret. One that is not set may be, when the worker is started again."""
        if not name.startswith("PAWL_SECRET_"):
            raise Fatal(f"{name} is no secret: PAWL_SECRET_… is", code="bad_input")
        if name not in self._environment:
            raise LookupError(f"{name} is not set in the worker's environment")
        return self._environment[name]


def signature(key: str, content: bytes | None, at: int) -> str:
    """Sign a body, as its receiver can check: HMAC-SHA256 of the time, a point, and the body.

    >>> signature("k", b"{}", 1).split(",v1=")[0], len(signature("k", None, 1))
    ('t=1', 71)
    """
    signed = str(at).encode() + b"." + (content or b"")
    return f"t={at},v1={hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()}"


def _content(json: Any, body: str | None) -> bytes | None:
    if json is not None and body is not None:
        raise Fatal("the input has both json and body", code="bad_input")
    text = to_json(json) if json is not None else body
    return None if text is None else text.encode()


async def _read(answer: httpx.Response) -> bytes:
    read = b""
    async for part in answer.aiter_bytes():
        read += part
        if len(read) > LARGEST:
            raise Fatal(f"the answer has more than {LARGEST} bytes", code="too_large")
    return read


def _result(
    answer: httpx.Response, content: bytes, expect: list[int] | int | None
) -> dict[str, Any]:
    """The output, or the failure that an answer is."""
    text = content.decode(answer.charset_encoding or "utf-8", "replace").replace("\0", "")
    status = answer.status_code
    wanted = [expect] if isinstance(expect, int) else expect
    if status in wanted if wanted is not None else answer.is_success:
        if "json" in answer.headers.get("content-type", ""):
            try:
                return {"status": status, "json": from_json(text)}
            except ValueError:
                return {"status": status, "body": text}
        return {"status": status, "body": text}
    message = f"{answer.request.method} {answer.url.host} answered {status}"
    if status in AGAIN or status >= 500:
        when = retry_after(answer.headers.get("retry-after"))
        if when is None:
            raise Refused(message)
        raise RetryAfter(when, message, code=f"http_{status}")
    raise Fatal(message, code=f"http_{status}", data={"status": status, "body": text[:SHOWN]})


class Refused(Exception):
    """The other side did not do it this time."""


def retry_after(text: str | None) -> float | datetime | None:
    """Read the header `Retry-After`: seconds or a date.

    >>> retry_after("120"), retry_after("Wed, 21 Oct 2030 07:28:00 GMT")
    (120.0, datetime.datetime(2030, 10, 21, 7, 28, tzinfo=datetime.timezone.utc))
    """
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
