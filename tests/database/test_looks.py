"""Where a look for what is due begins, when looks are dear; see pawl.note_look."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

TICKING = """\
machine: ticking
version: 1
events: {}
authorize: {}
initial: on
states:
  on: {}
"""
NOTE = "select pawl.note_look('timers', clock_timestamp() - %s::interval, %s)"
FIRST = "2030-01-01 00:00:00+00"


@pytest.fixture
def looking(connection: psycopg.Connection) -> psycopg.Connection:
    deploy(connection, compile_machine(TICKING, "ticking.machine.yaml"))
    connection.execute("select create_instance('ticking', 't-1')")
    connection.execute("select pawl.set_clock('2030-01-01 01:00+00')")
    for due in ("2029-12-31 23:59+00", "2030-01-01 00:01+00"):
        connection.execute(
            "insert into pawl.timer (machine, iid, name, seq, due_at)"
            " select 'ticking', iid, 'void', 0, %s from pawl_ticking.instance",
            (due,),
        )
    return connection


def one(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_look_begins_at_the_first_of_all(looking: psycopg.Connection) -> None:
    looking.execute(NOTE, ("0 s", FIRST))
    assert one(looking, "select pawl.look_from('timers')::text") == "-infinity"
    assert one(looking, "select pawl.fire_due_timers()") == 2


def test_one_look_that_took_long_may_be_chance(looking: psycopg.Connection) -> None:
    looking.execute(NOTE, ("1 hour", FIRST))
    assert one(looking, "select pawl.look_from('timers')::text") == "-infinity"


def test_when_looks_take_long_the_next_begin_at_what_was_found(
    looking: psycopg.Connection,
) -> None:
    for _ in range(2):
        looking.execute(NOTE, ("1 hour", FIRST))
    assert one(looking, f"select pawl.look_from('timers') = '{FIRST}'") is True
    assert one(looking, "select pawl.look_from('messages')::text") == "-infinity"
    assert one(looking, "select pawl.fire_due_timers()") == 1
    assert one(looking, "select count(*) from pawl.timer") == 1


def test_what_lies_before_is_found_when_that_time_is_over(looking: psycopg.Connection) -> None:
    for took in ("1 hour", "1 hour", "-1 hour"):
        looking.execute(NOTE, (took, FIRST))
    assert one(looking, "select pawl.look_from('timers')::text") == "-infinity"
    assert one(looking, "select pawl.fire_due_timers()") == 2
