"""A worker is stopped: for a while, so that it wakes up with a lease of the past; or for good."""

from __future__ import annotations

import os
import signal

import pytest

from tests.reliability.conftest import LEASE_IS_OVER, Place
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


@pytest.mark.parametrize(
    "grace", [pytest.param("60", id="waits for handlers"), pytest.param("0", id="gives them back")]
)
def test_a_worker_that_is_told_to_end_under_load_leaves_nothing(place: Place, grace: str) -> None:
    with place.load() as load:
        for round in range(1, 4):
            with place.worker("--grace", grace, PACE="0.05") as process:
                place.ledger.wait_for_effects(round * load.events // 6)
                process.signal(signal.SIGTERM)
                process.wait_for("stopped")
                assert process.end() == 0
            held = "select * from pawl.lease where worker is not null"
            assert place.connection.execute(held).fetchall() == []
    again = [line for line in process.lines if line["event"] == "claimed" and line["attempt"] > 1]
    assert again == [], "what was given back does not count as an attempt"
    with place.worker():
        place.balance()
