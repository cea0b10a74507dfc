"""Random charts and migrations in the interpreter and in Postgres; a part of `make fuzz`."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.semantics.charts import Walk, block, charts, walks
from tests.semantics.differential import check_same, compiled
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.keep import Step, expectation, write
from tests.semantics.upgrading import Leg, check_journey
from tests.semantics.versions import Upgrade, journeys, upgrades
from tests.semantics.versions import compiled as compiled_versions
from tests.semantics.walks import take

_BATCH = 50

all_charts = st.one_of(charts(), charts(parallel=True, history=True))
onwards_or_to_and_fro = st.one_of(
    st.tuples(upgrades(versions=3), journeys(3, back=False)),
    st.tuples(upgrades(versions=3, back=True), journeys(3, back=True)),
)


def run(dsn: str, first_seed: int, until: float, findings: Path) -> Iterator[int]:
    """Yield the number of charts compared after each batch, until `time.monotonic()` is `until`.

    A difference is written to `findings`, as small as hypothesis makes it, and raised.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        number = first_seed
        while time.monotonic() < until:
            yield _batch(connection, number, findings)
            yield _upgrades(connection, number, findings)
            number += 1


def _batch(connection: psycopg.Connection[Any], number: int, findings: Path) -> int:
    compared = 0
    last: tuple[str, list[Walk]] = ("", [])

    @seed(number)
    @settings(
        max_examples=_BATCH,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(all_charts, walks())
    def agree(text: str, steps: list[Walk]) -> None:
        nonlocal compared, last
        last = (text, steps)
        chart = compiled(text)
        if chart is not None:
            check_same(chart, steps, connection)
            compared += 1

    try:
        agree()
    except BaseException:
        write(findings / f"postgres-{number}", last[0], scenario_of(*last))
        raise
    return compared


def _upgrades(connection: psycopg.Connection[Any], number: int, findings: Path) -> int:
    """The same for charts of three versions: onwards, and to and fro where they say how."""
    compared = 0
    last: tuple[Upgrade, tuple[Leg, ...]] | None = None

    @seed(number)
    @settings(
        max_examples=_BATCH,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(onwards_or_to_and_fro)
    def agree(drawn: tuple[Upgrade, tuple[Leg, ...]]) -> None:
        nonlocal compared, last
        last = drawn
        upgrade, legs = drawn
        versions = compiled_versions(upgrade)
        if versions is not None:
            check_journey(versions, legs, connection)
            compared += 1

    try:
        agree()
    except BaseException:
        if last is not None:
            _keep(findings / f"upgrade-{number}", *last)
        raise
    return compared


def _keep(folder: Path, upgrade: Upgrade, legs: tuple[Leg, ...]) -> None:
    """Write every version, and what was done on the way: in which version, and what."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, written in enumerate(upgrade.written, 1):
        text = "\n".join(block(written))
        (folder / f"chart.{number}.machine.yaml").write_text(text, encoding="utf-8")
    for number, (version, walk) in enumerate(legs, 1):
        done = "\n".join((f"version {version}", *map(str, walk)))
        (folder / f"steps.{number}.txt").write_text(done, encoding="utf-8")


def scenario_of(text: str, steps: list[Walk]) -> Iterator[Step]:
    """The steps of a walk with what they show in the interpreter."""
    chart = compiled(text)
    assert chart is not None
    driver = Interpreted(chart.machine, evaluate)
    yield {"create": {}}, expectation(driver.create({}))
    for step in steps if driver.snapshot is not None else ():
        assert driver.snapshot is not None
        live = driver.snapshot.invokes
        yield doing(step, live), expectation(take(driver, step, live))


def doing(step: Walk, live: tuple[str, ...]) -> dict[str, Any]:
    """A step as a scenario says it.

    >>> doing(Walk("send", "go", 2), ())
    {'send': {'type': 'go', 'x': 2}}
    """
    match step.kind:
        case "send":
            return {"send": {"type": step.name, "x": step.number}}
        case "done" if live:
            return {"done": {"invoke": live[step.number % len(live)], "output": {"y": step.number}}}
        case "error" if live:
            invoke = live[step.number % len(live)]
            return {"error": {"invoke": invoke, "error": {"message": "no"}}}
        case kind:
            return {"advance": f"{step.number if kind == 'advance' else 0} seconds"}
