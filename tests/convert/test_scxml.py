"""A definition in YAML, written as SCXML, goes the same way in Postgres; or SCXML cannot say it.

What the definition itself refuses, SCXML ignores; what comes after an error is not compared.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from pawlc.compile import compile_machine
from pawlc.diagnostics import Severity
from pawlc.model.machine import Kind, Machine
from pawlc.parse import parse
from pawlc.write.convert import convert
from pawlc.write.scxml.names import state_ids
from tests.semantics.database import Deployed
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.observed import Observed
from tests.semantics.scenario import Case, cases, perform

REFUSED: dict[str, tuple[str, ...]] = {
    "always/settles": ("PW971",),
    "basic/assign_sees_before": ("PW971",),
    "defaults/of_context_and_payload": ("PW970",),
    "effects/emitted_in_order": ("PW970",),
    "entry_exit_order/nested": ("PW971",),
    "invoke/ended_at_once": ("PW970",),
    "invoke/left_before": ("PW970",),
    "invoke/result": ("PW970",),
    "invoke/snapshot": ("PW970",),
    "invoke_machine/parent_and_child": ("PW970", "PW971"),
    "parallel/always_in_one_region": ("PW971",),
    "parallel/always_settles": ("PW971",),
    "parallel/ancestor_asked_last": ("PW971",),
    "parallel/cross_region_target": ("PW971",),
    "parallel/eventless_in_leaf_order": ("PW971",),
    "parallel/initial_actions_of_its_own": ("PW971",),
    "parallel/nested_done": ("PW971",),
    "reply/none": ("PW970",),
    "self_transitions/to_the_machine": ("PW971",),
    "send/came_back": ("PW970",),
}
IGNORED = ("not_accepted", "guard_refused", "unknown_event")
CASES = tuple(case for case in cases() if case.name not in REFUSED)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a step shows in both forms; states by the ids that SCXML has for them."""

    state: tuple[str, ...]
    context: dict[str, Any]
    status: str
    output: Any
    log: tuple[str, ...]
    timers: int
    sent: tuple[tuple[str, str, str], ...]


def seen_here(machine: Machine, observed: Observed) -> Seen:
    """What a step shows in YAML; a parallel machine that is done would be in a state `done`."""
    ids = state_ids(machine.states)
    is_done = observed.status == "done" and machine.states[0].kind is Kind.PARALLEL
    by_path = {machine.states[index].path: id for index, id in ids.items()}
    active = tuple(by_path[path] for path in observed.state)
    return _seen(("done",) if is_done else active, observed)


def seen_there(observed: Observed) -> Seen:
    """What it shows in SCXML, or in what that became again: ids are unique, and hold no dot."""
    return _seen(tuple(path.rpartition(".")[2] for path in observed.state), observed)


def _seen(state: tuple[str, ...], observed: Observed) -> Seen:
    return Seen(
        state,
        dict(observed.context),
        observed.status,
        observed.output,
        observed.log,
        len(observed.timers),
        tuple((one["machine"], one["id"], one["event"]["type"]) for one in observed.sent),
    )


def written(case: Case) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """A case in SCXML, the codes of what is refused, and those of warnings."""
    text = case.definition.read_text("utf-8")
    machine, _ = parse(text, case.definition.name)
    assert machine is not None
    made, found = convert(machine, "scxml")
    refused = tuple(d.code for d in found if d.severity is Severity.ERROR)
    warned = tuple(d.code for d in found if d.severity is Severity.WARNING)
    return None if made is None else made.text, refused, warned


@pytest.mark.parametrize("case", [c for c in cases() if c.name in REFUSED], ids=lambda c: c.name)
def test_what_scxml_cannot_say_is_refused(case: Case) -> None:
    text, refused, _ = written(case)
    assert text is None
    assert tuple(sorted(set(refused))) == REFUSED[case.name]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_goes_the_same_way_in_scxml(
    case: Case, shared_connection: psycopg.Connection[Any]
) -> None:
    text, refused, warned = written(case)
    assert text is not None, refused
    assert set(warned) == {"PW972"}
    compiled = compile_machine(text, "m.scxml")
    assert [w for w in compiled.warnings if w.code < "PW400"] == []
    native = compile_machine(case.definition.read_text("utf-8"), case.definition.name).machine
    source = Interpreted(native, evaluate)
    with shared_connection.transaction(force_rollback=True):
        target = Deployed(shared_connection, compiled)
        for step in case.steps:
            before, after = perform(source, step.action), perform(target, step.action)
            if before.error is not None and before.error not in IGNORED:
                return
            place = f"{case.name}/scenario.yaml:{step.line}\n{text}"
            assert seen_there(after) == seen_here(native, before), place
