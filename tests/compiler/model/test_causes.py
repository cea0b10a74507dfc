"""Which events lead to a place, and so what it may read."""

import pytest

from pawlc.model import events
from pawlc.model.catalogue import catalogue
from pawlc.model.causes import Causes, event_scope, find
from pawlc.model.resolve import declared
from pawlc.model.structure import build
from pawlc.parse.yaml import parse
from tests.compiler.model.definitions import complaints


def causes(text: str) -> tuple[Causes, dict[str, int]]:
    """The causes of a definition and the indices of its states by path."""
    syntax, problems = parse(text, "m.machine.yaml")
    assert syntax is not None
    assert problems == ()
    tree, _ = build(syntax)
    found = find(tree.states, catalogue(declared(syntax, tree, None, []), tree), syntax.strict)
    return found, {state.path: state.index for state in tree.states}


CHAIN = """
machine: m
version: 1
events: { go: { x: int }, skip: { x: text, y: int }, inner: {}, never: {} }
effects: { work: { returns: { n: int } } }
initial: a
states:
  a:
    on: { go: b, skip: c }
  b:
    always: c
  c:
    invoke: { src: work, onDone: d, onError: e }
    after: { 5 s: e }
  d: { type: final }
  e:
    on: { go: { actions: { raise: inner } } }
    always: { target: a, guard: false }
"""


def test_causes_flow_through_eventless_transitions() -> None:
    """`inner`, which the machine raises itself, may pass unhandled while any state is active."""
    found, at = causes(CHAIN)
    assert found.entries[at["a"]][0] == events.CREATION
    assert found.entries[at["b"]] == ("go",)
    assert found.entries[at["c"]] == ("go", "skip", "inner")
    assert found.entries[at["d"]] == ("done.invoke.c.work",)
    assert found.exits[at["b"]] == ("go", "inner")
    assert found.end == ("done.invoke.c.work",)


def test_an_always_may_follow_whatever_happens_while_its_state_is_active() -> None:
    found, _ = causes(CHAIN)
    assert found.transitions[-1] == ("go", "inner", "error.invoke.c.work", "after.5 s.c")


def test_fields_are_sorted_into_what_all_some_and_different_causes_declare() -> None:
    found, _ = causes(CHAIN)
    scope = event_scope(found, ["go", "skip"])
    assert scope.fields == {}
    assert scope.partial == {"y": ("go",)}
    assert scope.conflicting == {"x": ("int", "text")}
    assert not scope.has_data


def test_output_is_there_only_where_every_cause_has_one() -> None:
    found, _ = causes(CHAIN)
    done = event_scope(found, ["done.invoke.c.work"])
    assert (done.has_output, done.output) == (True, {"n": "int"})
    mixed = event_scope(found, ["done.invoke.c.work", "go"])
    assert not mixed.has_output
    assert mixed.partial["output"] == ("go",)
    assert event_scope(found, ["error.invoke.c.work"]).has_error


STRICT = """
machine: m
version: 1
strict: {strict}
context: {{ n: int }}
events: {{ e: {{ x: int }}, f: {{}} }}
initial: a
states:
  a:
    on:
      {descriptor}: {{ assign: {{ n: event.x }} }}
"""


@pytest.mark.parametrize(
    ("strict", "descriptor", "found"),
    [
        ("true", "e", []),
        ("false", "e", []),
        ("true", "e.*", []),  # no other event begins like this
        ("false", "e.*", [("PW303", "11:27")]),  # anybody may send e.g
        ("true", '"*"', [("PW303", "11:27")]),  # f has no x
    ],
)
def test_a_wildcard_takes_unknown_events_unless_the_machine_is_strict(
    strict: str, descriptor: str, found: list[tuple[str, str]]
) -> None:
    assert complaints(STRICT.format(strict=strict, descriptor=descriptor)) == found


def test_event_data_is_for_wildcards_and_undeclared_events() -> None:
    text = """
machine: m
version: 1
events: { e: {} }
initial: a
states:
  a:
    on:
      e: { actions: { log: event.data } }
      undeclared: { actions: { log: event.data } }
      "*": { actions: { log: event.data } }
"""
    assert complaints(text) == [("PW302", "9:28")]


def test_a_field_must_not_depend_on_how_the_state_was_reached() -> None:
    text = """
machine: m
version: 1
context: { n: int }
events: { e: { x: int }, f: {} }
initial: a
states:
  a: { on: { e: b, f: b } }
  b:
    entry: { assign: { n: event.x } }
"""
    assert complaints(text) == [("PW303", "10:27")]
    assert complaints(text.replace("f: b", "f: c").replace("\n  b:", "\n  c: {}\n  b:")) == []


def test_after_knows_only_the_type_of_its_event() -> None:
    text = """
machine: m
version: 1
context: { t: text }
initial: a
states:
  a:
    after:
      1 s: { target: b, assign: { t: event.type } }
      2 s: { target: b, assign: { t: event.error.message } }
  b: {}
"""
    assert complaints(text) == [("PW302", "10:38")]


def test_a_reentered_state_counts_as_left_and_entered() -> None:
    found, at = causes("""
machine: m
version: 1
events: { e: {}, f: {} }
initial: a
states:
  a:
    on: { e: { target: a, reenter: true }, f: a }
""")
    assert found.entries[at["a"]] == (events.CREATION, "e")
    assert found.exits[at["a"]] == ("e",)
