"""The examples' further versions: side by side in one worker, and instances that change theirs."""

from __future__ import annotations

import logging
from pathlib import Path

import psycopg
import pytest

from pawl.worker import drain_sync
from pawl.worker.loading import load
from tests.worker.conftest import deploy_file
from tests.worker.test_examples import NEW_ORDER, ORDER, create, send, state

ONBOARDING = ORDER.parent / "onboarding"


def advance(connection: psycopg.Connection, by: str) -> None:
    connection.execute("select pawl.advance_clock(%s::interval)", (by,))


@pytest.fixture
def shop(connection: psycopg.Connection) -> psycopg.Connection:
    deploy_file(connection, ORDER / "order.machine.yaml")
    connection.execute("select pawl.set_clock('2030-01-01 00:00+00')")
    return connection


@pytest.fixture
def signup(connection: psycopg.Connection) -> psycopg.Connection:
    """Somebody whose welcome is under way."""
    deploy_file(connection, ONBOARDING / "onboarding.machine.yaml")
    create(connection, "onboarding", "u-1", email="ann@example.org", name="Ann")
    return connection


def upgrade(connection: psycopg.Connection, example: Path, machine: str, to: int) -> None:
    """Deploy the next version of an example and move every instance to it."""
    deploy_file(connection, example / f"{machine}.{to}.machine.yaml")
    moved = connection.execute(
        "select reason from pawl.migrate_instances(%s, %s, %s)", (machine, to - 1, to)
    ).fetchall()
    assert all(reason is None for (reason,) in moved)


def test_orders_of_three_versions_run_side_by_side_in_one_worker(
    shop: psycopg.Connection, database: str
) -> None:
    app = load((str(ORDER / "handlers.py"),))
    create(shop, "order", "v1", **NEW_ORDER)
    deploy_file(shop, ORDER / "order.2.machine.yaml")
    create(shop, "order", "v2", **NEW_ORDER, partner=False)
    deploy_file(shop, ORDER / "order.3.machine.yaml")
    create(shop, "order", "v3", **NEW_ORDER, partner=True)
    drain_sync(app, database)
    states = {id: state(shop, "order", id) for id in ("v1", "v2", "v3")}
    assert states == {"v1": "offered", "v2": "courier_offered", "v3": "offered"}
    for id in ("v1", "v3"):
        send(shop, "order", id, "accept", prep_minutes=5)
    advance(shop, "5 minutes")
    drain_sync(app, database)
    states = {id: state(shop, "order", id) for id in ("v1", "v3")}
    assert states == {"v1": "courier_offered", "v3": "courier.asked"}


def test_a_courier_buys_where_nobody_knows_us(shop: psycopg.Connection, database: str) -> None:
    app = load((str(ORDER / "handlers.py"),))
    deploy_file(shop, ORDER / "order.2.machine.yaml")
    create(shop, "order", "o-1", **NEW_ORDER, partner=False)
    drain_sync(app, database)
    send(shop, "order", "o-1", "courier.accept")
    did = drain_sync(app, database)
    assert [one.claim.effect for one in did.effects] == ["issue_card"]
    send(shop, "order", "o-1", "bought", paid=23.9)
    send(shop, "order", "o-1", "complete")
    assert state(shop, "order", "o-1") == "delivered"


def test_a_restaurant_brings_the_order_itself(shop: psycopg.Connection, database: str) -> None:
    for version in (2, 3):
        deploy_file(shop, ORDER / f"order.{version}.machine.yaml")
    create(shop, "order", "o-1", **NEW_ORDER, partner=True)
    send(shop, "order", "o-1", "accept", prep_minutes=5, self_delivery=True)
    advance(shop, "5 minutes")
    did = drain_sync(load((str(ORDER / "handlers.py"),)), database)
    assert [one.claim.effect for one in did.effects] == []
    assert state(shop, "order", "o-1") == "self_delivering"
    send(shop, "order", "o-1", "complete")
    assert state(shop, "order", "o-1") == "delivered"


def test_running_orders_go_to_version_3_and_nobody_is_asked_twice(
    shop: psycopg.Connection, database: str
) -> None:
    app = load((str(ORDER / "handlers.py"),))
    for id, minutes in (("asked", 5), ("bringing", 5), ("searching", 6), ("cooking", 60)):
        create(shop, "order", id, **NEW_ORDER)
        send(shop, "order", id, "accept", prep_minutes=minutes)
    advance(shop, "5 minutes")
    drain_sync(app, database)
    send(shop, "order", "bringing", "courier.accept")
    advance(shop, "1 minute")
    shop.execute("select pawl.fire_due_timers()")
    create(shop, "order", "new", **NEW_ORDER)
    for version in (2, 3):
        upgrade(shop, ORDER, "order", version)
    ids = ("asked", "bringing", "searching", "cooking", "new")
    assert [state(shop, "order", id) for id in ids] == [
        "courier.asked",
        "courier.bringing",
        "courier.searching",
        "preparing",
        "offered",
    ]
    did = drain_sync(app, database)
    assert [(one.claim.id, one.claim.effect, one.ended) for one in did.effects] == [
        ("searching", "find_courier", "applied"),
        ("new", "offer_to_restaurant", "applied"),
        ("searching", "offer_to_courier", "applied"),
    ]
    advance(shop, "1 minute")  # two since the courier was asked, by version 1
    drain_sync(app, database)
    (asked,) = shop.execute(
        "select cardinality(asked) from pawl_order.instance where id = 'asked'"
    ).fetchone() or (0,)
    assert asked == 2


def test_a_welcome_under_way_is_sent_once_and_later_ones_follow_the_channel(
    signup: psycopg.Connection, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mail")
    upgrade(signup, ONBOARDING, "onboarding", 2)
    create(signup, "onboarding", "u-2", email="bob@example.org", name="Bob", channel="friend")
    drain_sync(load((str(ONBOARDING / "handlers.py"),)), database)
    assert state(signup, "onboarding", "u-1") == "active.waiting"
    subjects = [
        record.message.partition(" -> ")[0] for record in caplog.records if record.name == "mail"
    ]
    assert sorted(subjects) == ["Bob, your friend is here already", "Welcome, Ann!"]
