"""The examples run by themselves: the order with its couriers, the onboarding with its e-mails."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import psycopg
import pytest

from pawl.worker import drain_sync
from pawl.worker.loading import load
from tests.worker.conftest import deploy_file
from tests.worker.processes import worker

EXAMPLES = Path(__file__).parents[2] / "examples"
ORDER = EXAMPLES / "food_delivery"
ONBOARDING = EXAMPLES / "onboarding"
NEW_ORDER = {
    "customer_id": "00000000-0000-4000-8000-000000000001",
    "restaurant_id": "00000000-0000-4000-8000-000000000002",
    "total": 24.5,
}


def create(connection: psycopg.Connection, machine: str, id: str, **input: object) -> None:
    connection.execute("select create_instance(%s, %s, %s)", (machine, id, json.dumps(input)))


def send(connection: psycopg.Connection, machine: str, id: str, type: str, **data: object) -> None:
    event = json.dumps({"type": type, **data})
    connection.execute("select send_event(%s, %s, %s)", (machine, id, event))


def state(connection: psycopg.Connection, machine: str, id: str) -> str:
    query = f"select array_to_string(state, ',') from pawl_{machine}.instance where id = %s"
    row = connection.execute(query.encode(), (id,)).fetchone()
    assert row is not None
    return str(row[0])


def advance(connection: psycopg.Connection, by: str) -> None:
    connection.execute("select pawl.advance_clock(%s::interval)", (by,))


@pytest.fixture
def shop(connection: psycopg.Connection) -> psycopg.Connection:
    deploy_file(connection, ORDER / "order.machine.yaml")
    connection.execute("select pawl.set_clock('2030-01-01 00:00+00')")
    return connection


def test_an_order_asks_courier_after_courier_and_gives_up(
    shop: psycopg.Connection, database: str
) -> None:
    app = load((str(ORDER / "handlers.py"),))
    create(shop, "order", "o-1", **NEW_ORDER)
    drain_sync(app, database)
    send(shop, "order", "o-1", "accept", prep_minutes=20)
    advance(shop, "20 minutes")
    for _ in range(3):
        drain_sync(app, database)
        assert state(shop, "order", "o-1") == "courier_offered"
        advance(shop, "2 minutes")
    drain_sync(app, database)
    assert state(shop, "order", "o-1") == "rejected"


def test_an_order_is_offered_again_when_the_tablet_was_off(
    shop: psycopg.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLET_OFF", "1")
    app = load((str(ORDER / "handlers.py"),))
    create(shop, "order", "o-1", **NEW_ORDER)
    attempts = 0
    while state(shop, "order", "o-1") == "offered":
        attempts += len(drain_sync(app, database).effects)
        shop.execute("update pawl.lease set until = pawl.now()")
    assert attempts == 5
    (reason,) = shop.execute("select reason from pawl_order.instance").fetchone() or ("",)
    assert reason == "the tablet is off"


@pytest.mark.smoke
def test_a_worker_runs_the_order_by_itself(shop: psycopg.Connection, database: str) -> None:
    shop.execute("select pawl.reset_clock()")
    with worker(database, str(ORDER / "handlers.py")) as process:
        create(shop, "order", "o-1", **NEW_ORDER)
        process.wait_for("applied", effect="offer_to_restaurant")
        send(shop, "order", "o-1", "accept", prep_minutes=1)
        shop.execute("update pawl.timer set due_at = now() where name like '%prep_time%'")
        process.wait_for("applied", effect="offer_to_courier")
        send(shop, "order", "o-1", "courier.accept")
        send(shop, "order", "o-1", "complete")
    assert state(shop, "order", "o-1") == "delivered"


@pytest.fixture
def signups(connection: psycopg.Connection) -> psycopg.Connection:
    deploy_file(connection, ONBOARDING / "onboarding.machine.yaml")
    connection.execute("select pawl.set_clock('2030-01-01 00:00+00')")
    for id, host in (("u-1", "example.org"), ("u-2", "example.invalid")):
        create(connection, "onboarding", id, email=f"ann@{host}", name="Ann")
    return connection


def test_the_second_mail_goes_out_after_a_day(
    signups: psycopg.Connection, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mail")
    app = load((str(ONBOARDING / "handlers.py"),))
    drain_sync(app, database)
    assert state(signups, "onboarding", "u-1") == "active.waiting"
    assert state(signups, "onboarding", "u-2") == "undeliverable"
    advance(signups, "23 hours")
    drain_sync(app, database)
    assert state(signups, "onboarding", "u-1") == "active.waiting"
    advance(signups, "1 hour")
    drain_sync(app, database)
    assert state(signups, "onboarding", "u-1") == "onboarded"
    subjects = [
        record.message.partition(" -> ")[0] for record in caplog.records if record.name == "mail"
    ]
    assert subjects == ["Welcome, Ann!", "Ann, shall we begin?"]


@pytest.mark.parametrize("when", ["at once", "later"])
def test_who_has_begun_gets_no_second_mail(
    signups: psycopg.Connection, database: str, when: str
) -> None:
    app = load((str(ONBOARDING / "handlers.py"),))
    if when == "later":
        drain_sync(app, database)
    send(signups, "onboarding", "u-1", "project.created")
    drain_sync(app, database)
    assert state(signups, "onboarding", "u-1") == "onboarded"
    (reminded,) = signups.execute(
        "select count(reminded_at) from pawl_onboarding.instance"
    ).fetchone() or (1,)
    assert reminded == 0


def test_who_unsubscribes_gets_no_mail_at_all(signups: psycopg.Connection, database: str) -> None:
    send(signups, "onboarding", "u-1", "unsubscribe")
    did = drain_sync(load((str(ONBOARDING / "handlers.py"),)), database)
    assert [one.claim.id for one in did.effects] == ["u-2"]
    assert state(signups, "onboarding", "u-1") == "unsubscribed"
