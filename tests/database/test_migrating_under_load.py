"""A migration while 50 clients send, timers fire, a worker works; and one that is killed.

What the clients were told is the ledger: rows, journal and outbox are held against it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from pawl.deploy import migration
from pawl.deploy.deploy import deploy
from pawl.deploy.migration import Choice
from pawl.deploy.timer_index import timer_index
from pawlc.compile import compile_machine, earlier_version

V1 = """\
machine: tally
version: 1
context: { n: int not null default 0, ticks: int not null default 0 }
events: { add: {} }
authorize: {}
effects: { tell: {} }
initial: left
on: { add: { assign: { n: context.n + 1 }, actions: [{ effect: tell, input: { n: context.n } }] } }
states:
  left: { after: { 20 ms: { target: right, assign: { ticks: context.ticks + 1 } } } }
  right: { after: { 20 ms: { target: left, assign: { ticks: context.ticks + 1 } } } }
"""
MIGRATE = (
    "migrate: { 1: { states: { left: west, right: east }, context: { size: $$s$$ },"
    " back: { states: { west: left, east: right } } } }"
)
V2 = (
    V1.replace("version: 1", "version: 2")
    .replace("default 0 }", "default 0, size: text not null }\ninput: [size]")
    .replace("left", "west")
    .replace("right", "east")
    .replace("initial:", f"{MIGRATE}\ninitial:")
)
INSTANCES, CLIENTS, EVENTS = 100, 50, 12
PAWL = (sys.executable, "-c", "from pawl.cli import main; main()")
Connection = psycopg.Connection[Any]


def version_2() -> Any:
    before = earlier_version(V1, "tally.1.machine.yaml")
    assert before is not None
    return compile_machine(V2, "tally.machine.yaml", earlier={1: before})


def set_up(connection: Connection, instances: int) -> None:
    """Tallies of version 1; version 2 is deployed."""
    deploy(connection, compile_machine(V1, "tally.machine.yaml"))
    connection.execute(
        "select count(create_instance('tally', 't-' || n)) from generate_series(1, %s) as n",
        (instances,),
    )
    deploy(connection, version_2())


@contextmanager
def meanwhile(dsn: str, step: Callable[[Connection], None]) -> Iterator[None]:
    """Repeat something in a session of its own until the block ends; raise what it raises."""
    over, raised = threading.Event(), []

    def repeat() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                while not over.is_set():
                    step(connection)
            except psycopg.Error as error:
                raised.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert raised == []


def send(dsn: str, client: int, taken: list[str], refused: list[str]) -> None:
    """One client's events, each to another instance."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for number in range(EVENTS):
            id = f"t-{(client * 7 + number * 13) % INSTANCES + 1}"
            try:
                connection.execute("""select send_event('tally', %s, '{"type": "add"}')""", (id,))
                taken.append(id)
            except psycopg.Error as error:
                refused.append(str(error))


def work(connection: Connection) -> None:
    """What a worker does, without the work."""
    connection.execute("select pawl.fire_due_timers()")
    claimed = connection.execute(
        "select effect_id, token from pawl.claim_effects('w', p_limit => 20)"
    ).fetchall()
    for effect_id, token in claimed:
        connection.execute("select pawl.complete_effect(%s, %s)", (effect_id, token))


def look(connection: Connection) -> None:
    """Questions that must not be answered by `not found`."""
    for number in range(1, INSTANCES + 1, 9):
        id = f"t-{number}"
        row = connection.execute(
            """select enabled_events('tally', %s), simulate_event('tally', %s, '{"type": "add"}'),
              get_instance('tally', %s)""",
            (id, id, id),
        ).fetchone()
        assert row is not None
        assert row[0] == ["add"]


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def test_what_50_clients_are_told_is_what_happened(database: str) -> None:
    taken: list[str] = []
    refused: list[str] = []
    with psycopg.connect(database, autocommit=True) as connection:
        set_up(connection, INSTANCES)
        clients = [
            threading.Thread(target=send, args=(database, client, taken, refused))
            for client in range(CLIENTS)
        ]
        with meanwhile(database, work), meanwhile(database, look):
            for client in clients:
                client.start()
            moved = [
                one
                for step in ((1, 2), (2, 1))
                for batch in migration.batches(connection, "tally", step, Choice(), 5)
                for one in batch
            ]
            for client in clients:
                client.join()
        assert refused == []
        assert len(taken) == CLIENTS * EVENTS
        assert Counter(one.reason for one in moved) == {None: 2 * INSTANCES}
        ledger = Counter(taken)
        assert dict(rows(connection, "select id, n from pawl_tally.instance where n > 0")) == ledger
        journalled = (
            "select i.id, count(*)::int from pawl.journal as j"
            " join pawl_tally.instance as i using (iid) where j.event ->> 'type' = 'add' group by 1"
        )
        assert dict(rows(connection, journalled)) == ledger
        told = "select id, (input ->> 'n')::int from pawl.outbox order by 1, 2"
        assert rows(connection, told) == sorted(
            (id, n) for id, count in ledger.items() for n in range(1, count + 1)
        )
        migrated = "select count(*) from pawl.journal where event ->> 'type' = 'pawl.migrate'"
        assert rows(connection, migrated) == [(2 * INSTANCES,)]


