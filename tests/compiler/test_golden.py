"""The SQL of every case is what stands in its folder; `make golden` rewrites it."""

import pytest

from tests.golden import generated
from tests.semantics.scenario import Case, cases


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_sql_of_a_case_is_as_expected(case: Case) -> None:
    expected = case.folder / "expected.sql"
    assert expected.exists(), "make golden writes it"
    assert generated(case) == expected.read_text(encoding="utf-8")
