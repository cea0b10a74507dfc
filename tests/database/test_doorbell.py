"""The doorbell: who rings, who need not, and that no effect is left asleep."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.database.calls import Call

RING = "select send_event('door', %s, '{\"type\": \"ring\"}')"


@contextmanager
def worker(database: str) -> Iterator[psycopg.Connection]:
    """A session that listens."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("listen pawl")
        yield connection


def rung(listener: psycopg.Connection) -> int:
    """How many notifications came since the last call: a NOTIFY of its own ends them."""
    listener.execute("select pg_notify('pawl', 'end')")
    count = 0
    for note in listener.notifies():
        if note.payload == "end":
            break
        count += 1
    return count


def test_a_sleeping_worker_is_rung_at_the_commit(door: Call, database: str) -> None:
    for id in ("a", "b"):
        door("select create_instance('door', %s)", id)
    with worker(database) as listener, psycopg.connect(database) as sender:
        sender.execute(RING, ("a",))
        assert rung(listener) == 0
        sender.commit()
        assert rung(listener) == 1
        sender.execute(RING, ("b",))
        sender.rollback()
        assert rung(listener) == 0


def test_one_transaction_rings_once(door: Call, database: str) -> None:
    ids = ("a", "b", "c")
    for id in ids:
        door("select create_instance('door', %s)", id)
    with worker(database) as listener, psycopg.connect(database) as sender:
        with sender.transaction():
            for id in ids:
                sender.execute(RING, (id,))
        assert rung(listener) == 1


def test_a_savepoint_that_is_rolled_back_takes_nothing_away(door: Call, database: str) -> None:
    for id in ("a", "b"):
        door("select create_instance('door', %s)", id)
    with worker(database) as listener, psycopg.connect(database) as sender:
        with sender.transaction():
            with sender.transaction(force_rollback=True):
                sender.execute(RING, ("a",))
            sender.execute(RING, ("b",))
        assert rung(listener) == 1


def test_while_a_worker_is_awake_nobody_rings(door: Call, database: str) -> None:
    for id in ("a", "b"):
        door("select create_instance('door', %s)", id)
    with worker(database) as listener:
        assert listener.execute("select pawl.stay_awake(), pawl.stay_awake()").fetchone() == (
            True,
            True,
        )
        door(RING, "a")
        assert rung(listener) == 0
        assert listener.execute("select pawl.rest(), pawl.rest()").fetchone() == (True, False)
        door(RING, "b")
        assert rung(listener) == 1


def test_a_worker_that_dies_awake_silences_nobody(door: Call, database: str) -> None:
    door("select create_instance('door', 'a')")
    with worker(database) as listener:
        with psycopg.connect(database, autocommit=True) as other:
            other.execute("select pawl.stay_awake()")
            pid = other.info.backend_pid
        while door("select exists (select from pg_stat_activity where pid = %s)", pid):
            pass
        door(RING, "a")
        assert rung(listener) == 1


def test_a_sender_in_flight_is_waited_for(door: Call, database: str) -> None:
    """One that has asked, and is not visible: the worker must not sleep yet."""
    door("select create_instance('door', 'a')")
    with worker(database) as listener, psycopg.connect(database) as sender:
        listener.execute("select pawl.stay_awake()")
        sender.execute(RING, ("a",))
        sender.execute("set constraints all immediate")
        listener.execute("select pawl.rest()")
        assert listener.execute("select pawl.nobody_is_sending()").fetchone() == (False,)
        sender.commit()
        assert rung(listener) == 0
        assert listener.execute("select pawl.nobody_is_sending()").fetchone() == (True,)
        assert listener.execute("select count(*) from pawl.claim_effects('w')").fetchone() == (1,)


def test_no_effect_is_left_asleep(door: Call, database: str) -> None:
    """Clients send while a worker falls asleep again and again, with no poll to fall back on."""
    clients, each = 3, 40
    names = [[f"{client}-{n}" for n in range(each)] for client in range(clients)]
    for name in (name for own in names for name in own):
        door("select create_instance('door', %s)", name)

    def send(own: list[str]) -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            for name in own:
                connection.execute(RING, (name,))

    threads = [threading.Thread(target=send, args=(own,)) for own in names]
    claim = "select count(*) from pawl.claim_effects('w', null, 5)"
    left = clients * each
    with worker(database) as listener:

        def claimed() -> int:
            row = listener.execute(claim.encode()).fetchone()
            assert row is not None
            return int(row[0])

        for thread in threads:
            thread.start()
        while left:
            listener.execute("select pawl.stay_awake()")
            while found := claimed():
                left -= found
            listener.execute("select pawl.rest()")
            while listener.execute("select pawl.nobody_is_sending()").fetchone() != (True,):
                pass
            left -= (found := claimed())
            if left and not found:
                next(listener.notifies(stop_after=1))
        for thread in threads:
            thread.join()
    assert left == 0
