"""What holds on every walk through a machine, whatever was sent: properties, by hypothesis.

Random charts against the reference interpreter are `tests/semantics`'; here the walks go through
the order of the example and a desk with more of everything, by the public API. The clock stands
still unless a step moves it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pawlc.model.machine import Kind, Machine, State
from tests.database.calls import call_on
from tests.database.order import contents, deploy_order, deploy_text
from tests.database.walks import (
    DESK,
    INPUT,
    KITCHEN,
    MACHINES,
    START,
    TYPES,
    WALKS,
    Step,
    Walk,
    events,
)

_ids = itertools.count()
modestly = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("select pawl.set_clock(%s)", (START,))
        deploy_order(connection)
        deploy_text(connection, DESK)
        deploy_text(connection, KITCHEN)
        yield connection


@pytest.fixture(scope="module")
def walking(connection: psycopg.Connection) -> Callable[[str], Walk]:
    """Begin an instance; what the one before left is erased, so that only one is under way."""
    call = call_on(connection)

    def begin(machine: str) -> Walk:
        for name in MACHINES:
            call(f"select count(erase_instance('{name}', id)) from pawl_{name}.instance")
        id = f"i-{next(_ids)}"
        call("select create_instance(%s, %s, %s)", machine, id, json.dumps(INPUT[machine]))
        walk = Walk(call, connection, machine, id)
        walk.note()
        return walk

    return begin


# --- the configuration -------------------------------------------------------------------------


def active(machine: Machine, leaves: list[str]) -> list[State]:
    """The root, the leaves' ancestors and the leaves, in document order."""
    return [
        state
        for state in machine.states
        if state.parent is None or any(f"{leaf}.".startswith(f"{state.path}.") for leaf in leaves)
    ]


def assert_legal_configuration(machine: Machine, leaves: list[str]) -> None:
    """As W3C SCXML 3.11 has it: one child of each compound state, all of each parallel one."""
    states = active(machine, leaves)
    for state in states:
        children = [
            s for s in machine.states if s.parent == state.index and s.kind is not Kind.HISTORY
        ]
        inside = [child for child in children if child in states]
        match state.kind:
            case Kind.COMPOUND:
                assert len(inside) == 1, (state.path, leaves)
            case Kind.PARALLEL:
                assert inside == children, (state.path, leaves)
            case _:
                assert state.path in leaves
    ends = [s.path for s in states if s.kind in (Kind.ATOMIC, Kind.FINAL)]
    assert leaves == ends, "all leaves, once each, in document order"


def assert_legal(walk: Walk) -> None:
    """A legal configuration; status, timers and invokes as it has them."""
    machine, row = MACHINES[walk.machine], walk.row
    assert_legal_configuration(machine, row["state"])
    states = active(machine, row["state"])
    ended = len(states) == 2 and states[1].kind is Kind.FINAL
    assert row["status"] == ("done" if ended else "running")
    assert (row["output"] is not None) == (ended and machine.output is not None)
    timers = {timer.name for state in states for timer in state.timers}
    invokes = {invoke.id for state in states for invoke in state.invokes}
    waiting = {name for name in row["timers"] if name.startswith("after.")}
    assert waiting <= (set() if ended else timers)
    assert not (ended and row["timers"])
    assert set(row["invokes"]) <= (set() if ended else invokes)
    missing = walk.call(
        "select count(*) from jsonb_each_text(%s::jsonb) as live where not exists ("
        " select from pawl.timer as t where t.name = live.key and t.seq = live.value::bigint)",
        json.dumps(row["timers"]),
    )
    assert missing == 0, "a live timer without a row would never fire"
    asked = walk.call(
        "select count(*) from jsonb_each_text(%s::jsonb) as live where not exists ("
        " select from pawl.outbox as o where o.invoke_id = live.key"
        " and o.seq = live.value::bigint)",
        json.dumps(row["invokes"]),
    )
    assert asked == 0, "a live invoke without an effect would never be answered"


@pytest.mark.smoke
@modestly
@given(walk=WALKS)
def test_the_configuration_is_always_legal(
    walking: Callable[[str], Walk], walk: tuple[str, list[Step]]
) -> None:
    machine, taken = walk
    here = walking(machine)
    assert_legal(here)
    for step in taken:
        here.take(step)
        assert_legal(here)


# --- the journal -------------------------------------------------------------------------------


