"""The people of `pawl demo upgrade`: each session sends the next event to orders of its own.

They know states by their last names and events by theirs, so that they are right before a
migration, after it, and when one happens between the question and the answer.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import psycopg

from pawl.client import Client
from pawl.errors import PawlError

SESSIONS = 4
NEXT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "offered": ({"type": "accept", "prep_minutes": 30}, {"type": "reject", "reason": "closed"}),
    "courier_offered": ({"type": "courier.accept"}, {"type": "courier.decline"}),
    "asked": ({"type": "courier.accept"}, {"type": "courier.decline"}),
    "buying": ({"type": "bought", "paid": 20}, {"type": "sold_out"}),
    "delivering": ({"type": "complete"}, {"type": "complete"}),
    "bringing": ({"type": "complete"}, {"type": "complete"}),
}
"""What a state waits for: what mostly happens, and what does now and then."""
NOW_AND_THEN = 0.2


@dataclass(slots=True)
class Sent:
    """What the sessions have been told: how many events were taken, by type; what was refused."""

    taken: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, type: str) -> None:
        with self._lock:
            self.taken[type] += 1

    def failed(self, message: str) -> None:
        with self._lock:
            self.refused.append(message)


@contextmanager
def sending(dsn: str, ids: list[str]) -> Iterator[Sent]:
    """Let every session send to its share of the orders, until the block ends."""
    sent, over = Sent(), threading.Event()
    sessions = [
        threading.Thread(target=_session, args=(dsn, ids[number::SESSIONS], sent, over, number))
        for number in range(SESSIONS)
    ]
    for session in sessions:
        session.start()
    try:
        yield sent
    finally:
        over.set()
        for session in sessions:
            session.join()


def _session(dsn: str, ids: list[str], sent: Sent, over: threading.Event, seed: int) -> None:
    """Go through the orders again and again; what nobody waits for is left alone."""
    chance = random.Random(seed)
    with Client(dsn) as client:
        for id in cycle(ids):
            if over.is_set():
                return
            leaf = client.get("order", id).state[0].rpartition(".")[2]
            if (events := NEXT.get(leaf)) is None:
                continue
            event = events[chance.random() < NOW_AND_THEN]
            try:
                client.send("order", id, event)
                sent.took(str(event["type"]))
            except (PawlError, psycopg.Error) as error:
                sent.failed(f"{event['type']} to {id}: {error}")
