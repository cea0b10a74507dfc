"""Clients that mean harm, or are many: floods, locks that are held, payloads without end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pawl.errors import PawlError
from tests.database.order import CUSTOMER, RESTAURANT, acting
from tests.postgrest.rest import POOL, Answer, Rest, signed

MEBIBYTE = 1024 * 1024
ORDER = {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 12.5}


@pytest.fixture
def id(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


@pytest.fixture
def somebody(rest: Rest) -> str:
    return rest.token(sub="somebody")


@pytest.fixture
def hurried(rest: Rest) -> str:
    """The same somebody, in a role that has little time."""
    return rest.token(role=rest.hasty, sub="somebody")


@pytest.fixture
def database(rest: Rest) -> Iterator[psycopg.Connection]:
    """A session of the superuser's."""
    with psycopg.connect(rest.dsn, autocommit=True) as connection:
        yield connection


def value(connection: psycopg.Connection, query: str, *parameters: object) -> object:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


# --- floods ------------------------------------------------------------------------------------


def test_a_flood_is_answered_and_only_what_was_taken_is_kept(
    rest: Rest, somebody: str, database: psycopg.Connection, id: str
) -> None:
    """Many at once, most of them wrong: each gets its answer, and the wrong ones leave no row."""
    assert rest.rpc("create_counter", {"id": id}, somebody).status == 200
    forged = signed({"role": rest.user, "sub": "x"}, "another secret, 32 characters or more")
    requests = [
        ("counter_add", {"id": id, "by": 1}, somebody),
        ("counter_add", {"id": id, "by": "many"}, somebody),
        ("counter_add", {"id": f"{id}-absent"}, somebody),
        ("send_event", {"machine": "counter", "id": id, "event": {"type": "explode"}}, somebody),
        ("counter_add", {"id": id}, forged),
        ("create_order", {"id": id, **ORDER}, somebody),
    ]

    def ask(number: int) -> tuple[int, Answer]:
        kind = number % len(requests)
        return kind, rest.rpc(*requests[kind])

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(ask, range(300)))
    statuses = [{answer.status for k, answer in answers if k == kind} for kind in range(6)]
    assert statuses == [{200}, {400}, {404}, {403}, {401}, {403}]
    assert value(database, "select n from pawl_counter.instance where id = %s", id) == 50
    journalled = "select count(*) from pawl.journal join pawl_counter.instance as i using (iid)"
    assert value(database, f"{journalled} where machine = 'counter' and i.id = %s", id) == 51
    assert value(database, "select count(*) from pawl_order.instance where id = %s", id) == 0
    login = rest.cast.authenticator if rest.cast else ""
    sessions = "select count(*) from pg_stat_activity where usename = %s"
    open_sessions = value(database, sessions, login)
    assert isinstance(open_sessions, int)
    assert open_sessions <= POOL + 1, "the pool, and the session that listens for new schemas"


def test_the_same_event_id_many_times_at_once_is_one_event(
    rest: Rest, somebody: str, database: psycopg.Connection, id: str
) -> None:
    rest.rpc("create_counter", {"id": id}, somebody)
    arguments = {"id": id, "by": 7, "event_id": "once"}
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: rest.rpc("counter_add", arguments, somebody), range(40)))
    assert Counter(answer.status for answer in answers) == {200: 40}
    assert {answer.body["seq"] for answer in answers} == {2}
    assert value(database, "select n from pawl_counter.instance where id = %s", id) == 7


# --- locks that are held -----------------------------------------------------------------------


def test_who_waits_for_a_lock_is_turned_away_and_may_come_again(
    rest: Rest, somebody: str, hurried: str, database: psycopg.Connection, id: str
) -> None:
    rest.rpc("create_counter", {"id": id}, somebody)
    with database.transaction():
        database.execute("select from pawl_counter.instance where id = %s for update", (id,))
        refused = rest.rpc("counter_add", {"id": id}, hurried)
    assert (refused.status, refused.body["code"]) == (500, "55P03")
    assert rest.rpc("counter_add", {"id": id}, somebody).status == 200


def test_an_event_that_takes_too_long_is_ended_and_holds_nobody_up(
    rest: Rest, somebody: str, hurried: str, id: str
) -> None:
    rest.rpc("create_slow", {"id": id}, somebody)
    refused = rest.rpc("slow_work", {"id": id, "steps": 10**12}, hurried)
    assert refused.body["code"] == "57014"
    assert rest.rpc("slow_work", {"id": id, "steps": 1}, somebody).body["seq"] == 2


def test_a_session_that_sleeps_on_a_lock_is_ended(
    rest: Rest, somebody: str, database: psycopg.Connection, id: str
) -> None:
    """Whoever has the authenticator's password, or a server that hangs between two statements."""
    rest.rpc("create_counter", {"id": id}, somebody)
    event = f"select api.send_event('counter', '{id}', '{{\"type\": \"add\"}}')"
    with (
        psycopg.connect(rest.dsn, autocommit=True) as waiting,
        acting(rest.dsn, rest.sleepy, role=rest.user, claims={"sub": "x"}) as call,
    ):
        call(f"begin; {event}")  # together, or a busy machine is idle between them
        waiting.execute(event.encode())  # until the other one is ended
        with pytest.raises(PawlError, match="idle-in-transaction timeout"):
            call("commit")
    assert value(database, "select seq from pawl_counter.instance where id = %s", id) == 2


# --- payloads ----------------------------------------------------------------------------------


def test_each_door_refuses_what_is_too_large(
    rest: Rest, database: psycopg.Connection, id: str
) -> None:
    token = rest.token(sub=CUSTOMER, restaurant_id=RESTAURANT)
    assert rest.rpc("create_order", {"id": id, **ORDER}, token).status == 200
    large = "x" * (MEBIBYTE + 1)
    event = {"type": "reject", "reason": large}
    item = {"machine": "order", "id": id, "event": event}
    for function, arguments in (
        ("order_reject", {"id": id, "reason": large}),
        ("send_event", item),
        ("send_events", {"events": [item]}),
        ("create_instance", {"machine": "counter", "id": f"{id}-2", "input": {"x": large}}),
        ("simulate_event", item),
    ):
        answer = rest.rpc(function, arguments, token)
        assert answer.status == 413, (function, answer.body)
        assert json.loads(answer.body["details"])["error"] == "too_large", function
    for function, arguments in (
        ("counter_close", {"id": large}),
        ("get_instance", {"machine": large, "id": id}),
        ("order_accept", {"id": id, "prep_minutes": 5, "event_id": large}),
    ):
        answer = rest.rpc(function, arguments, token)
        assert answer.status in (400, 404), (function, answer.body)
    assert value(database, "select seq from pawl_order.instance where id = %s", id) == 1
