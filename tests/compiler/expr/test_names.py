"""How names and constants are written into generated SQL."""

import doctest
from types import ModuleType

import pytest
from pglast import parse_sql

from pawlc.expr import columns, companion, functions, lookup, names, parse, python, sql
from pawlc.expr.names import ident, literal


@pytest.mark.parametrize(
    "module", [columns, companion, functions, lookup, names, parse, python, sql]
)
def test_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    "name", ["total", "Total", "end", "loop", "select", "a b", 'a"b', "é", "between", "left", "1a"]
)
def test_an_identifier_reads_back_as_itself(name: str) -> None:
    statement = parse_sql(f"select x.{ident(name)}, {ident(name)} from x")[0].stmt
    qualified, bare = (target.val.fields for target in statement.targetList)
    assert (qualified[1].sval, bare[0].sval) == (name, name)


@pytest.mark.parametrize("value", ["", "a", "it's", "a\\b", "\\'", "é\n", "$$", "--"])
def test_a_constant_reads_back_as_itself(value: str) -> None:
    statement = parse_sql(f"select {literal(value)}")[0].stmt
    assert statement.targetList[0].val.val.sval == value
