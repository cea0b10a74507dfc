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
from tests.semantics.walks import take

_CALL = re.compile(r"pawl_\w+\.v(\d+)_(\w+)\(")


def check_upgrade(
    charts: tuple[Compiled, ...], steps: tuple[list[Walk], ...], connection: Connection
) -> bool:
    """Assert that every step and every move shows the same in both.

    Ends early where the instance cannot be created, is done, or a timer fails. True if it got to
    the last version.
    """
    with undone(connection):
        first, *others = charts
        interpreted = Interpreted(first.machine, _evaluating(charts))
        deployed = Deployed(connection, first)
        wanted = interpreted.create({})
        assert deployed.create({}) == wanted
        if wanted.error or not walked(interpreted, deployed, steps[0]):
            return False
        for chart, walk in zip(others, steps[1:], strict=True):
            if not running(interpreted):
                return False
            before = interpreted.machine.version
            python = partial(_called, chart)
            moved = interpreted.migrate(chart.machine, chart.machine.migrations[0], python)
            assert deployed.migrate(chart, before) == moved
            if not walked(interpreted, deployed, walk) or moved.error:
                return False
    return True


def check_return(
    charts: tuple[Compiled, ...], steps: tuple[list[Walk], ...], connection: Connection
) -> None:
    """Assert the same of the way to the last version and back to the first, a walk in each."""
    onward, backward = steps[: len(charts)], steps[len(charts) :]
    with undone(connection):
        interpreted = Interpreted(charts[0].machine, evaluate)
        deployed = Deployed(connection, charts[0])
        wanted = interpreted.create({})
        assert deployed.create({}) == wanted
        if wanted.error or not walked(interpreted, deployed, onward[0]):
            return
        for chart, walk in zip(charts[1:], onward[1:], strict=True):
            if not running(interpreted):
                return
            before = interpreted.machine.version
            moved = interpreted.migrate(chart.machine, chart.machine.migrations[0])
            assert deployed.migrate(chart, before) == moved
            if not walked(interpreted, deployed, walk) or moved.error:
                return
        for chart, walk in zip(charts[:0:-1], backward, strict=True):
            if not running(interpreted):
                return
            (target,) = chart.machine.back
            moved = interpreted.migrate(target, target.migrations[0])
            assert deployed.go_back(chart.machine.version, target.version) == moved
            if not walked(interpreted, deployed, walk) or moved.error:
                return


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