def replayed(walk: Walk) -> dict[str, Any]:
    """The row that the journal's events lead to, by the pure reducer of version 1."""
    schema = f"pawl_{walk.machine}"
    defaults = {"desk": {"n": 0}, "order": {"asked": []}, "kitchen": {"heat": 0}}[walk.machine]
    row: dict[str, Any] = {
        **{"id": walk.id, "version": 1, "status": "running", "seq": 0, "created_at": START},
        **{"timers": {}, "invokes": {}, "history": {}, "created_at": walk.times[1]},
        **INPUT[walk.machine],
        **defaults,
    }
    journal = (
        "select array_agg(to_jsonb(j) order by j.seq) from pawl.journal as j"
        f" join {schema}.instance as i using (iid) where j.machine = %s and i.id = %s"
    )
    for entry in walk.call(journal, walk.machine, walk.id):
        first = entry["seq"] == 1
        event = None if first else json.dumps(entry["event"])
        row = walk.call(
            f"select to_jsonb(r.p_instance) from {schema}.v1_reduce("
            f" jsonb_populate_record(null::{schema}.instance, %s), %s, %s, %s, null) as r",
            *(json.dumps(row), event, entry["source"], walk.times[entry["seq"]]),
        )
        assert row["state"] == entry["state"]
        assert row["seq"] == entry["seq"]
    return row


@modestly
@given(walk=WALKS)
def test_replaying_the_journal_gives_the_same_row(
    walking: Callable[[str], Walk], walk: tuple[str, list[Step]]
) -> None:
    machine, taken = walk
    here = walking(machine)
    for step in taken:
        here.take(step)
    again = replayed(here)
    assert {k: v for k, v in again.items() if k != "iid"} == here.row


# --- events ------------------------------------------------------------------------------------


@modestly
@given(walk=WALKS, data=st.data())
def test_the_same_event_id_twice_changes_nothing(
    walking: Callable[[str], Walk], walk: tuple[str, list[Step]], data: st.DataObject
) -> None:
    machine, taken = walk
    here = walking(machine)
    for step in taken:
        here.take(step)
    event = data.draw(events(machine))
    first = here.send(event, "send_event", "k")
    before = contents(here.connection)
    assert here.send(event, "send_event", "k") == first
    assert contents(here.connection) == before
    here.take({"seconds": 400})
    if isinstance(first, dict):
        assert here.send(event, "send_event", "k") == first


def commands(walk: Walk, seq: int) -> dict[str, Any]:
    """What a macrostep wrote besides the row, in the shape in which simulate_event tells it."""
    return {
        "effects": walk.call(
            "select coalesce(jsonb_agg(jsonb_build_object("
            "'effect', effect, 'invoke_id', invoke_id, 'input', input) order by effect_id), '[]')"
            " from pawl.outbox where id = %s and seq = %s",
            walk.id,
            seq,
        ),
        "timers": walk.call(
            "select coalesce(jsonb_agg(jsonb_build_object("
            "'name', name, 'due_at', due_at, 'event', event) order by timer_id), '[]')"
            " from pawl.timer where seq = %s",
            seq,
        ),
        "log": walk.call(
            "select coalesce(to_jsonb(log), '[]') from history(%s, %s) where seq = %s",
            *(walk.machine, walk.id, seq),
        ),
        "messages": [],  # the charts of the walks send none
    }


@modestly
@given(walk=WALKS, data=st.data())
def test_simulate_event_says_what_send_event_does_and_writes_nothing(
    walking: Callable[[str], Walk], walk: tuple[str, list[Step]], data: st.DataObject
) -> None:
    machine, taken = walk
    here = walking(machine)
    for step in taken:
        here.take(step)
    event = data.draw(events(machine))
    before = contents(here.connection)
    simulated = here.send(event, "simulate_event")
    assert contents(here.connection) == before
    sent = here.send(event)
    if isinstance(sent, dict):
        sent |= commands(here, sent["seq"])
    else:
        assert contents(here.connection) == before
    assert simulated == sent


@modestly
@given(walk=WALKS)
def test_enabled_events_are_those_that_are_then_taken(
    walking: Callable[[str], Walk], walk: tuple[str, list[Step]]
) -> None:
    machine, taken = walk
    bare = [event.name for event in MACHINES[machine].events if not event.fields]
    here = walking(machine)
    for step in [{"seconds": 0}, *taken]:
        here.take(step)
        enabled = here.call("select enabled_events(%s, %s)", machine, here.id)
        assert enabled == [name for name in TYPES[machine] if name in enabled], "in document order"
        for name in bare:
            answer = here.send({"type": name}, "simulate_event")
            assert (name in enabled) == isinstance(answer, dict), (name, enabled, answer)
