"""A definition in YAML, written as SCXML, goes the same way in Postgres; or SCXML cannot say it.

What the definition itself refuses, SCXML ignores; what comes after an error is not compared.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from pawlc.compile import compile_machine
from pawlc.diagnostics import Severity
from pawlc.model.machine import Machine
from pawlc.parse import parse
from pawlc.write.convert import convert
from tests.semantics.database import Deployed
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.observed import Observed
from tests.semantics.scenario import Case, cases, perform

REFUSED: dict[str, tuple[str, ...]] = {
    "always/settles": ("PW971",),
    "basic/assign_sees_before": ("PW971",),
    "defaults/of_context_and_payload": ("PW970",),
    "delays/named": ("PW970",),
    "effects/emitted_in_order": ("PW970",),
    "entry_exit_order/nested": ("PW970",),
    "invoke/ended_at_once": ("PW970", "PW971"),
    "invoke/left_before": ("PW970",),
    "invoke/result": ("PW970",),
    "invoke/snapshot": ("PW970",),
    "invoke_machine/parent_and_child": ("PW970", "PW971"),
    "parallel/always_in_one_region": ("PW970", "PW971"),
    "parallel/always_settles": ("PW970", "PW971"),
    "parallel/ancestor_asked_last": ("PW971",),
    "parallel/cross_region_target": ("PW971",),
    "parallel/eventless_in_leaf_order": ("PW971",),
    "parallel/initial_actions_of_its_own": ("PW971",),
    "parallel/nested_done": ("PW971",),
    "parallel/root": ("PW970",),
    "raise_later/delays": ("PW970",),
    "reply/none": ("PW970",),
    "self_transitions/to_the_machine": ("PW970", "PW971"),
    "send/came_back": ("PW970",),
}
IGNORED = ("not_accepted", "guard_refused", "unknown_event")
CASES = tuple(case for case in cases() if case.name not in REFUSED)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a step shows in both forms; states by their numbers, since ids may be other names."""

    state: tuple[int, ...]
    context: dict[str, Any]
    status: str
    output: Any
    log: tuple[str, ...]
    timers: int
    sent: tuple[tuple[str, str, str], ...]


def seen(machine: Machine, observed: Observed) -> Seen:
    paths = [state.path for state in machine.states]
    return Seen(
        tuple(paths.index(path) for path in observed.state),
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
            assert seen(compiled.machine, after) == seen(native, before), place
