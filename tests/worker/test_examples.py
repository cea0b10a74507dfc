"""The order runs by itself, with `pawl worker`; the rest of its life is in its own tests."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.worker.conftest import deploy_file
from tests.worker.processes import worker

ORDER = Path(__file__).parents[2] / "examples" / "food_delivery"
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


@pytest.mark.smoke
def test_a_worker_runs_the_order_by_itself(connection: psycopg.Connection, database: str) -> None:
    deploy_file(connection, ORDER / "order.machine.yaml")
    with worker(database, str(ORDER / "handlers.py")) as process:
        create(connection, "order", "o-1", **NEW_ORDER)
        process.wait_for("applied", effect="offer_to_restaurant")
        send(connection, "order", "o-1", "accept", prep_minutes=1)
        connection.execute("update pawl.timer set due_at = now() where name like '%prep_time%'")
        process.wait_for("applied", effect="offer_to_courier")
        send(connection, "order", "o-1", "courier.accept")
        send(connection, "order", "o-1", "complete")
    assert state(connection, "order", "o-1") == "delivered"
