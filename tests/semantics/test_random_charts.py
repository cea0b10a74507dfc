"""What holds of every chart: properties of the interpreter over random charts and walks."""

from itertools import groupby

from hypothesis import HealthCheck, given, settings

from pawlc.diagnostics import Severity
from pawlc.interpret import (
    EndlessLoop,
    Entered,
    Event,
    Exited,
    Facts,
    Outcome,
    Snapshot,
    Step,
    Took,
    initial,
    macrostep,
)
from pawlc.model import tree
from pawlc.model.machine import Machine
from pawlc.model.resolve import resolve
from pawlc.parse.yaml import parse
from tests.semantics.charts import Walk, charts, walks
from tests.semantics.driver import START, Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.observed import Observed
from tests.semantics.walks import take

all_charts = charts(parallel=True, history=True)
large = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def compiled(text: str) -> Machine:
    """The machine of a drawn definition, in which nothing is wrong."""
    syntax, problems = parse(text, "chart.machine.yaml")
    assert syntax is not None
    machine, more = resolve(syntax)
    assert [d for d in (*problems, *more) if d.severity is Severity.ERROR] == []
    return machine


def follow(driver: Interpreted, step: Walk) -> Observed:
    """Take a step of a walk."""
    assert driver.snapshot is not None
    return take(driver, step, driver.snapshot.invokes)


def outcomes(machine: Machine, steps: list[Walk]) -> list[tuple[Snapshot, Outcome]]:
    """The macrosteps that external events cause, each with the snapshot before it."""
    found: list[tuple[Snapshot, Outcome]] = []
    facts = Facts(now=START)
    try:
        outcome = initial(machine, evaluate, {}, facts)
        found.append((Snapshot((), {}), outcome))
        for step in steps:
            if step.kind == "send" and outcome.snapshot.status == "running":
                event = Event(step.name, {"x": step.number})
                before = outcome.snapshot
                outcome = macrostep(machine, before, event, evaluate, facts)
                found.append((before, outcome))
    except EndlessLoop:
        pass
    return found


def runs(trace: tuple[Step, ...], kind: type[Entered] | type[Exited]) -> list[list[int]]:
    """The states entered or exited by each microstep."""
    moves = [step for step in trace if isinstance(step, Entered | Exited | Took)]
    return [
        [step.state for step in run if isinstance(step, kind)]
        for found, run in groupby(moves, key=type)
        if found is kind
    ]


@large
@given(all_charts, walks())
def test_every_macrostep_is_as_the_standard_wants_it(text: str, steps: list[Walk]) -> None:
    machine = compiled(text)
    for before, outcome in outcomes(machine, steps):
        assert tree.is_legal(machine.states, outcome.snapshot.configuration)
        check_order(outcome.trace)
        check_way(before, outcome)
        check_domains(machine, before, outcome)


def check_order(trace: tuple[Step, ...]) -> None:
    """States are entered in document order and exited in reverse, each once in a microstep."""
    for run in runs(trace, Entered):
        assert run == sorted(set(run))
    for run in runs(trace, Exited):
        assert run == sorted(set(run), reverse=True)


def check_way(before: Snapshot, outcome: Outcome) -> None:
    """The trace leads from the old configuration to the new one; at the end all is left."""
    active = set(before.configuration)
    for step in outcome.trace:
        if isinstance(step, Entered):
            assert step.state not in active
            active.add(step.state)
        elif isinstance(step, Exited):
            assert step.state in active
            active.remove(step.state)
    done = outcome.snapshot.status == "done"
    assert active == (set() if done else set(outcome.snapshot.configuration))


def check_domains(machine: Machine, before: Snapshot, outcome: Outcome) -> None:
    """What was active and is left lies inside the domain of a transition that was taken."""
    if outcome.snapshot.status == "done":
        return
    transitions = machine.transitions()
    took = [transitions[s.transition] for s in outcome.trace if isinstance(s, Took)]
    exited = {s.state for s in outcome.trace if isinstance(s, Exited)}
    domains = [t.domain for t in took if t.domain is not None]
    for state in exited & set(before.configuration):
        assert any(tree.is_descendant(machine.states, state, domain) for domain in domains)


@large
@given(all_charts, walks())
def test_a_driven_instance_keeps_its_books(text: str, steps: list[Walk]) -> None:
    machine = compiled(text)
    driver, twin = Interpreted(machine, evaluate), Interpreted(machine, evaluate)
    created = driver.create({})
    assert twin.create({}) == created
    for step in () if created.error else steps:
        before = driver.snapshot
        shown = follow(driver, step)
        assert follow(twin, step) == shown
        check_running(driver)
        unheard = step.kind in ("done", "error") and not (before and before.invokes)
        if shown.error and step.kind != "advance" and not unheard:  # then timers fire instead
            assert driver.snapshot == before
            assert (shown.effects, shown.started, shown.log) == ((), (), ())


def check_running(driver: Interpreted) -> None:
    """Live timers and invokes belong to active states, but for those of delayed raises.

    A finished instance has none.
    """
    assert driver.snapshot is not None
    running = driver.snapshot.status == "running"
    active = [driver.machine.states[index] for index in driver.snapshot.configuration]
    timers = {timer.name for state in active for timer in state.timers if running}
    invokes = {invoke.id for state in active for invoke in state.invokes if running}
    live = {timer.name for timer in driver.snapshot.timers}
    raised = {name for name in live if name.startswith("raise") and running}
    assert live - raised <= timers
    assert set(driver.snapshot.invokes) <= invokes
