"""One chart and one walk in XState and in Pawl, step by step."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, assert_never

from pawlc.diagnostics import Severity
from pawlc.model.machine import Machine
from pawlc.model.resolve import resolve
from pawlc.parse.yaml import parse
from tests.oracle import xstate
from tests.oracle.charts import Advance, Chart, Send, Step
from tests.oracle.deviations import Deviating, Rule, Unlike
from tests.oracle.native import definition
from tests.oracle.process import XState
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.observed import Observed
from tests.semantics.scenario import Driver


class Refused(Exception):
    """A chart has errors: no drawn one has, but a smaller one may."""


class Verdict(StrEnum):
    """How a run compares: the same, another way that README.md explains, or neither."""

    SAME = "same"
    BY_DESIGN = "by design"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Shown:
    """What both show of an instance after a step; `endless`: it was cut, nothing more counts."""

    status: str = ""
    state: tuple[str, ...] = ()
    context: tuple[tuple[str, int], ...] = ()
    output: Any = None
    log: tuple[str, ...] = ()
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict after so many steps; where it is not `same`, the first step that differs, 0 being
    the creation, what both show there, and the rules of README.md that played a part.

    `endless_at_once`: Pawl refuses the creation, so a walk never begins.
    """

    verdict: Verdict
    steps: int
    at: int = 0
    theirs: Shown | None = None
    ours: Shown | None = None
    rules: frozenset[Rule] = frozenset()
    endless_at_once: bool = False


def compare(oracle: XState, chart: Chart, walk: tuple[Step, ...]) -> Report:
    """Run both and compare."""
    (report,) = compare_walks(oracle, chart, (walk,))
    return report


def compare_walks(
    oracle: XState, chart: Chart, walks: Iterable[tuple[Step, ...]]
) -> Iterator[Report]:
    """Compare several walks through one chart."""
    machine = resolved(chart)
    for walk in walks:
        theirs = shown_by_xstate(oracle, chart, walk)
        yield judge(chart, machine, walk, theirs)


def judge(
    chart: Chart, machine: Machine, walk: tuple[Step, ...], theirs: tuple[Shown, ...]
) -> Report:
    """Compare Pawl's run with XState's, and if they differ, with what README.md says of it."""
    ours = run(Interpreted(machine, evaluate), walk)
    at = first_difference(theirs, ours)
    endless = ours[0].endless
    if at is None:
        return Report(Verdict.SAME, len(ours), endless_at_once=endless)
    reentering = frozenset(n for n, arc in enumerate(chart.arcs()) if arc.reenter)
    deviating = Deviating(machine, evaluate, reentering)
    explained = first_difference(theirs, run(deviating, walk)) is None
    verdict = Verdict.BY_DESIGN if explained else Verdict.DIFFERENT
    rules = frozenset(deviating.rules)
    return Report(verdict, len(ours), at, theirs[at], ours[at], rules, endless)


def resolved(chart: Chart) -> Machine:
    """The machine of a chart."""
    syntax, problems = parse(definition(chart), "chart.machine.yaml")
    assert syntax is not None
    machine, more = resolve(syntax)
    if errors := [d for d in (*problems, *more) if d.severity is Severity.ERROR]:
        raise Refused(errors)
    return machine


def first_difference(theirs: tuple[Shown, ...], ours: tuple[Shown, ...]) -> int | None:
    """The first step at which two runs part; both may end early, where they are endless."""
    both = zip(theirs, ours, strict=False)
    return next((n for n, (their, our) in enumerate(both) if their != our), None)


# --- Pawl -------------------------------------------------------------------------------------


def run(driver: Driver, walk: tuple[Step, ...]) -> tuple[Shown, ...]:
    """Create an instance and take the steps, up to one that is cut or cannot be compared."""
    found: list[Shown] = []
    try:
        found.append(shown(driver.create({})))
        for step in walk:
            if found[-1].endless:
                break
            found.append(shown(take(driver, step)))
    except Unlike:
        pass
    return tuple(found)


def take(driver: Driver, step: Step) -> Observed:
    """Take one step."""
    match step:
        case Send():
            return driver.send({"type": step.event, "x": step.number})
        case Advance():
            return driver.advance(timedelta(milliseconds=step.milliseconds))
        case _:
            assert_never(step)


def shown(observed: Observed) -> Shown:
    """What is compared of an instance; a finished one takes no event and stays as it is."""
    if observed.error == "endless_loop":
        return Shown(endless=True)
    assert observed.error in (None, "not_running")
    return Shown(
        status=observed.status,
        state=tuple(sorted(observed.state)),
        context=tuple(sorted(observed.context.items())),
        output=observed.output,
        log=observed.log,
    )


# --- XState -----------------------------------------------------------------------------------

_NAMES = (
    ("xstate.done.state.chart.", "done.state."),
    ("xstate.init", "pawl.init"),
)


def shown_by_xstate(oracle: XState, chart: Chart, walk: tuple[Step, ...]) -> tuple[Shown, ...]:
    """What XState shows."""
    answer = oracle.ask(xstate.config(chart), xstate.steps(walk))
    return tuple(_shown(each) for each in answer)


def _shown(line: Mapping[str, Any]) -> Shown:
    if line["status"] == "error":
        assert line["error"].startswith("Infinite loop detected"), line["error"]
        return Shown(endless=True)
    return Shown(
        status={"active": "running"}.get(line["status"], line["status"]),
        state=tuple(sorted(leaves(line["value"]))),
        context=tuple(sorted(line["context"].items())),
        output=line.get("output"),
        log=tuple(renamed(each) for each in line["log"]),
    )


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """The paths of a state value's leaves.

    >>> sorted(leaves({"p": {"A": "a1", "B": {}}}))
    ['p.A.a1', 'p.B']
    """
    inner = f"{path}." if path else ""
    match value:
        case str():
            yield inner + value
        case {} if not value:
            yield path
        case _:
            for key, below in value.items():
                yield from leaves(below, inner + key)


def renamed(line: str) -> str:
    """An event's name in Pawl's words.

    >>> renamed("xstate.after.1000.chart.a.b"), renamed("xstate.done.state.chart.a")
    ('after.1000.a.b', 'done.state.a')
    """
    if line.startswith("xstate.after."):
        delay, _, id = line.removeprefix("xstate.after.").partition(".")
        return ".".join(filter(None, ("after", delay, id.removeprefix("chart").lstrip("."))))
    for theirs, ours in _NAMES:
        if line.startswith(theirs):
            return ours + line.removeprefix(theirs)
    return line
