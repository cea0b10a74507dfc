"""Clients under load: threads with a connection each, that send until every event is answered.

They use `pawl.Client` as its page says: after a lost connection nobody knows whether the event was
taken, so the same `event_id` is sent again. What they may not do is lose patience.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from pawl.client import Client
from pawl.client.calls import Caller
from tests.reliability.ledger import LOOK, PATIENCE, Ledger, Sent

Answer = TypeVar("Answer")
APPLICATION = "a client"


class Load(AbstractContextManager["Load"]):
    """So many clients, each of which takes so many jobs through so many `add` and a `run`.

    With `claims` every other one says who it is.
    """

    def __init__(
        self,
        database: str | ConnectionPool[Any],
        ledger: Ledger,
        *,
        clients: int = 4,
        jobs: int = 5,
        adds: int = 5,
        claims: bool = False,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._jobs, self._adds = jobs, adds

        def caller(number: int) -> Caller | None:
            return Caller({"sub": f"c{number}"}) if claims and number % 2 else None

        self._given_up = threading.Event()
        self._threads = [
            threading.Thread(target=self._client, args=(f"c{n}", caller(n))) for n in range(clients)
        ]
        self.events = clients * jobs * (adds + 1)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all is sent; if the test has failed, do not."""
        if error is not None:
            self._given_up.set()
        for thread in self._threads:
            thread.join()
        if error is None and self._ledger.failures:
            raise self._ledger.failures[0]

    def _client(self, name: str, caller: Caller | None) -> None:
        try:
            with Client(self._place(), caller=caller) as client:
                self._persist(lambda: client.ensure("tally", name))
                for number in range(self._jobs):
                    self._job(client, name, f"{name}-{number}")
        except BaseException as error:
            self._ledger.fail(error)

    def _place(self) -> str | ConnectionPool[Any]:
        if isinstance(self._database, ConnectionPool):
            return self._database
        return psycopg.conninfo.make_conninfo(self._database, application_name=APPLICATION)

    def _job(self, client: Client, name: str, job: str) -> None:
        self._persist(lambda: client.ensure("job", job, {"tally": name}))
        for number, type in enumerate(["run", *["add"] * self._adds]):
            mark = f"{job}-{number}"

            def send(type: str = type, mark: str = mark) -> int:
                return client.send("job", job, type, {"mark": mark}, event_id=mark).seq

            seq, tries = self._persist(send)
            self._ledger.note(Sent(name, job, type, mark, seq, tries))

    def _persist(self, call: Callable[[], Answer]) -> tuple[Answer, int]:
        """Call until there is an answer, however often Postgres goes away; count the failures."""
        end = time.monotonic() + PATIENCE
        failures = 0
        while True:
            try:
                return call(), failures
            except psycopg.OperationalError:
                failures += 1
                if time.monotonic() > end or self._given_up.wait(LOOK):
                    raise