def test_timers_that_go_on_under_another_name_fire_once(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        set_up(connection, 40)
        with meanwhile(database, work):
            for _ in migration.batches(connection, "tally", (1, 2), Choice(), 5):
                pass
        ticks = "select sum(ticks)::int from pawl_tally.instance"
        fired = "select count(*)::int from pawl.journal where source like 'after.%'"
        assert rows(connection, ticks) == rows(connection, fired)
        live = (
            "select count(*), count(distinct t.iid) from pawl.timer as t"
            " join pawl_tally.instance as i on i.iid = t.iid"
            " where (i.timers ->> t.name)::bigint = t.seq"
        )
        assert rows(connection, live) == [(40, 40)]


@pytest.mark.parametrize("to", [2, 1])
def test_a_migration_that_is_killed_is_taken_up_where_it_was(database: str, to: int) -> None:
    way = ["--to", "2"] if to == 2 else ["--to", "1", "--back"]
    command = [*PAWL, "migrate", "tally", *way, "--dsn", database, "--json"]
    counts = "select version, count(*)::int from pawl_tally.instance group by 1"
    with psycopg.connect(database, autocommit=True) as connection:
        set_up(connection, 400)
        if to == 1:
            for _ in migration.batches(connection, "tally", (1, 2), Choice()):
                pass
        slow = [*command, "--rate", "1"]  # whatever a batch is, the next one comes much later
        killed = subprocess.Popen(slow, stdout=subprocess.DEVNULL)
        while dict(rows(connection, counts)).get(to, 0) == 0:
            assert killed.poll() is None
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        before = dict(rows(connection, counts))
        assert before[3 - to] > 0
        done = subprocess.run(command, capture_output=True, check=True)
        assert sum(row["instances"] for row in json.loads(done.stdout)) == before[3 - to]
        assert dict(rows(connection, counts)) == {to: 400}
        each = (
            "select count(*)::int, count(distinct iid)::int from pawl.journal"
            f" where event ->> 'type' = 'pawl.migrate' and version = {to}"
        )
        assert rows(connection, each) == [(400, 400)]


def test_many_timers_are_renamed_by_an_index_that_is_gone_afterwards(database: str) -> None:
    there = "select to_regclass('pawl.timer_instance') is not null"
    with psycopg.connect(database, autocommit=True) as connection:
        set_up(connection, 30)
        with timer_index(connection, "tally", [(1, 2)], few=10) as helped:
            assert helped
            assert rows(connection, there) == [(True,)]
            migration_ended = list(migration.batches(connection, "tally", (1, 2), Choice()))
            assert len(migration_ended) == 1
        assert rows(connection, there) == [(False,)]
        assert rows(connection, "select current_setting('role')") == [("none",)]
        with timer_index(connection, "tally", [(1, 2)]):  # few timers: not worth it
            assert rows(connection, there) == [(False,)]


def test_a_broken_index_of_a_killed_migration_is_made_anew(database: str) -> None:
    valid = "select indisvalid from pg_index where indexrelid = 'pawl.timer_instance'::regclass"
    with psycopg.connect(database, autocommit=True) as connection:
        set_up(connection, 30)
        connection.execute("create index timer_instance on pawl.timer (iid)")
        connection.execute("alter index pawl.timer_instance owner to pawl_owner")
        connection.execute(
            "update pg_index set indisvalid = false"
            " where indexrelid = 'pawl.timer_instance'::regclass"
        )
        with timer_index(connection, "tally", [(1, 2)], few=10):
            assert rows(connection, valid) == [(True,)]
