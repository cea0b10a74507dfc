"""XState v5's reading where it differs from W3C SCXML, row by row, as both were seen to run.

States log `+key` and `-key`. Parallel and history states are included: the reference knows them
before the generator does.
"""

from dataclasses import replace
from typing import Any

import pytest

from pawlc.diagnostics import Severity
from pawlc.model.machine import Machine
from pawlc.model.resolve import resolve
from pawlc.parse.yaml import parse
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate


def machine(text: str) -> Machine:
    """Compile a definition in which nothing is wrong."""
    syntax, problems = parse(text, "m.machine.yaml")
    assert syntax is not None
    found, more = resolve(syntax)
    assert [d for d in (*problems, *more) if d.severity is Severity.ERROR] == []
    return found


def instance(text: str) -> Interpreted:
    """A new instance."""
    driver = Interpreted(machine(text), evaluate)
    assert driver.create({}).error is None
    return driver


def log(driver: Interpreted, event: str) -> list[str]:
    """Send an event; return what is logged."""
    shown = driver.send({"type": event})
    assert shown.error is None
    return list(shown.log)


PARALLEL = """
machine: m
version: 1
events: { into: {}, across: {}, leave: {}, out: {}, move: {}, both: {} }
initial: p
states:
  p:
    type: parallel
    entry: { log: "'+p'" }
    exit: { log: "'-p'" }
    on:
      into: { target: .A.a2 }
      leave: { target: q, guard: true }
    states:
      A:
        initial: a1
        entry: { log: "'+A'" }
        exit: { log: "'-A'" }
        on:
          out: { actions: { log: "'anc'" } }
        states:
          a1:
            entry: { log: "'+a1'" }
            exit: { log: "'-a1'" }
            on:
              across: "#m.p.B.b2"
              both: { target: ["#m.p.A.a2", "#m.p.B.b2"] }
          a2:
            entry: { log: "'+a2'" }
            exit: { log: "'-a2'" }
      B:
        initial: b1
        entry: { log: "'+B'" }
        exit: { log: "'-B'" }
        on:
          move: .b2
          leave: .b2
        states:
          b1:
            entry: { log: "'+b1'" }
            exit: { log: "'-b1'" }
          b2:
            entry: { log: "'+b2'" }
            exit: { log: "'-b2'" }
  q: {}
"""


def test_row_3_a_parallel_source_stays_when_its_target_lies_inside() -> None:
    driver = instance(PARALLEL)
    assert log(driver, "into") == ["-b1", "-B", "-a1", "-A", "+A", "+a2", "+B", "+b1"]


def test_row_4_from_region_to_region_the_parallel_state_stays() -> None:
    driver = instance(PARALLEL)
    assert log(driver, "across") == ["-b1", "-B", "-a1", "-A", "+A", "+a1", "+B", "+b2"]


def test_several_targets_enter_each_region_where_they_say() -> None:
    driver = instance(PARALLEL)
    assert log(driver, "both") == ["-b1", "-B", "-a1", "-A", "+A", "+a2", "+B", "+b2"]


def test_row_7_an_ancestor_is_asked_only_when_no_region_answers() -> None:
    driver = instance(PARALLEL)
    assert log(driver, "leave") == ["-b1", "+b2"]
    assert driver.send({"type": "out"}).log == ("anc",)


def test_row_7_as_the_standard_reads_it_every_leaf_asks_upwards() -> None:
    driver = Interpreted(replace(machine(PARALLEL), regions_first=False), evaluate)
    driver.create({})
    # a1 finds p's transition, b1 its region's; they exit the same states, and the inner source wins
    assert log(driver, "leave") == ["-b1", "+b2"]


TWO_LEVELS = """
machine: m
version: 1
events: { e: {} }
initial: p
states:
  p:
    type: parallel
    on:
      e: { actions: { log: "'anc'" } }
    states:
      A: {}
      B:
        initial: b1
        states:
          b1: { on: { e: b2 } }
          b2: {}
"""


@pytest.mark.parametrize(("regions_first", "said"), [(True, []), (False, ["anc"])])
def test_row_7_a_targetless_ancestor_runs_beside_a_region_only_in_scxml(
    regions_first: bool, said: list[str]
) -> None:
    driver = Interpreted(replace(machine(TWO_LEVELS), regions_first=regions_first), evaluate)
    driver.create({})
    shown = driver.send({"type": "e"})
    assert (list(shown.log), shown.state) == (said, ("p.A", "p.B.b2"))


def test_row_8_eventless_transitions_are_asked_leaf_by_leaf() -> None:
    text = """
machine: m
version: 1
context: { n: int not null default 0 }
events: { e: {} }
initial: p
states:
  p:
    type: parallel
    always: { guard: context.n = 1, assign: { n: 2 }, actions: { log: "'p'" } }
    states:
      A:
        initial: a1
        states:
          a1: { on: { e: { assign: { n: 1 } } } }
      B:
        initial: b1
        states:
          b1: { always: { target: b2, guard: context.n = 1 } }
          b2: {}
"""
    shown = instance(text).send({"type": "e"})
    assert (shown.state, shown.log) == (("p.A.a1", "p.B.b2"), ("p",))


