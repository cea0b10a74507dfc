"""Expressions that raise: the SQLSTATE is kept, DETAIL names the definition's line and transition.

Every place of a definition that holds an expression fails once here, by a division by zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from pawl.errors import ExpressionFailed, GuardRefused, MalformedPayload, Refused
from tests.database.calls import Call, call_on, refuses
from tests.database.order import (
    Cast,
    Refusal,
    admit,
    client,
    deploy_text,
    refusal_in,
    send,
    unchanged,
)

ZERO = """\
machine: zero
version: 1
context:
  n: int not null default 0
  checked: int check (10 / (checked - 5) > 0)
input: [n]
events:
  second: {}
  unpack: {}
  twice: {}
  enter: {}
  leave: {}
  walk: {}
  sink: {}
  settle: {}
  wait: {}
  perform: {}
  invoke: {}
  emit: {}
  note: {}
  check: { to: int not null }
  pay: { amount: int not null check (10 / amount > 1) }
  guarded: { by: int not null }
  raise: {}
  named: {}
  deep: {}
  finish: {}
  denied: {}
  asked: { by: int not null }
effects: { work: {} }
authorize:
  create: 1 / (context.n - 1) <> 0
  read: "true"
  send:
    denied: 1 / context.n > 0
    asked: 1 / event.by > 0
    "*": "true"
guards:
  narrow: { params: [most], guard: 1 / context.n > params.most }
delays:
  later: 1 / context.n * interval '1 minute'
output:
  result: 1 / context.n
initial: event
states:
  event:
    on:
      second:
        - { guard: context.n = 2, target: end }
        - guard: 1 / context.n > 0
          target: end
      unpack:
        - { guard: context.n = 2, target: end }
        - target: end
          actions:
            - assign: { n: context.n }
            - assign: { n: 1 / context.n }
      twice: { assign: { n: 1 / context.n } }
      enter: entering
      walk: leaving
      sink: outer.inner
      settle: settling
      wait: waiting
      perform: performing
      invoke: invoking
      emit: { actions: [ { effect: work, input: { a: 1, b: 1 / context.n } } ] }
      note: { actions: [ { log: 1 / context.n } ] }
      check: { assign: { checked: event.to } }
      pay: { assign: { n: event.amount } }
      guarded: { guard: 1 / event.by > 0 }
      raise: { actions: [ { raise: named } ] }
      named: { guard: { type: narrow, params: { most: 3 } } }
      finish: end
      denied: leaving
      asked: leaving
  entering:
    entry: [ { assign: { n: 1 / context.n } } ]
  leaving:
    exit: [ { assign: { n: 1 / context.n } } ]
    on: { leave: event }
  settling:
    always:
      - { guard: context.n = 2, target: event }
      - { guard: 1 / context.n > 0, target: event }
  waiting:
    after: { later: event }
  performing:
    entry: [ { effect: work, input: { a: 1 / context.n } } ]
  invoking:
    invoke: { src: work, input: { a: 1 / context.n }, onDone: event }
  outer:
    initial: inner
    on:
      deep: { guard: 1 / context.n > 0, target: event }
    states:
      inner: {}
  end: { type: final }
