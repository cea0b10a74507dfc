"""Walks through the order and two machines with more of everything, for properties.

A walk is a list of steps: events, waiting, answers to effects. `Walk` takes them by the public API.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import psycopg
from hypothesis import strategies as st

from pawl.errors import PawlError
from pawlc.compile import compile_machine
from tests.database.calls import Call
from tests.database.order import COURIER, CUSTOMER, EXAMPLE, RESTAURANT

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
  later: {}
  never: {}
  close: {}
effects: { ring: { returns: { code: int not null } }, tell: {} }
authorize: { create: true, read: true, send: { "*": true } }
output: { n: context.n }
on:
  later: { actions: [ { raise: { event: toggle, delay: 3 seconds, id: soon } } ] }
  never: { actions: [ { cancel: soon } ] }
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

KITCHEN = """\
machine: kitchen
version: 1
context:
  heat: int not null default 0
  served: timestamptz
events:
  hotter: { by: int not null check (by < 20) }
  next: {}
  swap: {}
  break: {}
  resume: {}
  shut: {}
effects: { clean: { returns: { code: int not null } } }
authorize: { create: true, read: true, send: { "*": true } }
initial: service
states:
  service:
    type: parallel
    on:
      break: pause
      hotter: { assign: { heat: context.heat + event.by } }
    onDone: { target: pause, assign: { served: now } }
    after: { 2 minutes: pause }
    states:
      stove:
        initial: cold
        states:
          cold: { on: { next: warm } }
          warm:
            always: { guard: context.heat > 20, target: burnt }
            after: { 10 seconds: { target: cold, assign: { heat: 0 } } }
            on: { next: burnt, swap: { target: cold, actions: [ { raise: resume } ] } }
          burnt: { type: final }
      hands:
        initial: free
        states:
          free: { on: { swap: washing } }
          washing:
            invoke: { src: clean, onDone: free, onError: ended }
            on: { next: { target: ended, guard: in_state('service.stove.burnt') } }
          ended: { type: final }
          before: { type: history }
      all: { type: history, history: deep }
  pause:
    on:
      resume: service.all
      next: service.hands.before
      shut: closed
  closed: { type: final }
"""

START = "2026-01-01 00:00:00+00"
TYPES = {
    "desk": ("up", "down", "swap", "toggle", "later", "never", "close"),
    "order": ("accept", "reject", "courier.accept", "courier.decline", "complete"),
    "kitchen": ("hotter", "next", "swap", "break", "resume", "shut"),
}
INPUT: dict[str, dict[str, object]] = {
    "desk": {},
    "kitchen": {},
    "order": {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 9.5},
}
MACHINES = {
    "desk": compile_machine(DESK, "desk.machine.yaml").machine,
    "kitchen": compile_machine(KITCHEN, "kitchen.machine.yaml").machine,
    "order": compile_machine(EXAMPLE.read_text("utf-8"), EXAMPLE.name).machine,
}


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
        self.note()

    def note(self) -> None:
        """Remember the machine's time of the macrosteps that are new."""
        now = self.call("select pawl.now()::text")
        for seq in range(len(self.times) + 1, self.row["seq"] + 1):
            self.times[seq] = now


Step = dict[str, Any]


def events(machine: str) -> st.SearchStrategy[Step]:
    """Events of a machine: mostly good, some with a payload that is not; seldom the last one."""

    def made(type: str, number: int) -> Step:
        match type:
            case "up" | "hotter":
                return {"type": type, "by": number}
            case "accept":
                return {"type": type, "prep_minutes": number}
            case "reject":
                return {"type": type, "reason": str(number)}
            case _:
                return {"type": type}

    often = [name for name in TYPES[machine] if name not in ("close", "reject", "shut")]
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
    "kitchen": [
        {"type": "swap"},
        {"type": "next"},
        {"type": "hotter", "by": 15},
        {"type": "next"},
        {"type": "next"},
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


WALKS = st.sampled_from(["desk", "kitchen", "order"]).flatmap(
    lambda machine: st.tuples(st.just(machine), steps(machine))
)
