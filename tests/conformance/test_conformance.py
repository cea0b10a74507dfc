"""A sample of the outside suites; `make conformance` runs them all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conformance import ledger, report, scxml, suites
from tests.conformance.cases import Case
from tests.conformance.judge import Verdict, verdicts

ALL = suites.files(suites.DEFAULT) if suites.DEFAULT.is_dir() else ()
FILES = tuple(file for file in ALL if not scxml.is_document(file[1]))
DOCUMENTS = tuple(file for file in ALL if scxml.is_document(file[1]))
needs_suites = pytest.mark.skipif(not FILES, reason=suites.ABSENT)


def named(file: tuple[str, Path]) -> str:
    return f"{file[0]}/{file[1].stem}"


@pytest.fixture(scope="module")
def kept() -> dict[ledger.Key, Verdict]:
    return ledger.read()


@needs_suites
def test_the_ledger_and_the_suites_speak_of_the_same_cases(
    kept: dict[ledger.Key, Verdict],
) -> None:
    cases = [(c.suite, c.group, c.name) for file in FILES for c in suites.cases(*file)]
    cases += [key for file in DOCUMENTS for key in scxml.cases(*file)]
    assert list(ledger.strangers(cases, kept)) == []
    assert [case for case in cases if case not in kept] == []


@needs_suites
def test_the_report_in_the_documentation_says_what_the_ledger_says(
    kept: dict[ledger.Key, Verdict],
) -> None:
    index = suites.DEFAULT / "w3c" / "index.json"
    verdicts_of_w3c = [verdict for verdict in kept.values() if verdict.suite == "w3c"]
    text = report.DOCUMENT.read_text(encoding="utf-8")
    assert report.in_document(text) == report.table(verdicts_of_w3c, index)


@needs_suites
@pytest.mark.parametrize("file", FILES[::9], ids=named)
def test_the_interpreter_goes_as_xstate(
    file: tuple[str, Path], kept: dict[ledger.Key, Verdict]
) -> None:
    assert list(ledger.compare(verdicts(suites.cases(*file), None), kept)) == []


@needs_suites
@pytest.mark.parametrize("file", FILES[3::40], ids=named)
def test_postgres_goes_as_xstate(
    file: tuple[str, Path],
    kept: dict[ledger.Key, Verdict],
    connection: psycopg.Connection[Any],
) -> None:
    cases = first_of_each_chart(suites.cases(*file))
    assert list(ledger.compare(verdicts(cases, connection), kept)) == []


@needs_suites
@pytest.mark.parametrize("file", DOCUMENTS[::7], ids=named)
def test_both_engines_go_as_a_document_of_scxml_wants(
    file: tuple[str, Path],
    kept: dict[ledger.Key, Verdict],
    connection: psycopg.Connection[Any],
) -> None:
    assert list(ledger.compare([scxml.verdict(*file, connection)], kept)) == []


def first_of_each_chart(cases: Iterator[Case]) -> Iterator[Case]:
    """The first case of each of a file's first charts: deploying them is what takes its time."""
    charts = []
    for case in cases:
        if case.chart not in charts:
            charts.append(case.chart)
            yield case
        if len(charts) == 5:
            return
