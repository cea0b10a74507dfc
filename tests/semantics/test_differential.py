"""The interpreter and Postgres show the same, case by case and for random charts and events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from pawlc.compile import compile_machine
from pawlc.diagnostics import CompileError, Severity
from tests.semantics.charts import Walk, charts, walks
from tests.semantics.database import Deployed
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.scenario import Case, cases, expected, perform, shown
from tests.semantics.walks import take

CASES = tuple(case for case in cases() if "postgres" in case.engines)

quick = settings(
    max_examples=60,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)


@contextmanager
def undone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """A transaction that leaves nothing behind."""
    with connection.transaction(force_rollback=True):
        yield


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_scenario_goes_in_postgres_as_it_says(
    case: Case, connection: psycopg.Connection[Any]
) -> None:
    compiled = compile_machine(case.definition.read_text("utf-8"), case.definition.name)
    with undone(connection):
        driver = Deployed(connection, compiled)
        for step in case.steps:
            observed = perform(driver, step.action)
            wanted = expected(step)
            assert shown(observed, wanted) == wanted, f"{case.name}/scenario.yaml:{step.line}"


@pytest.mark.smoke
@quick
@given(text=st.one_of(charts(), charts(parallel=True, history=True)), steps=walks())
def test_a_random_chart_goes_in_postgres_as_in_the_interpreter(
    text: str, steps: list[Walk], shared_connection: psycopg.Connection[Any]
) -> None:
    try:
        compiled = compile_machine(text, "chart.machine.yaml")
    except CompileError as error:
        # A chart that is certain to go in circles is refused; no other refusal is expected.
        errors = {d.code for d in error.diagnostics if d.severity is Severity.ERROR}
        assert errors == {"PW403"}
        reject()
    with undone(shared_connection):
        interpreted = Interpreted(compiled.machine, evaluate)
        deployed = Deployed(shared_connection, compiled)
        wanted = interpreted.create({})
        assert deployed.create({}) == wanted
        if wanted.error:
            return
        for step in steps:
            assert interpreted.snapshot is not None
            live = interpreted.snapshot.invokes
            wanted = take(interpreted, step, live)
            assert take(deployed, step, live) == wanted
            if wanted.error and step.kind == "advance":
                return
