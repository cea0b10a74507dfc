"""Run cases through the engines and say what came of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache, partial
from itertools import groupby
from typing import Any, Protocol

from pawlc.diagnostics import CompileError, Diagnostic, Severity
from pawlc.model.machine import Machine
from pawlc.model.resolve import resolve
from pawlc.parse import xstate
from pawlc.parse.xstate.names import Names
from tests.conformance.cases import Answers, Begin, Case, Chart, Seen, Step
from tests.conformance.deployed import deployed, undone
from tests.conformance.interpreted import EndlessLoop, Interpreted
from tests.conformance.walks import names_of
from tests.semantics.database import Connection

NOT_BUILT = frozenset({"PW115", "PW907"})
"""Refusals that say what Pawl does not have, as against what is wrong with a chart."""


class Engine(Protocol):
    """One instance, however it is made."""

    machine: Machine

    def start(self, answers: Answers) -> Seen: ...
    def begin(self, begin: Begin) -> Seen: ...
    def send(self, event: Mapping[str, Any], answers: Answers) -> Seen: ...
    def advance(self, milliseconds: int, answers: Answers) -> Seen: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """A chart as the compiler's front half understands it; `machine` None if it refuses it."""

    machine: Machine | None
    names: Names
    refusals: tuple[Diagnostic, ...]

    def reason(self) -> str | None:
        """Why the chart is not applicable: all that is wrong is that something is not built."""
        if self.refusals and all(d.code in NOT_BUILT for d in self.refusals):
            return "; ".join(dict.fromkeys(d.message for d in self.refusals))
        return None


@lru_cache(maxsize=4)
def load(chart: Chart) -> Loaded:
    """Read and resolve a chart; cases that share one follow each other."""
    names = names_of(chart.config)
    written, found = xstate.parse(chart.config, "m.json", chart.companion)
    errors = _errors(found)
    if written is None or errors:
        return Loaded(None, names, errors)
    machine, found = resolve(written)
    errors = _errors(found)
    return Loaded(None if errors else machine, names, errors)


def _errors(found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    return tuple(one for one in found if one.severity is Severity.ERROR)


class Outcome(StrEnum):
    """What came of a case."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case's suite, group and name, what came of it, and why if it did not pass.

    Only the ledger says that a case differs: `fails` is then how it fails, and `why` is explained.
    """

    suite: str
    group: str
    name: str
    outcome: Outcome
    why: str = ""
    fails: str = ""

    @property
    def title(self) -> str:
        """The case's name within its suite."""
        return f"{self.group}/{self.name}"


def verdicts(cases: Iterable[Case], connection: Connection | None) -> Iterator[Verdict]:
    """Judge cases, those of one chart together.

    A case passes if it goes as it must in the interpreter and, with a connection, in Postgres.
    """
    for chart, together in groupby(cases, key=lambda case: case.chart):
        yield from _of_chart(chart, list(together), connection)


def _of_chart(chart: Chart, cases: list[Case], connection: Connection | None) -> Iterator[Verdict]:
    loaded = load(chart)
    ready: list[Case] = []
    for case in cases:
        reason = case.reason or loaded.reason()
        why = None if reason else shielded(partial(interpret, case))
        if reason:
            yield _verdict(case, Outcome.NOT_APPLICABLE, reason)
        elif why or connection is None:
            yield _verdict(
                case, Outcome.FAILED if why else Outcome.PASSED, why and f"interpreter {why}"
            )
        else:
            ready.append(case)
    if ready and connection is not None:
        yield from _in_postgres(chart, loaded, ready, connection)


def _in_postgres(
    chart: Chart, loaded: Loaded, cases: list[Case], connection: Connection
) -> Iterator[Verdict]:
    """The same cases in Postgres, each in a savepoint of its own."""
    try:
        with deployed(connection, chart, loaded.names) as engine:
            for case in cases:
                with undone(connection):
                    why = shielded(partial(judge, case, engine))
                outcome = Outcome.FAILED if why else Outcome.PASSED
                yield _verdict(case, outcome, why and f"Postgres {why}")
    except CompileError as error:
        circle = all(diagnostic.code == "PW403" for diagnostic in error.diagnostics)
        for case in cases:
            if circle and case.wanted is not None and case.wanted.status == "error":
                yield _verdict(case, Outcome.PASSED, None)  # it would never come to rest
            else:
                yield _verdict(case, Outcome.FAILED, f"Postgres: {error}")
    except Exception as error:  # the SQL itself is wrong; the other charts go on
        why = f"Postgres: {type(error).__name__}: {str(error).splitlines()[0]}"
        yield from (_verdict(case, Outcome.FAILED, why) for case in cases)


def _verdict(case: Case, outcome: Outcome, why: str | None) -> Verdict:
    return Verdict(case.suite, case.group, case.name, outcome, why or "")


def shielded(run: Callable[[], str | None]) -> str | None:
    """What went wrong, an exception included: one case must not end the run."""
    try:
        return run()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def interpret(case: Case) -> str | None:
    """Run a case through the interpreter; None if all was as it must be, else what was not."""
    loaded = load(case.chart)
    if loaded.machine is None:
        return "; ".join(f"{d.code} {d.message}" for d in loaded.refusals)
    return judge(case, Interpreted(loaded.machine, loaded.names))


def judge(case: Case, engine: Engine) -> str | None:
    """Start an instance and take the steps until something differs."""
    try:
        where, wanted = "at first", case.wanted
        seen = engine.start(case.answers) if case.begin is None else engine.begin(case.begin)
        seen = _told(engine, seen) if case.tells else seen
        differences = () if case.wanted is None else seen.differences(case.wanted)
        for number, step in enumerate(case.steps, 1):
            if differences:
                break
            where, wanted = f"after step {number} ({step})", step.wanted
            seen = take(engine, step)
            seen = _told(engine, seen) if case.tells else seen
            differences = seen.differences(step.wanted)
    except EndlessLoop as loop:  # XState's actor is in error for good; here nothing has happened
        return None if wanted is not None and wanted.status == "error" else f"{where}: {loop}"
    return f"{where}: {'; '.join(differences)}" if differences else None


def _told(engine: Engine, seen: Seen) -> Seen:
    """What is seen after each actor that has begun told its first snapshot, if anybody listens."""
    listening = {i.id for state in engine.machine.states for i in state.invokes if i.observed}
    begun = [id for id in seen.started if id in listening]
    while begun:
        after = engine.send({"type": f"xstate.snapshot.{begun.pop(0)}"}, Answers())
        begun += [id for id in after.started if id in listening]
        seen = replace(after, actions=(*(seen.actions or ()), *(after.actions or ())))
    return seen


def take(engine: Engine, step: Step) -> Seen:
    """Take one step."""
    if step.event is not None:
        return engine.send(step.event, step.answers)
    assert step.advance is not None
    return engine.advance(step.advance, step.answers)
