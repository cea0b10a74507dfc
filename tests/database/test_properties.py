"""What holds on every walk through a machine, whatever was sent: properties, by hypothesis.

Random charts against the reference interpreter are `tests/semantics`'; here the walks go through
the order of the example and a desk with more of everything, by the public API. The clock stands
still unless a step moves it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pawl.errors import PawlError
from pawlc.compile import compile_machine
from pawlc.model.machine import Kind, Machine, State
from tests.database.calls import Call, call_on
from tests.database.order import (
    COURIER,
    CUSTOMER,
    EXAMPLE,
    RESTAURANT,
    contents,
    deploy_order,
    deploy_text,
)

DESK = """\
machine: desk
version: 1
context:
  n: int not null default 0 check (n < 50)
  at: timestamptz
  word: text
events:
  up: { by: int not null check (by < 20) }
  down: {}
  swap: {}
  toggle: {}
  close: {}
effects: { ring: { returns: { code: int not null } }, tell: {} }
authorize: { create: true, read: true, send: { "*": true } }
output: { n: context.n }
initial: idle
states:
  idle:
    on:
      up:
        - { guard: event.by > 5, target: busy.fast, assign: { n: context.n + event.by } }
        - { guard: event.by > 0, target: busy, assign: { n: context.n + event.by } }
      toggle: { guard: context.n > 4, target: busy, actions: [ { raise: swap } ] }
      close: over
  busy:
    initial: slow
    entry: [ { log: context.n } ]
    exit: [ { assign: { at: now } } ]
    on: { down: idle, up: { assign: { n: context.n + event.by } } }
    after: { 10 seconds: { target: idle, assign: { n: 0 } } }
    onDone: resting
    states:
      slow:
        always: { guard: context.n > 20, target: fast }
        on: { swap: fast, toggle: ended }
      fast:
        entry: [ { effect: tell, input: { n: context.n, at: now } } ]
        invoke:
          src: ring
          onDone: { target: slow, assign: { n: event.output.code } }
          onError: { target: ended, assign: { word: event.error.code } }
        on: { swap: { target: fast, reenter: true } }
        after: { 5 seconds: ended }
      ended: { type: final }
  resting:
    always: { guard: context.n = 0, target: idle }
    on: { toggle: { target: idle, assign: { word: self.id } } }
  over: { type: final }
"""

START = "2026-01-01 00:00:00+00"
TYPES = {
    "desk": ("up", "down", "swap", "toggle", "close"),
    "order": ("accept", "reject", "courier.accept", "courier.decline", "complete"),
}
INPUT = {
    "desk": {},
    "order": {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 9.5},
}
MACHINES = {
    "desk": compile_machine(DESK, "desk.machine.yaml").machine,
    "order": compile_machine(EXAMPLE.read_text("utf-8"), EXAMPLE.name).machine,
}

_ids = itertools.count()


@dataclass(slots=True)
class Walk:
    """An instance under way; `times` has the machine's time of each macrostep, by seq."""

    call: Call
    connection: psycopg.Connection
    machine: str
    id: str
    times: dict[int, str] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, Any]:
        query = f"select to_jsonb(i) - 'iid' from pawl_{self.machine}.instance as i where i.id = %s"
        return self.call(query, self.id)

    def send(self, event: dict[str, object], function: str = "send_event", *more: object) -> Any:
        """Send or simulate; a refusal is told by its code."""
        marks = ", %s" * len(more)
        query = f"select {function}(%s, %s, %s{marks})"
        try:
            return self.call(query, self.machine, self.id, json.dumps(event), *more)
        except PawlError as error:
            return error.code

    def take(self, step: Step) -> None:
        """Send an event, let seconds pass, or answer the oldest effect."""
        match step:
            case {"type": _}:
                self.send(step)
            case {"seconds": seconds}:
                self.call("select pawl.advance_clock(%s * interval '1 second')", seconds)
                while self.call("select pawl.fire_due_timers(100)"):
                    pass
            case {"answer": answer}:
                self.call(
                    "select count(case when %s::jsonb ? 'error'"
                    " then pawl.fail_effect(effect_id, token, %s::jsonb -> 'error', false)::text"
                    " else pawl.complete_effect(effect_id, token, %s::jsonb) end)"
                    " from pawl.claim_effects('w', null, 1, '1 hour')",
                    *[json.dumps(answer)] * 3,
                )
        self._note()

    def _note(self) -> None:
        now = self.call("select pawl.now()::text")
        for seq in range(len(self.times) + 1, self.row["seq"] + 1):
            self.times[seq] = now


Step = dict[str, Any]


