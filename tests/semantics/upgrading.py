"""One random upgrade in the interpreter and in Postgres: a walk in each version, moves between."""

import re
from functools import partial
from typing import Any

from pawlc.compile import Compiled
from pawlc.interpret import Environment, Evaluate
from pawlc.model.machine import Expression
from tests.semantics.charts import Walk
from tests.semantics.database import Connection, Deployed
from tests.semantics.differential import undone
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.observed import Observed
from tests.semantics.walks import take

Leg = tuple[int, list[Walk]]
"""A version, and what is done there; on a journey each is one more or one less than the last."""

_CALL = re.compile(r"pawl_\w+\.v(\d+)_(\w+)\(")


def check_upgrade(
    charts: tuple[Compiled, ...], steps: tuple[list[Walk], ...], connection: Connection
) -> None:
    """Assert that every step and every move shows the same in both: a walk in each version."""
    check_journey(charts, tuple(enumerate(steps, 1)), connection)


def check_return(
    charts: tuple[Compiled, ...], steps: tuple[list[Walk], ...], connection: Connection
) -> None:
    """Assert the same of the way to the last version and back to the first, a walk in each."""
    there = range(1, len(charts) + 1)
    check_journey(charts, tuple(zip((*there, *there[-2::-1]), steps, strict=True)), connection)


def check_journey(
    charts: tuple[Compiled, ...], legs: tuple[Leg, ...], connection: Connection
) -> None:
    """Assert that an instance shows the same in both on its way through versions.

    Ends early where the instance cannot be created or moved, is done, or a timer fails.
    """
    with undone(connection):
        first, *further = legs
        interpreted = Interpreted(charts[0].machine, _evaluating(charts))
        deployed = Deployed(connection, charts[0])
        wanted = interpreted.create({})
        assert deployed.create({}) == wanted
        if wanted.error or not walked(interpreted, deployed, first[1]):
            return
        for version, walk in further:
            if not running(interpreted):
                return
            before = interpreted.machine.version
            moved = _moved(interpreted, charts, version)
            assert deployed.migrate(charts[version - 1], before) == moved
            if moved.error or not walked(interpreted, deployed, walk):
                return


def _moved(interpreted: Interpreted, charts: tuple[Compiled, ...], version: int) -> Observed:
    """Move the instance to the next version, or as that one says to the one before."""
    before = interpreted.machine.version
    if version > before:
        chart = charts[version - 1]
        python = partial(_called, chart)
        return interpreted.migrate(chart.machine, chart.machine.migrations[0], python)
    (target,) = charts[before - 1].machine.back
    return interpreted.migrate(target, target.migrations[0])


def _evaluating(charts: tuple[Compiled, ...]) -> Evaluate:
    """Evaluate the small SQL, and guards that call a function of a companion."""
    versions = {chart.machine.version: chart for chart in charts}

    def evaluated(expression: Expression, environment: Environment) -> object:
        call = _CALL.fullmatch(str(expression.parts[0]))
        if call is None:
            return evaluate(expression, environment)
        old = [environment.old[ref.name] for ref in expression.refs()]
        return _called(versions[int(call[1])], call[2], tuple(old))

    return evaluated


def _called(chart: Compiled, function: str, arguments: tuple[object, ...]) -> Any:
    """Call a function of a companion as Python does, without a server."""
    scope: dict[str, Any] = {}
    exec(compile(chart.companion or "", "chart.py", "exec"), scope)
    return scope[function](*arguments)


def walked(interpreted: Interpreted, deployed: Deployed, steps: list[Walk]) -> bool:
    """Take every step in both; whether none of them left a timer that failed."""
    for step in steps:
        assert interpreted.snapshot is not None
        live = interpreted.snapshot.invokes
        wanted = take(interpreted, step, live)
        assert take(deployed, step, live) == wanted
        if wanted.error and step.kind == "advance":
            return False
    return True


def running(interpreted: Interpreted) -> bool:
    """Whether there is something to move."""
    return interpreted.snapshot is not None and interpreted.snapshot.status == "running"
