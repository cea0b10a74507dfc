"""The first pass: targets, triggers, order of candidates, labels, ids."""

import pytest

from pawlc.model.machine import Exactly, Kind, Prefix
from tests.compiler.model.definitions import complaints, machine, resolved, state, transition

CHART = """
machine: order
version: 1
events: { go: {}, a.b: {}, a.b.c: {} }
effects: { find: {} }
initial: idle
states:
  idle:
    on:
      "*": { target: busy.deep.er, guard: $$a$$ = $$a$$ }
      a.*: .sub.two
      a.b.*: "#order.busy"
      go: "#marked"
      a.b: { actions: { log: 1 } }
    after: { 5 minutes: busy, 1500: busy.deep }
    initial: sub
    states:
      sub:
        initial: one
        states: { one: {}, two: {} }
  busy:
    initial: deep
    invoke: [{ src: find, onDone: idle, onError: { target: idle } }, { src: find, id: again }]
    onDone: idle
    states:
      deep:
        id: marked
        initial: er
        states: { er: { on: { go: ende } }, ende: { type: final } }
      end: { type: final }
"""


def test_candidates_are_ordered_by_descriptor_not_by_document() -> None:
    labels = [t.label for t in state(machine(CHART), "idle").transitions]
    assert labels == [
        "idle --go--> busy.deep",
        "idle --a.b--> (stays)",
        "idle --after 5 minutes--> busy",
        "idle --after 1500--> busy.deep",
        "idle --a.b.*--> busy",
        "idle --a.*--> idle.sub.two",
        "idle --* [$$a$$ = $$a$$]--> busy.deep.er",
    ]


def test_transitions_are_numbered_in_the_order_of_the_file() -> None:
    found = machine(CHART)
    assert [t.index for t in found.transitions()] == list(range(len(found.transitions())))
    starts = [t.span.start for t in found.transitions()]
    assert starts == sorted(starts)


def test_the_machine_names_its_own_events() -> None:
    found = machine(CHART)
    assert [timer.name for timer in state(found, "idle").timers] == [
        "after.5 minutes.idle",
        "after.1500.idle",
    ]
    assert [invoke.id for invoke in state(found, "busy").invokes] == ["busy.find", "again"]
    assert transition(found, "busy --done(find)").trigger == Exactly("done.invoke.busy.find")
    assert transition(found, "busy --error(find)").trigger == Exactly("error.invoke.busy.find")
    assert transition(found, "busy --done-->").trigger == Exactly("done.state.busy")
    assert transition(found, "idle --a.*").trigger == Prefix("a")


def test_names_of_the_root_carry_no_path() -> None:
    found = machine("""
machine: m
version: 1
effects: { work: {} }
invoke: { src: work }
after: { 1 s: x }
initial: x
states: { x: {} }
""")
    root = found.states[0]
    assert root.path == ""
    assert (root.timers[0].name, root.invokes[0].id) == ("after.1 s", "work")
    assert root.transitions[0].label == "m --after 1 s--> x"


def test_kinds_are_inferred_as_in_xstate() -> None:
    found = machine("""
machine: m
version: 1
initial: a
states:
  a: {}
  b: { initial: c, states: { c: {}, h: { history: deep }, i: { type: history } } }
  f: { type: final }
""")
    assert {s.path: s.kind for s in found.states} == {
        "": Kind.COMPOUND,
        "a": Kind.ATOMIC,
        "b": Kind.COMPOUND,
        "b.c": Kind.ATOMIC,
        "b.h": Kind.HISTORY,
        "b.i": Kind.HISTORY,
        "f": Kind.FINAL,
    }
    assert [state(found, path).history for path in ("b.h", "b.i")] == ["deep", "shallow"]


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("payed", "did you mean `paid`?"),
        ("inner", "did you mean `paid.inner`?"),
        ('"#m.payd"', "did you mean `paid`?"),
        (".inner", "did you mean `paid.inner`?"),
        ("zzzzzz", None),
    ],
)
def test_an_unknown_target_gets_a_spelling_that_resolves(target: str, hint: str | None) -> None:
    _, (problem,) = resolved(f"""
machine: m
version: 1
events: {{ e: {{}} }}
initial: open
states:
  open: {{ on: {{ e: {target} }} }}
  paid: {{ initial: inner, states: {{ inner: {{}} }} }}
""")
    assert (problem.code, problem.hint) == ("PW204", hint)


def test_several_mistakes_are_reported_at_once() -> None:
    assert complaints("""
machine: m
version: 1
effects: { work: {} }
events: { e: {} }
initial: nowhere
states:
  a:
    id: same
    invoke: [{ src: work }, { src: work }]
    on: { e: { target: [b.x, b.y] } }
  b:
    id: same
    states: { x: {}, y: {} }
""") == [
        ("PW203", "6:10"),
        ("PW209", "10:36"),
        ("PW206", "11:30"),
        ("PW202", "12:3"),
        ("PW201", "13:9"),
    ]
