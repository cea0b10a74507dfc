"""Random migrations: the interpreter and Postgres agree, and both do what the rules say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from pawlc.compile import Earlier, compile_machine
from pawlc.interpret import LiveTimer, Snapshot
from pawlc.model import tree
from pawlc.model.alike import differences
from pawlc.model.machine import Machine, Move
from pawlc.parse import parse
from pawlc.write.convert import convert
from tests import optional
from tests.semantics.charts import Walk, walks
from tests.semantics.driver import Interpreted, due_at
from tests.semantics.evaluate import evaluate
from tests.semantics.upgrading import check_return, check_upgrade, running
from tests.semantics.versions import Upgrade, compiled, upgrades
from tests.semantics.walks import take

quick = settings(
    max_examples=30,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)


@pytest.mark.timeout(600)
@quick
@given(upgrade=upgrades(), before=walks(), after=walks())
def test_a_random_migration_goes_in_postgres_as_in_the_interpreter(
    upgrade: Upgrade,
    before: list[Walk],
    after: list[Walk],
    shared_connection: psycopg.Connection[Any],
) -> None:
    charts = compiled(upgrade)
    if charts is None:
        reject()
    check_upgrade(charts, (before, after), shared_connection)


@pytest.mark.timeout(600)
@settings(quick, max_examples=10)
@given(upgrade=upgrades(python=True), before=walks(), after=walks())
def test_a_random_function_computes_in_postgres_what_it_does_in_the_interpreter(
    upgrade: Upgrade,
    before: list[Walk],
    after: list[Walk],
    shared_connection: psycopg.Connection[Any],
) -> None:
    optional.require_extension(shared_connection, "plpython3u")
    charts = compiled(upgrade)
    if charts is None:
        reject()
    check_upgrade(charts, (before, after), shared_connection)


@pytest.mark.timeout(600)
@quick
@given(upgrade=upgrades(versions=3), before=walks(), after=walks())
def test_a_chain_of_migrations_is_their_composition(
    upgrade: Upgrade,
    before: list[Walk],
    after: list[Walk],
    shared_connection: psycopg.Connection[Any],
) -> None:
    charts = compiled(upgrade)
    if charts is None:
        reject()
    check_upgrade(charts, (before, [], after), shared_connection)


@pytest.mark.timeout(600)
@quick
@given(upgrade=upgrades(), before=walks())
def test_a_migrated_instance_is_what_the_rules_say(upgrade: Upgrade, before: list[Walk]) -> None:
    charts = compiled(upgrade)
    if charts is None:
        reject()
    old, new = (chart.machine for chart in charts)
    driver = Interpreted(old, evaluate)
    assume(driver.create({}).error is None)
    walk(driver, before)
    assume(running(driver))
    was = driver.snapshot
    assume(driver.migrate(new, new.migrations[0]).error is None)
    assert was is not None
    assert driver.snapshot is not None
    (migrate,) = upgrade.written[1]["migrate"].values()
    assert tree.is_legal(new.states, driver.snapshot.configuration)
    assert all(is_kept_once(move) for move in new.migrations[0].moves)
    check_state(old, was, new, driver.snapshot, migrate["states"])
    check_timers(Moved(old, was, new, driver.snapshot), migrate["timers"], driver.now)
    check_invokes(Moved(old, was, new, driver.snapshot), migrate["invokes"])
    assert driver.snapshot.status == "running"


@pytest.mark.timeout(600)
@settings(quick, max_examples=10)
@given(upgrade=upgrades(python=True))
def test_a_random_migration_is_the_same_in_json(upgrade: Upgrade) -> None:
    charts = compiled(upgrade)
    if charts is None:
        reject()
    earlier: dict[int, Earlier] = {}
    for chart in charts:
        written, _ = parse(chart.source, "chart.machine.yaml")
        assert written is not None
        made, refused = convert(written, "xstate")
        assert made is not None, refused
        here = compile_machine(
            made.text, "chart.json", chart.companion, made.companion, earlier
        ).machine
        assert differences(chart.machine, here, ()) == ()
        assert moved_as(here) == moved_as(chart.machine)
        earlier[here.version] = Earlier(here, "")


def moved_as(machine: Machine) -> list[object]:
    """What the migrations of a machine do, without where it is written."""
    return [
        (
            [
                (m.before, m.after, m.kept_timers, m.kept_invokes, len(m.timers), len(m.invokes))
                for m in one.moves
            ],
            [(name, value.parts) for name, value in one.context],
            one.carried,
            one.python and (one.python.function, one.python.fields, one.python.certain),
        )
        for one in machine.migrations
    ]


@pytest.mark.timeout(600)
@settings(quick, max_examples=10)
@given(upgrade=upgrades(back=True), steps=st.tuples(walks(), walks(), walks()))
def test_a_way_back_goes_in_postgres_as_in_the_interpreter(
    upgrade: Upgrade,
    steps: tuple[list[Walk], ...],
    shared_connection: psycopg.Connection[Any],
) -> None:
    charts = compiled(upgrade)
    if charts is None:
        reject()
    check_return(charts, steps, shared_connection)


@pytest.mark.timeout(600)
@settings(quick, max_examples=10)
@given(
    upgrade=upgrades(versions=3, back=True),
    steps=st.tuples(walks(), walks(), walks(), walks(), walks()),
)
def test_a_chain_back_is_the_composition_of_the_ways_back(
    upgrade: Upgrade,
    steps: tuple[list[Walk], ...],
    shared_connection: psycopg.Connection[Any],
) -> None:
    charts = compiled(upgrade)
    if charts is None:
        reject()
    check_return(charts, steps, shared_connection)


@pytest.mark.timeout(600)
@quick
@given(upgrade=upgrades(back=True), before=walks(), between=walks())
def test_an_instance_that_goes_back_is_what_the_rules_say(
    upgrade: Upgrade, before: list[Walk], between: list[Walk]
) -> None:
    charts = compiled(upgrade)
    if charts is None:
        reject()
    first, second = (chart.machine for chart in charts)
    driver = Interpreted(first, evaluate)
    assume(driver.create({}).error is None)
    walk(driver, before)
    assume(running(driver))
    assume(driver.migrate(second, second.migrations[0]).error is None)
    walk(driver, between)
    assume(running(driver))
    was = driver.snapshot
    (target,) = second.back
    assume(driver.migrate(target, target.migrations[0]).error is None)
    assert was is not None
    assert driver.snapshot is not None
    (migrate,) = upgrade.written[1]["migrate"].values()
    back = migrate["back"]
    assert target.states == first.states
    assert tree.is_legal(first.states, driver.snapshot.configuration)
    check_state(second, was, first, driver.snapshot, back["states"])
    moved = Moved(second, was, first, driver.snapshot)
    check_timers(moved, back["timers"], driver.now, target.migrations[0].unbound)
    check_invokes(moved, back["invokes"])
    assert driver.snapshot.status == "running"


def walk(driver: Interpreted, steps: list[Walk]) -> None:
    for step in steps:
        assert driver.snapshot is not None
        take(driver, step, driver.snapshot.invokes)


@dataclass(frozen=True, slots=True)
class Moved:
    """An instance before and after."""

    old: Machine
    was: Snapshot
    new: Machine
    now: Snapshot

    def left(self, kind: str) -> Iterator[tuple[Any, Any]]:
        """The timers or invokes of the states that were active, each with its state."""
        return _of(self.old, self.was, kind)

    def entered(self, kind: str) -> Iterator[tuple[Any, Any]]:
        """The timers or invokes of the states that are active now, each with its state."""
        return _of(self.new, self.now, kind)


def _of(machine: Machine, snapshot: Snapshot, kind: str) -> Iterator[tuple[Any, Any]]:
    for index in snapshot.configuration:
        state = machine.states[index]
        yield from ((state, one) for one in getattr(state, kind))


def check_state(
    old: Machine, was: Snapshot, new: Machine, now: Snapshot, states: Mapping[str, Any]
) -> None:
    """One leaf becomes what is said of it or of the nearest state around it, else itself."""
    leaves = tree.leaves(old.states, was.configuration)
    if len(leaves) > 1:
        return
    path = old.states[leaves[0]].path
    around = path
    while around and around not in states:
        around = around.rpartition(".")[0]
    said = states.get(around, path)
    if not isinstance(said, str):
        first, last = said
        field, limit = first["guard"].removeprefix("old.").split(" > ")
        value: Any = was.context[field]
        said = (first if value > int(limit) else last)["target"]
    known = {state.path: state.index for state in new.states}
    inside = said + path[len(around) :] if around else path
    assert known.get(inside, known.get(said)) in now.configuration


def is_kept_once(move: Move) -> bool:
    """No two timers or invokes go on as one."""
    names = [after for _, after in move.kept_timers] + [timer.name for timer in move.timers]
    ids = [*move.kept_invokes, *(invoke.id for invoke in move.invokes)]
    return len(set(names)) == len(names) and len(set(ids)) == len(ids)


def check_timers(
    moved: Moved, rules: Mapping[str, str], moment: Any, delayed_stay: bool = True
) -> None:
    """Each timer of an active state goes on, begins or stays away; no other one is live.

    Delayed events stay pending, all or none.
    """
    before = {timer.name: timer for timer in moved.was.timers}
    after = {timer.name: timer for timer in moved.now.timers if timer.name.startswith("after.")}
    raised = {name for name in before if not name.startswith("after.") and delayed_stay}
    assert {timer.name for timer in moved.now.timers} - after.keys() == raised
    expected: dict[str, Any] = {}
    for state, timer in moved.entered("timers"):
        delay = _delay(timer.name, state.path)
        same = [t.name for s, t in moved.left("timers") if _delay(t.name, s.path) == delay]
        known = timer.name if timer.name in same else same[0] if len(same) == 1 else None
        match rules.get(timer.name), known:
            case "skip", _:
                pass
            case ("restart", _) | ("start", None):
                expected[timer.name] = moment
            case _, str(name) if name in before:
                expected[timer.name] = before[name].since
    assert {name: timer.since for name, timer in after.items()} == expected
    kept = [(t, before[t.name]) for t in after.values() if t.name in before and t.since != moment]
    assert all(due_at(t) == due_at(b) for t, b in kept if _same_state(t, b))


def _same_state(one: LiveTimer, other: LiveTimer) -> bool:
    return one.since == other.since


def _delay(name: str, path: str) -> str:
    return name.removeprefix("after.").removesuffix(f".{path}")


def check_invokes(moved: Moved, rules: Mapping[str, str]) -> None:
    """An invoke goes on if one of its id and effect was live, begins or stays away."""
    expected = set()
    for _, invoke in moved.entered("invokes"):
        same = [
            i for _, i in moved.left("invokes") if (i.id, i.effect) == (invoke.id, invoke.effect)
        ]
        match rules.get(invoke.id):
            case "skip":
                pass
            case "restart":
                expected.add(invoke.id)
            case "start" if not same:
                expected.add(invoke.id)
            case _ if invoke.id in moved.was.invokes:
                expected.add(invoke.id)
    assert set(moved.now.invokes) == expected