NESTED_DONE = """
machine: m
version: 1
events: { e: {}, done: {} }
initial: p
states:
  p:
    type: parallel
    onDone: { actions: { log: "'p'" } }
    states:
      A:
        initial: a1
        onDone: { actions: { log: "'A'" } }
        states:
          a1: { on: { e: a2 } }
          a2: { type: final }
      Q:
        type: parallel
        onDone: { actions: { log: "'Q'" } }
        states:
          B:
            initial: b1
            onDone: { actions: { log: "'B'" } }
            states:
              b1: { on: { e: b2 } }
              b2: { type: final }
"""


@pytest.mark.parametrize(
    ("chain", "said"), [("all", ["A", "B", "Q", "p"]), ("grandparent", ["A", "B", "Q"])]
)
def test_row_9_every_completed_ancestor_is_done_inner_to_outer(chain: Any, said: list[str]) -> None:
    driver = Interpreted(replace(machine(NESTED_DONE), done_chain=chain), evaluate)
    driver.create({})
    assert log(driver, "e") == said


def test_row_11_a_finished_parallel_root_runs_every_exit_and_keeps_its_value() -> None:
    text = """
machine: m
version: 1
events: { a: {}, b: {} }
type: parallel
exit: { log: "'-m'" }
states:
  A:
    initial: a1
    exit: { log: "'-A'" }
    states:
      a1: { on: { a: a2 } }
      a2: { type: final, exit: { log: "'-a2'" } }
  B:
    initial: b1
    exit: { log: "'-B'" }
    states:
      b1: { on: { b: b2 } }
      b2: { type: final, exit: { log: "'-b2'" } }
"""
    driver = instance(text)
    assert driver.send({"type": "a"}).status == "running"
    shown = driver.send({"type": "b"})
    assert (shown.status, shown.state) == ("done", ("A.a2", "B.b2"))
    assert list(shown.log) == ["-b2", "-B", "-a2", "-A", "-m"]


def test_row_19_the_root_leaves_itself_only_to_reenter() -> None:
    text = """
machine: m
version: 1
events: { self: {}, again: {}, go: {} }
initial: a
entry: { log: "'+m'" }
exit: { log: "'-m'" }
on:
  self: "#m"
  again: { target: "#m", reenter: true }
states:
  a: { entry: { log: "'+a'" }, on: { go: b } }
  b: { exit: { log: "'-b'" } }
"""
    driver = instance(text)
    log(driver, "go")
    assert log(driver, "self") == ["-b", "+a"]
    log(driver, "go")
    assert log(driver, "again") == ["-b", "-m", "+m", "+a"]


HISTORY = """
machine: m
version: 1
events: { leave: {}, back: {}, deep: {}, next: {}, inner: {} }
initial: out
states:
  out:
    on: { back: p.h, deep: p.d }
  p:
    initial: { target: a, actions: { log: "'initial'" } }
    on: { leave: out }
    states:
      a: { on: { next: b } }
      b:
        initial: b1
        states:
          b1: { on: { inner: b2 } }
          b2: {}
      h: { type: history }
      d: { type: history, history: deep, target: b }
"""


def test_history_without_memory_and_target_begins_as_the_parent_does() -> None:
    shown = instance(HISTORY).send({"type": "back"})
    assert (shown.state, shown.log) == (("p.a",), ("initial",))


def test_history_without_memory_goes_to_its_own_target() -> None:
    shown = instance(HISTORY).send({"type": "deep"})
    assert (shown.state, shown.log) == (("p.b.b1",), ())


@pytest.mark.parametrize(("event", "state"), [("back", "p.b.b1"), ("deep", "p.b.b2")])
def test_shallow_history_remembers_a_child_deep_history_the_leaves(event: str, state: str) -> None:
    driver = instance(HISTORY)
    for name in ("deep", "inner", "leave"):
        driver.send({"type": name})
    assert driver.send({"type": event}).state == (state,)


def test_history_of_a_parallel_state_restores_every_region() -> None:
    text = """
machine: m
version: 1
events: { leave: {}, back: {}, x: {} }
initial: p
states:
  p:
    type: parallel
    on: { leave: "#m.out" }
    states:
      A:
        initial: a1
        states: { a1: { on: { x: a2 } }, a2: {} }
      B:
        initial: b1
        states: { b1: { on: { x: b2 } }, b2: {} }
      h: { type: history, history: deep }
  out:
    on: { back: p.h }
"""
    driver = instance(text)
    driver.send({"type": "x"})
    driver.send({"type": "leave"})
    assert driver.send({"type": "back"}).state == ("p.A.a2", "p.B.b2")


def test_between_regions_the_first_in_the_document_wins() -> None:
    text = """
machine: m
version: 1
events: { e: {} }
initial: p
states:
  p:
    type: parallel
    states:
      A: { on: { e: "#m.x" } }
      B: { on: { e: "#m.y" } }
  x: {}
  y: {}
"""
    assert instance(text).send({"type": "e"}).state == ("x",)
