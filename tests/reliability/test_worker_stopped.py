"""A worker is stopped: for a while, so that it wakes up with a lease of the past; or for good."""

from __future__ import annotations

import os
import signal

import psycopg
import pytest

from tests.reliability.conftest import LEASE_IS_OVER, Place
from tests.reliability.gates import GATE, gate_before_results, sessions_of_workers
from tests.reliability.ledger import wait_for_row
from tests.worker.processes import Process


def stops(process: Process) -> None:
    """Wait until it has stopped itself."""
    status = os.waitid(os.P_PID, process.popen.pid, os.WSTOPPED | os.WNOWAIT)
    assert status is not None
    assert status.si_status == signal.SIGSTOP


def test_a_late_result_is_refused_while_another_worker_performs_it(place: Place) -> None:
    place.one_job()
    with place.worker(STOP_AT="performed") as sleeper:
        stops(sleeper)
        place.pass_time(LEASE_IS_OVER)
        with place.worker(STOP_AT="begun") as heir:
            stops(heir)
            sleeper.signal(signal.SIGCONT)
            sleeper.wait_for("lost", effect="work", attempt=1)
            assert place.connection.execute("select * from pawl.effect_result").fetchall() == []
            heir.signal(signal.SIGCONT)
            heir.wait_for("applied", effect="work", attempt=2)
            place.balance()
    assert list(place.ledger.effects().values()) == [2]


def test_a_late_result_is_refused_after_another_worker_has_stored_its_own(place: Place) -> None:
    place.one_job()
    with place.worker(STOP_AT="performed") as sleeper:
        stops(sleeper)
        place.pass_time(LEASE_IS_OVER)
        with place.worker() as heir:
            heir.wait_for("applied", effect="work", attempt=2)
            sleeper.signal(signal.SIGCONT)
            sleeper.wait_for("lost", effect="work", attempt=1)
            place.balance()


def test_a_worker_out_of_time_stores_what_is_done_and_gives_back_the_rest(place: Place) -> None:
    gate_before_results(place)
    place.one_job(adds=1)  # whose `tell` is at once, while its `work` takes an hour
    with psycopg.connect(place.dsn, autocommit=True) as gate:
        gate.execute("select pg_advisory_lock(%s)", (GATE,))
        with place.worker("--grace", "0", WORK_TAKES="3600") as process:
            sessions_of_workers(place, "wait_event = 'advisory'", 1)
            process.signal(signal.SIGTERM)
            process.wait_for("told_released", effect="work")
            given_back(place)
            gate.execute("select pg_advisory_unlock(%s)", (GATE,))
            process.wait_for("applied", effect="tell")
            process.wait_for("stopped")
            assert process.end() == 0
    with place.worker() as heir:
        heir.wait_for("claimed", effect="work", attempt=1)
        place.balance()
    assert sorted(place.ledger.effects().values()) == [1, 2]


def given_back(place: Place) -> None:
    """Wait until an effect is nobody's."""
    query = "select exists (select from pawl.lease where worker is null)"
    wait_for_row(place.connection, query, (True,), "nothing is given back")


@pytest.mark.parametrize(
    "grace", [pytest.param("60", id="waits for handlers"), pytest.param("0", id="gives them back")]
)
def test_a_worker_that_is_told_to_end_under_load_leaves_nothing(place: Place, grace: str) -> None:
    with place.load() as load:
        for round in range(1, 4):
            with place.worker("--grace", grace, TELL_TAKES="0.05") as process:
                process.wait_for("started")  # before, a signal ends it like any other program
                place.ledger.wait_for_effects(round * load.events // 6)
                process.signal(signal.SIGTERM)
                process.wait_for("stopped")
                assert process.end() == 0
            held = "select * from pawl.lease where worker is not null"
            assert place.connection.execute(held).fetchall() == []
    with place.worker():
        place.balance()
