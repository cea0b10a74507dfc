"""Transactions that lock each other in a circle: Postgres undoes one, and it comes again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pawl.client import Client
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine
from tests.reliability.conftest import Place
from tests.reliability.ledger import wait_for_row

KNOT = """\
machine: knot
version: 1
context: { first: text, second: text, pulls: int not null default 0 }
input: [first, second]
events: { pull: {}, ask: {}, later: {}, tell: { to: text not null } }
authorize: { create: true, read: true, send: { "*": true } }
effects: { work: { retry: { attempts: 1 } } }
guards: { gate: outside.passes_the_gate(self.id) }
actions:
  pulled: { assign: { pulls: context.pulls + 1 } }
  pull_first: { send: { event: pull, to: { machine: knot, id: context.first }, atomic: true } }
  pull_second: { send: { event: pull, to: { machine: knot, id: context.second }, atomic: true } }
initial: idle
states:
  idle:
    on:
      pull:
        - guard: context.second is not null
          actions: [pulled, pull_first, pull_second]
        - guard: context.first is not null and guards.gate
          actions: [pulled, pull_first]
        - actions: pulled
      ask: asking
      later: { actions: { raise: { event: pull, delay: 10 ms } } }
      tell: { actions: { send: { event: pull, to: { machine: knot, id: event.to } } } }
  asking:
    on: { pull: { actions: [pulled, pull_first] } }
    invoke:
      src: work
      input: { job: self.id }
      onDone: { target: idle, guard: guards.gate, actions: [pulled, pull_first] }
"""
"""`a` pulls `b` and `d`, `b` pulls `c`, `c` pulls `d`. Who pulls `a` comes to hold `a`, `b` and
`d`, and wants `c`; who pulls `c` holds that and wants `d`. At the gate `c` waits for the other."""

GATE = 78  # an advisory lock


@pytest.fixture
def knot(place: Place) -> Place:
    place.connection.execute(
        f"""
        create function outside.passes_the_gate(p_id text) returns boolean
        language plpgsql stable as $$
        begin
          if p_id = 'c' then
            perform pg_advisory_xact_lock_shared({GATE});
          end if;
          return true;
        end
        $$;
        grant execute on function outside.passes_the_gate to pawl_owner
        """
    )
    deploy(place.connection, compile_machine(KNOT, "knot.machine.yaml"))
    name = sql.Identifier(place.connection.info.dbname)
    looks = sql.SQL("alter database {} set deadlock_timeout = '50ms'")
    place.connection.execute(looks.format(name))
    place.connection.execute("select pg_advisory_lock(%s)", (GATE,))
    with Client(place.connection) as client:
        for id, *pulls in ("abd", "bc", "cd", "d", "x"):
            client.create("knot", id, dict(zip(("first", "second"), pulls, strict=False)))
    return place


def meet(place: Place) -> None:
    """Pull `a` while somebody who holds `c` waits at the gate; then open it: there is a deadlock.

    Who finds it is undone, and who pulls `a` does not look: it is always the one that held `c`.
    """
    waiting(place, "wait_event = 'advisory'")
    with ThreadPoolExecutor(1) as threads:
        blind = make_conninfo(place.dsn, options="-c deadlock_timeout=1h")
        first = threads.submit(pull, blind, "a")
        waiting(place, "wait_event in ('transactionid', 'tuple')")
        place.connection.execute("select pg_advisory_unlock(%s)", (GATE,))
        first.result()


def waiting(place: Place, what: str) -> None:
    """Wait until a session waits for this."""
    sessions = f"select from pg_stat_activity where datname = current_database() and {what}"
    wait_for_row(place.connection, f"select exists ({sessions})", (True,), f"nobody waits: {what}")


def pull(dsn: str, id: str) -> None:
    with Client(dsn) as client:
        client.send("knot", id, "pull", event_id=id)


def pulled(place: Place) -> None:
    """Wait for the end; then each pull must have been taken once, by whom it should."""
    query = "select jsonb_object_agg(id, pulls) from pawl_knot.instance"
    wait_for_row(place.connection, query, (EXPECTED,), "something is lost or done twice")
    place.balance()
    deadlocks = "select deadlocks > 0 from pg_stat_database where datname = current_database()"
    wait_for_row(place.connection, deadlocks, (True,), "there was no deadlock")


EXPECTED = {"a": 1, "b": 1, "c": 2, "d": 3, "x": 0}


def test_a_client_repeats_what_a_deadlock_undid(knot: Place) -> None:
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(pull, knot.dsn, "c")
        meet(knot)
        second.result()
    pulled(knot)


@pytest.mark.parametrize(
    ("id", "event"),
    [
        pytest.param("x", {"type": "tell", "to": "c"}, id="a message"),
        pytest.param("c", {"type": "later"}, id="a timer"),
        pytest.param("c", {"type": "ask"}, id="a result"),
    ],
)
def test_a_worker_repeats_what_a_deadlock_undid(
    knot: Place, id: str, event: dict[str, str]
) -> None:
    with Client(knot.dsn) as client:
        client.send("knot", id, event)
    with knot.worker():
        meet(knot)
        pulled(knot)
    assert set(knot.ledger.effects().values()) <= {1}, "a handler is not run again for it"