def events(machine: str) -> st.SearchStrategy[Step]:
    """Events of a machine: mostly good, some with a payload that is not; seldom the last one."""

    def made(type: str, number: int) -> Step:
        match type:
            case "up":
                return {"type": type, "by": number}
            case "accept":
                return {"type": type, "prep_minutes": number}
            case "reject":
                return {"type": type, "reason": str(number)}
            case _:
                return {"type": type}

    often = [name for name in TYPES[machine] if name not in ("close", "reject")]
    return st.builds(made, st.sampled_from([*often * 3, *TYPES[machine]]), st.integers(-1, 21))


GOOD: Step = {"answer": {"code": 3, "courier_id": COURIER}}
ROUTES: dict[str, list[Step]] = {
    "order": [
        {"answer": {}},
        {"type": "accept", "prep_minutes": 5},
        {"seconds": 300},
        GOOD,
        {"answer": {}},
        {"type": "courier.accept"},
    ],
    "desk": [
        {"type": "up", "by": 4},
        {"type": "up", "by": 18},
        {"answer": {}},
        GOOD,
        {"type": "swap"},
        {"answer": {"error": {"code": "no"}}},
        {"type": "toggle"},
    ],
}
"""How an instance goes through its states when all goes well; a walk leaves it at any point."""


def steps(machine: str) -> st.SearchStrategy[list[Step]]:
    """A walk: events, waiting, answers to effects."""
    wait = st.builds(lambda s: {"seconds": s}, st.sampled_from([1, 5, 11, 130, 400]))
    answer = st.sampled_from([GOOD, GOOD, {"answer": {"error": {"code": "no"}}}])
    free = st.lists(st.one_of(events(machine), events(machine), wait, answer), min_size=2)
    begun = st.integers(0, len(ROUTES[machine])).map(lambda n: ROUTES[machine][:n])
    return st.builds(lambda first, rest: [*first, *rest[:10]], begun, free)


WALKS = st.sampled_from(["desk", "order"]).flatmap(
    lambda machine: st.tuples(st.just(machine), steps(machine))
)
modestly = settings(
    max_examples=30,
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
        walk._note()
        return walk

    return begin


# --- the configuration -------------------------------------------------------------------------


def active(machine: Machine, leaf: str) -> list[State]:
    """The root, the leaf's ancestors and the leaf."""
    return [s for s in machine.states if s.parent is None or f"{leaf}.".startswith(f"{s.path}.")]


def assert_legal(walk: Walk) -> None:
    """One leaf of the chart; status, timers and invokes as it has them."""
    machine, row = MACHINES[walk.machine], walk.row
    (leaf,) = row["state"]
    states = active(machine, leaf)
    below = [s for s in machine.states if s.path == leaf]
    assert len(below) == 1
    assert below[0].kind in (Kind.ATOMIC, Kind.FINAL)
    ended = below[0].kind is Kind.FINAL and len(states) == 2
    assert row["status"] == ("done" if ended else "running")
    assert (row["output"] is not None) == (ended and machine.output is not None)
    timers = {timer.name for state in states for timer in state.timers}
    invokes = {invoke.id for state in states for invoke in state.invokes}
    assert set(row["timers"]) <= (set() if ended else timers)
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


def source_of(type: str) -> str | None:
    """The timer or invoke that an event comes from, by the event's name."""
    for prefix in ("done.invoke.", "error.invoke."):
        if type.startswith(prefix):
            return type.removeprefix(prefix)
    return type if type.startswith("after.") else None


def replayed(walk: Walk) -> dict[str, Any]:
    """The row that the journal's events lead to, by the pure reducer of version 1."""
    schema = f"pawl_{walk.machine}"
    defaults = {"desk": {"n": 0}, "order": {"asked": []}}[walk.machine]
    row: dict[str, Any] = {
        **{"id": walk.id, "version": 1, "status": "running", "seq": 0, "created_at": START},
        **{"timers": {}, "invokes": {}, "history": {}, "created_at": walk.times[1]},
        **INPUT[walk.machine],
        **defaults,
    }
    journal = "select array_agg(to_jsonb(h) order by h.seq) from history(%s, %s) as h"
    for entry in walk.call(journal, walk.machine, walk.id):
        first = entry["seq"] == 1
        event = None if first else json.dumps(entry["event"])
        source = None if first else source_of(entry["event"]["type"])
        row = walk.call(
            f"select to_jsonb(r.p_instance) from {schema}.v1_reduce("
            f" jsonb_populate_record(null::{schema}.instance, %s), %s, %s, %s, null) as r",
            *(json.dumps(row), event, source, walk.times[entry["seq"]]),
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
            "select coalesce(jsonb_agg(jsonb_build_object('name', name, 'due_at', due_at)"
            " order by timer_id), '[]') from pawl.timer where seq = %s",
            seq,
        ),
        "log": walk.call(
            "select coalesce(to_jsonb(log), '[]') from history(%s, %s) where seq = %s",
            *(walk.machine, walk.id, seq),
        ),
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
