"""Every case of `tests/cases` runs through the interpreter as its scenario says."""

import pytest

from pawlc.diagnostics import Severity
from pawlc.model.machine import Machine
from pawlc.model.resolve import resolve
from pawlc.parse.yaml import parse
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.scenario import Case, cases, expected, perform, shown

CASES = tuple(case for case in cases() if "interpreter" in case.engines)


def compiled(case: Case) -> Machine:
    """The case's machine, which must be free of errors."""
    syntax, problems = parse(case.definition.read_text(encoding="utf-8"), case.definition.name)
    assert syntax is not None
    machine, more = resolve(syntax)
    errors = [d for d in (*problems, *more) if d.severity is Severity.ERROR]
    assert errors == []
    return machine


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_scenario_goes_as_it_says(case: Case) -> None:
    driver = Interpreted(compiled(case), evaluate)
    for step in case.steps:
        observed = perform(driver, step.action)
        wanted = expected(step)
        assert shown(observed, wanted) == wanted, f"{case.name}/scenario.yaml:{step.line}"


def test_there_are_cases() -> None:
    assert len(CASES) >= 20
