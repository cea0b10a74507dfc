"""Thousands of events from many clients, in the best of worlds and with workers that die."""

from __future__ import annotations

import psycopg
import pytest

from tests.reliability.conftest import SHORT_LEASE, Place

pytestmark = pytest.mark.timeout(900)

BURST = {"clients": 20, "jobs": 25, "adds": 19}  # 10,000 events


@pytest.mark.long
def test_a_burst_is_performed_to_the_last(place: Place) -> None:
    with place.worker("--concurrency", "50"), place.worker("--concurrency", "50"):
        with place.load(**BURST) as load:
            assert load.events == 10_000
        place.balance()
    assert set(place.ledger.effects().values()) == {1}, "nobody died, so nothing is done twice"


@pytest.mark.long
def test_a_burst_survives_workers_that_die_again_and_again(place: Place) -> None:
    with place.load(**BURST) as load:
        for count in range(1500, load.events, 1500):
            with place.worker("--concurrency", "50", *SHORT_LEASE) as process:
                place.ledger.wait_for_effects(count)
                process.popen.kill()
                process.end()
    with place.worker("--concurrency", "50"):
        place.balance()


@pytest.mark.long
def test_a_snapshot_that_is_held_for_ever_stops_nothing(place: Place) -> None:
    with psycopg.connect(place.dsn) as idle:
        idle.execute("set transaction isolation level repeatable read")
        idle.execute("select pg_current_xact_id(), count(*) from pawl.outbox")
        with place.worker("--concurrency", "50"):
            with place.load(clients=8, jobs=25, adds=14):
                pass
            place.balance()
