"""What a machine has beside its states goes the same way in a state around them, or is refused."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from pawlc.compile import compile_machine
from pawlc.diagnostics import Severity
from pawlc.parse import parse
from pawlc.write.convert import Converted, convert
from tests.convert.test_scxml import seen_here, seen_there
from tests.semantics.database import Deployed
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate

HEAD = """\
machine: m
authorize: {}
strict: false
context: { n: int not null default 0 }
events: { go: {}, back: {}, again: {}, stop: {}, wait: {} }
"""
ONE = """\
initial: { target: a, actions: [{ log: "'begins'" }, { raise: go }] }
entry: [{ log: "'+m'" }, { assign: { n: 1 } }]
exit: { log: "'-m'" }
after: { 1 hour: { actions: [{ log: "'late'" }, { assign: { n: context.n + 10 } }] } }
on:
  back: { target: .a, actions: { log: "'back'" } }
  again: { target: "#m", reenter: true }
  stop: end
always: { guard: context.n > 10, target: .b, actions: { assign: { n: 2 } } }
output: { n: context.n }
states:
  a:
    entry: { log: "'+a'" }
    exit: { log: "'-a'" }
    on: { go: b, back: { actions: { log: "'here'" } } }
  b: { entry: { log: "'+b'" }, exit: { log: "'-b'" } }
  end: { type: final }
"""
REGIONS = """\
type: parallel
exit: { log: "'-m'" }
on: { wait: { actions: { log: "'waits'" } } }
output: { n: context.n }
states:
  p:
    initial: x
    exit: { log: "'-p'" }
    states:
      x: { on: { go: { target: y, assign: { n: context.n + 1 } } } }
      y: { on: { stop: end, go: other } }
      other: { type: final }
      end: { type: final, exit: { log: "'-end'" } }
  q:
    initial: x
    states:
      x: { on: { back: over, again: y } }
      y: { always: { guard: "in_state('p.end')", target: over } }
      over: { type: final }
"""
BARE = """\
type: parallel
on: { back: { target: [.p.y, .q], reenter: false }, again: .q }
states:
  p:
    initial: x
    entry: { log: "'+p'" }
    states: { x: { on: { go: y } }, y: { on: { go: x } } }
  q:
    initial: x
    exit: { log: "'-q'" }
    states: { x: { on: { stop: y } }, y: {} }
"""
HISTORY = """\
initial: a
on: { again: .h }
states:
  a: { initial: x, states: { x: { on: { go: y } }, y: {} }, on: { back: b } }
  b: { entry: { log: "'+b'" } }
  h: { type: history, history: deep, target: b }
"""
SAME = {"one": ONE, "regions": REGIONS, "bare": BARE, "history": HISTORY}
WALKS = (
    ("go", "back", "wait", "stop", "go"),
    ("wait", "again", "1 hour", "back", "go", "1 hour", "again", "stop"),
    ("go", "go", "back", "again", "back"),
    ("back", "go", "stop", "wait", "back"),
    ("again", "go", "wait", "stop", "go"),
)


def written(text: str) -> tuple[Converted | None, tuple[str, ...]]:
    """A definition in SCXML, and what is refused."""
    machine, found = parse(HEAD + text, "m.machine.yaml")
    assert machine is not None, found
    made, told = convert(machine, "scxml")
    return made, tuple(d.message for d in told if d.severity is Severity.ERROR)


@pytest.mark.parametrize("walk", WALKS, ids=" ".join)
@pytest.mark.parametrize("name", SAME)
def test_a_machine_goes_the_same_way_in_a_state_around_its_own(
    name: str, walk: tuple[str, ...], shared_connection: psycopg.Connection[Any]
) -> None:
    made, refused = written(SAME[name])
    assert made is not None, refused
    compiled = compile_machine(made.text, "m.scxml")
    assert [w for w in compiled.warnings if w.code < "PW400"] == []
    native = compile_machine(HEAD + SAME[name], "m.machine.yaml").machine
    source = Interpreted(native, evaluate)
    with shared_connection.transaction(force_rollback=True):
        target = Deployed(shared_connection, compiled)
        assert seen_there(target.create({})) == seen_here(native, source.create({}))
        for step in walk:
            for_time = step == "1 hour"
            before, after = (
                one.advance(timedelta(hours=1)) if for_time else one.send({"type": step})
                for one in (source, target)
            )
            if before.error == "not_running":
                assert after.error == "not_running"
                return
            assert seen_there(after) == seen_here(native, before), f"{step}\n{made.text}"


EARLY = "SCXML leaves the state around all others before it enters the final one"
REFUSED = {
    "an exit before a final state that acts": (
        ONE.replace("end: { type: final }", "end: { type: final, entry: { log: \"'+end'\" } }"),
        EARLY,
    ),
    "an exit before a transition that acts": (
        ONE.replace("stop: end", "stop: { target: end, actions: { log: \"'ends'\" } }"),
        EARLY,
    ),
    "an output that exit actions may change": (
        REGIONS.replace("exit: { log: \"'-p'\" }", "exit: { assign: { n: 9 } }"),
        "SCXML computes the output when all else has been left",
    ),
    "a region that is asked when it is done": (
        REGIONS.replace("  q:\n", "  q:\n    always: { guard: context.n > 5, target: .x }\n"),
        "SCXML asks this before it ends, where `q` is done",
    ),
    "regions that the root enters anew": (
        BARE.replace("type: parallel\n", "type: parallel\nentry: { log: \"'+m'\" }\n"),
        "SCXML would leave other states than this transition does",
    ),
    "a machine that ends at once": (
        "entry: { log: \"'+m'\" }\ninitial: end\nstates: { end: { type: final } }\n",
        "SCXML has nothing to enter before a final state that begins",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_state_around_the_others_would_do_otherwise_is_refused(what: str) -> None:
    text, message = REFUSED[what]
    made, refused = written(text)
    assert made is None
    assert message in refused


def test_a_document_has_no_transition_and_no_history_outside_of_its_states() -> None:
    for text in SAME.values():
        made, _ = written(text)
        assert made is not None
        top = [line.split()[0] for line in made.text.splitlines() if line.startswith("  <")]
        assert {word.strip("</>") for word in top} <= {"datamodel", "state", "parallel", "final"}
