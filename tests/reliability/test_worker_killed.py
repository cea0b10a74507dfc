"""A worker dies at every point between a claim and what follows from it; another takes over."""

from __future__ import annotations

import signal
import time

import psycopg
import pytest

from tests.reliability.conftest import LEASE_IS_OVER, Place
from tests.reliability.ledger import LOOK, PATIENCE
from tests.worker.processes import Process

GATE = 77  # an advisory lock of the test's own


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


@pytest.mark.parametrize(
    ("adds", "attempts"),
    [pytest.param(0, [2], id="one result: undone"), pytest.param(1, [1, 1], id="two: committed")],
)
def test_a_worker_is_killed_while_its_results_are_being_stored(
    place: Place, adds: int, attempts: list[int]
) -> None:
    place.connection.execute(
        f"""
        create function outside.wait_at_the_gate() returns trigger language plpgsql as $$
        begin
          perform pg_advisory_xact_lock_shared({GATE});
          return new;
        end
        $$;
        create trigger gate before insert on pawl.effect_result
        for each row execute function outside.wait_at_the_gate()
        """
    )
    place.one_job(adds)
    with psycopg.connect(place.dsn, autocommit=True) as gate:
        gate.execute("select pg_advisory_lock(%s)", (GATE,))
        with place.worker() as first:
            waits_at_the_gate(place)
            first.popen.kill()
            first.end()
    nobody_works(place)
    taken_over(place)
    assert sorted(place.ledger.effects().values()) == attempts


def waits_at_the_gate(place: Place) -> None:
    _until(place, "wait_event = 'advisory'", 1)


def nobody_works(place: Place) -> None:
    """Wait until Postgres has noticed that the worker is dead."""
    _until(place, "true", 0)


def _until(place: Place, what: str, count: int) -> None:
    query = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        f" and application_name = 'pawl worker' and {what}"
    )
    end = time.monotonic() + PATIENCE
    while place.connection.execute(query.encode()).fetchone() != (count,):
        assert time.monotonic() < end, f"never {count} sessions of workers where {what}"
        time.sleep(LOOK)


def test_a_worker_is_killed_between_a_stored_result_and_its_event(place: Place) -> None:
    place.one_job()
    place.connection.execute("update outside.switch set open = 0")
    with place.worker(DIE_AT="stored") as first:
        dies(first)
    place.connection.execute("update outside.switch set open = 1")
    taken_over(place)
    assert list(place.ledger.effects().values()) == [1], "a stored result is never performed again"