"""


def line(text: str) -> str:
    """Where a piece of the definition is, as DETAIL says it."""
    found = [n for n, written in enumerate(ZERO.splitlines(), 1) if text in written]
    assert len(found) == 1, (text, found)
    return f"zero.machine.yaml:{found[0]}"


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        deploy_text(connection, ZERO)
        admit(connection, cast)
        call = call_on(connection)
        for id in ("z", "leaving", "deep"):
            call("select create_instance('zero', %s)", id)
        send(call, "zero", "leaving", "walk")
        send(call, "zero", "deep", "sink")
    return module_database


@pytest.fixture(scope="module")
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


@pytest.fixture
def refused(admin: psycopg.Connection) -> Refusal:
    return refusal_in(admin)


CASES = {
    "second": ("z", {}, "- guard: 1 /", "event --second [1 / context.n > 0]--> end"),
    "unpack": ("z", {}, "- target: end", "event --unpack--> end"),
    "twice": ("z", {}, "twice: { assign", "event --twice--> (stays)"),
    "enter": ("z", {}, "enter: entering", "event --enter--> entering"),
    "settle": ("z", {}, "- { guard: 1 /", "settling --always [1 / context.n > 0]--> event"),
    "wait": ("z", {}, "wait: waiting", "event --wait--> waiting"),
    "perform": ("z", {}, "perform: performing", "event --perform--> performing"),
    "invoke": ("z", {}, "invoke: invoking", "event --invoke--> invoking"),
    "emit": ("z", {}, "emit: { actions", "event --emit--> (stays)"),
    "note": ("z", {}, "note: { actions", "event --note--> (stays)"),
    "guarded": (
        "z",
        {"by": 0},
        "guarded: { guard",
        "event --guarded [1 / event.by > 0]--> (stays)",
    ),
    "named": ("z", {}, "named: { guard", "event --named [narrow]--> (stays)"),
    "raise": ("z", {}, "named: { guard", "event --named [narrow]--> (stays)"),
    "finish": ("z", {}, "finish: end", "event --finish--> end"),
    "check": ("z", {"to": 5}, "checked: int", "context checked"),
    "leave": ("leaving", {}, "leave: event", "leaving --leave--> event"),
    "deep": ("deep", {}, "deep: { guard", "outer --deep [1 / context.n > 0]--> event"),
}
"""The event that fails -> the instance, its payload, the line and the label that are told."""


@pytest.mark.smoke
@pytest.mark.parametrize("event", CASES)
@pytest.mark.parametrize("function", ["send_event", "simulate_event"])
def test_an_expression_that_raises_is_told_by_its_line(
    call: Call, refused: Refusal, function: str, event: str
) -> None:
    id, payload, where, label = CASES[event]
    with refused("expression_failed", ExpressionFailed) as caught:
        sent = json.dumps({"type": event, **payload})
        call(f"select {function}('zero', %s, %s)", id, sent)
    error = caught.value
    assert (error.sqlstate, error.message) == ("22012", "division by zero")
    assert error.detail["source"] == line(where)
    assert error.hint == f"The definition says why, at {line(where)}."
    assert (error.detail["machine"], error.detail["id"]) == ("zero", id)
    assert error.detail["transition"] == label


def test_a_check_of_the_payload_that_raises_is_the_payloads_fault(
    call: Call, refused: Refusal
) -> None:
    with refused("malformed_payload", MalformedPayload) as caught:
        send(call, "zero", "z", "pay", {"amount": 0})
    assert caught.value.detail["source"] == line("pay: { amount")
    assert caught.value.detail["field"] == "amount"


def test_a_creation_that_raises_is_told_by_its_line(
    admin: psycopg.Connection, call: Call, dsn: str, cast: Cast
) -> None:
    with client(dsn, cast, sub="ann") as ann, unchanged(admin):
        with refuses("expression_failed", ExpressionFailed) as caught:
            ann("select create_instance('zero', 'c', '{\"n\": 1}')")
        assert caught.value.detail["source"] == line("create: 1")
        assert caught.value.detail["transition"] == "authorize create"
        assert caught.value.sqlstate == "22012"


@pytest.mark.parametrize(
    ("event", "payload", "where"),
    [("denied", {}, "denied: 1 /"), ("asked", {"by": 0}, "asked: 1 /")],
)
def test_an_authorizer_that_raises_is_told_by_its_line(
    admin: psycopg.Connection,
    dsn: str,
    cast: Cast,
    event: str,
    payload: dict[str, int],
    where: str,
) -> None:
    with client(dsn, cast, sub="ann") as ann, unchanged(admin):
        with refuses("expression_failed", ExpressionFailed) as caught:
            send(ann, "zero", "z", event, payload)
        assert caught.value.sqlstate == "22012"
        assert caught.value.detail["source"] == line(where)
        assert caught.value.detail["transition"] == f"authorize send {event}"


def test_an_event_whose_authorizer_raises_is_not_enabled_and_a_raising_guard_is(
    call: Call, dsn: str, cast: Cast
) -> None:
    assert {"denied", "second", "named"} <= set(call("select enabled_events('zero', 'z')"))
    with client(dsn, cast, sub="ann") as ann:
        enabled = ann("select enabled_events('zero', 'z')")
    assert {"second", "named"} <= set(enabled)
    assert "denied" not in enabled


LATE = """\
machine: late
version: 1
context: { n: int not null default 0 }
initial: a
states:
  a: { after: { 1 minute: { target: b, assign: { n: 1 / context.n } } } }
  b: {}
"""


def test_a_timer_whose_transition_raises_keeps_why(admin: psycopg.Connection, call: Call) -> None:
    deploy_text(admin, LATE)
    call("select create_instance('late', 'l')")
    call("select pawl.advance_clock('2 minutes')")
    assert call("select pawl.fire_due_timers(1)") == 1
    assert call("select last_error from pawl.timer where machine = 'late'") == "division by zero"
    for _ in range(9):
        call("select pawl.advance_clock('1 day')")
        call("select pawl.fire_due_timers(1)")
    error = call("select error from pawl.dead_letter where machine = 'late'")
    assert json.loads(error["detail"])["source"] == "late.machine.yaml:6"
    assert call("select get_instance('late', 'l')")["seq"] == 1
    call("select pawl.reset_clock()")


ENDLESS = """\
machine: endless
version: 1
context: { n: int }
events: { go: {} }
authorize: { create: true, read: true, send: { "*": true } }
initial: rest
states:
  rest: { on: { go: { target: ping, guard: context.n is null } } }
  ping: { always: { target: pong, guard: context.n is null } }
  pong: { always: { target: ping, guard: context.n is null } }
"""


def test_a_chart_that_never_comes_to_rest_is_cut(
    admin: psycopg.Connection, call: Call, refused: Refusal
) -> None:
    deploy_text(admin, ENDLESS)
    call("select create_instance('endless', 'e')")
    with refused("endless_loop", Refused) as caught:
        send(call, "endless", "e", "go")
    assert "ping" in caught.value.message


def test_a_guard_that_is_null_is_not_true(
    admin: psycopg.Connection, call: Call, refused: Refusal
) -> None:
    nulls = ENDLESS.replace("endless", "nulls").replace("n is null", "n > 0")
    deploy_text(admin, nulls)
    call("select create_instance('nulls', 'n')")
    with refused("guard_refused", GuardRefused):
        send(call, "nulls", "n", "go")
