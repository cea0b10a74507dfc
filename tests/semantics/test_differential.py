"""The interpreter and Postgres show the same, case by case and for random charts and events."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from pawlc.compile import compile_machine
from tests.semantics.charts import Walk, charts, walks
from tests.semantics.database import Deployed
from tests.semantics.differential import check_same, compiled, undone
from tests.semantics.scenario import Case, cases, expected, perform, shown

CASES = tuple(case for case in cases() if "postgres" in case.engines)

quick = settings(
    max_examples=60,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_scenario_goes_in_postgres_as_it_says(
    case: Case, connection: psycopg.Connection[Any]
) -> None:
    chart = compile_machine(case.definition.read_text("utf-8"), case.definition.name)
    with undone(connection):
        driver = Deployed(connection, chart)
        for step in case.steps:
            observed = perform(driver, step.action)
            wanted = expected(step)
            assert shown(observed, wanted) == wanted, f"{case.name}/scenario.yaml:{step.line}"


@pytest.mark.smoke
@pytest.mark.timeout(600)
@quick
@given(text=st.one_of(charts(), charts(parallel=True, history=True)), steps=walks())
def test_a_random_chart_goes_in_postgres_as_in_the_interpreter(
    text: str, steps: list[Walk], shared_connection: psycopg.Connection[Any]
) -> None:
    chart = compiled(text)
    if chart is None:
        reject()
    check_same(chart, steps, shared_connection)
