"""A worker dies at every point between a claim and what follows from it; another takes over."""

from __future__ import annotations

import signal

import psycopg
import pytest

from tests.reliability.conftest import LEASE_IS_OVER, Place
from tests.reliability.gates import GATE, gate_before_results, sessions_of_workers
from tests.worker.processes import Process


def dies(process: Process) -> None:
    """Wait until it has killed itself."""
    assert process.end() == -signal.SIGKILL


def taken_over(place: Place) -> None:
    """Have another worker finish what the dead one had, once its lease is over."""
    place.pass_time(LEASE_IS_OVER)
    with place.worker():
        place.balance()


@pytest.mark.parametrize(
    ("point", "attempts"),
    [
        pytest.param("claimed", 1, id="before any handler begins"),
        pytest.param("begun", 1, id="in its handler before the work"),
        pytest.param("performed", 2, id="in its handler after the work", marks=pytest.mark.smoke),
        pytest.param("applied", 1, id="before it hears that the result is stored"),
    ],
)
def test_a_worker_is_killed(place: Place, point: str, attempts: int) -> None:
    place.one_job()
    with place.worker(DIE_AT=point) as first:
        dies(first)
    taken_over(place)
    assert list(place.ledger.effects().values()) == [attempts]


CUT = """\
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = current_database() and wait_event = 'advisory'"""


@pytest.mark.parametrize("adds", [pytest.param(0, id="one"), pytest.param(1, id="two")])
@pytest.mark.parametrize(
    ("ends", "attempts"),
    [pytest.param("select", 1, id="committed"), pytest.param(CUT, 2, id="undone")],
)
def test_a_worker_is_killed_while_its_results_are_being_stored(
    place: Place, adds: int, ends: str, attempts: int
) -> None:
    """Postgres ends the statement, unless its session ends too."""
    gate_before_results(place)
    place.one_job(adds)
    with psycopg.connect(place.dsn, autocommit=True) as gate:
        gate.execute("select pg_advisory_lock(%s)", (GATE,))
        with place.worker() as first:
            sessions_of_workers(place, "wait_event = 'advisory'", 1)
            first.popen.kill()
            first.end()
            place.connection.execute(ends.encode())
            if ends == CUT:
                sessions_of_workers(place, "wait_event = 'advisory'", 0)
    sessions_of_workers(place, "true", 0)  # Postgres has noticed that it is dead
    taken_over(place)
    assert [*place.ledger.effects().values()] == [attempts] * (1 + adds)


def test_a_worker_is_killed_between_a_stored_result_and_its_event(place: Place) -> None:
    place.one_job()
    place.connection.execute("update outside.switch set open = 0")
    with place.worker(DIE_AT="stored") as first:
        dies(first)
    place.connection.execute("update outside.switch set open = 1")
    taken_over(place)
    assert list(place.ledger.effects().values()) == [1], "a stored result is never performed again"
