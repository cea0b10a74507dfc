"""Each case of tests/errors gives the diagnostics that it marks, and its golden report."""

from pathlib import Path

import pytest

from pawlc.codes import CODES
from tests.compiler.test_codes import AT_DEPLOY
from tests.errors_golden import cases, golden, marked, name, of_case, report


@pytest.mark.parametrize("case", cases(), ids=name)
def test_a_case_gives_what_it_marks(case: Path) -> None:
    found = [(d.span.file, d.span.start.line, d.span.start.column, d.code) for d in of_case(case)]
    assert sorted(found) == marked(case)
    assert case.name[:5] in {code for *_, code in found}


@pytest.mark.parametrize("case", cases(), ids=name)
def test_the_report_of_a_case_is_the_golden_one(case: Path) -> None:
    assert report(case) == golden(case).read_text(encoding="utf-8")


def test_every_code_has_a_case() -> None:
    assert {case.name[:5] for case in cases()} == set(CODES) - AT_DEPLOY


def test_every_golden_report_belongs_to_a_case() -> None:
    known = {golden(case) for case in cases()}
    assert set(golden(cases()[0]).parent.glob("*.txt")) == known
