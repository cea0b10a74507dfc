"""The Python client: typed answers, typed errors, whose transaction, and what is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from pawl import errors
from pawl.client import AsyncClient, Caller, Client, Instance, Send
from pawl.client.payload import to_json
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

TICKET = """\
machine: ticket
version: 1
context:
  owner: text not null
  price: numeric(10,2) not null check (price > 0)
  opened_on: date
input: [owner, price, opened_on]
events:
  take: { minutes: int not null }
  close: {}
authorize:
  create: claims->>'sub' = context.owner
  send:
    take: claims->>'sub' = context.owner
initial: open
states:
  open:
    tags: waiting
    on: { take: { target: taken, guard: event.minutes < 60 } }
  taken: { on: { close: closed } }
  closed: { type: final }
"""


@pytest.fixture
def dsn(connection: psycopg.Connection, database: str) -> str:
    """The address of a database with the machine `ticket`, and two tickets."""
    deploy(connection, compile_machine(TICKET, "ticket.machine.yaml"))
    for name in ("t-1", "t-2"):
        connection.execute(
            "select create_instance('ticket', %s, %s)", (name, '{"owner": "ann", "price": 24.50}')
        )
    return database


@pytest.fixture
def client(dsn: str) -> Iterator[Client]:
    with Client(dsn) as client:
        yield client


def test_an_answer_is_typed_and_exact(client: Client) -> None:
    made = client.create(
        "ticket", "t-3", {"owner": "bob", "price": Decimal("0.10"), "opened_on": date(2026, 5, 1)}
    )
    assert made == Instance(
        id="t-3",
        machine="ticket",
        version=1,
        state=("open",),
        state_value="open",
        context={"owner": "bob", "price": Decimal("0.10"), "opened_on": "2026-05-01"},
        tags=("waiting",),
        status="running",
        output=None,
        seq=made.seq,
        handled=made.handled,
    )
    taken = client.send("ticket", "t-3", "take", {"minutes": 5})
    assert (taken.state, taken.seq, taken.handled) == (("taken",), made.seq + 1, True)
    assert client.get("ticket", "t-3").state == ("taken",)


def test_an_event_may_be_a_whole_object(client: Client) -> None:
    taken = client.send("ticket", "t-1", {"type": "take", "minutes": 5})
    assert taken.in_state("taken")


def test_ensure_creates_once(client: Client) -> None:
    first = client.ensure("ticket", "t-9", {"owner": "bob", "price": 1})
    again = client.ensure("ticket", "t-9", {"owner": "eve", "price": 2})
    assert (again.seq, again.context["owner"]) == (first.seq, "bob")


def test_enabled_simulate_and_history_read_without_writing(client: Client) -> None:
    assert client.enabled("ticket", "t-1") == ("take",)
    assert client.simulate("ticket", "t-1", "take", {"minutes": 5}).state == ("taken",)
    assert client.get("ticket", "t-1").state == ("open",)
    client.send("ticket", "t-1", "take", {"minutes": 5})
    entries = client.history("ticket", "t-1")
    assert [entry.state for entry in entries] == [("open",), ("taken",)]
    assert entries[1].event == {"type": "take", "minutes": 5}
    assert entries[1].trusted
    assert entries[1].at.tzinfo is not None


def test_many_events_are_taken_together_or_not_at_all(client: Client) -> None:
    take = {"minutes": 5}
    with pytest.raises(errors.NotAccepted):
        client.send_many([Send("ticket", "t-1", "take", take), Send("ticket", "t-2", "close")])
    assert client.get("ticket", "t-1").state == ("open",)
    first, second = client.send_many(
        Send("ticket", name, "take", take, event_id="k") for name in ("t-2", "t-1")
    )
    assert (first.id, second.id) == ("t-2", "t-1")


def test_the_same_event_id_gives_the_first_answer_again(client: Client) -> None:
    first = client.send("ticket", "t-1", "take", {"minutes": 5}, event_id="k-1")
    assert client.send("ticket", "t-1", "take", {"minutes": 5}, event_id="k-1") == first
    with pytest.raises(errors.EventIdReused):
        client.send("ticket", "t-1", "close", event_id="k-1")


def test_refusals_are_classes_with_code_values_and_hint(client: Client) -> None:
    with pytest.raises(errors.NotAccepted) as refused:
        client.send("ticket", "t-1", "close")
    assert refused.value.code == "not_accepted"
    assert refused.value.detail["accepts"] == ["take"]
    assert refused.value.hint is not None
    with pytest.raises(errors.GuardRefused):
        client.send("ticket", "t-1", "take", {"minutes": 90})
    with pytest.raises(errors.MalformedPayload):
        client.send("ticket", "t-1", "take", {"minutes": "soon"})
    with pytest.raises(errors.SeqMismatch):
        client.send("ticket", "t-1", "take", {"minutes": 5}, expected_seq=99)
    with pytest.raises(errors.NotFound):
        client.get("ticket", "nobody")
    with pytest.raises(errors.AlreadyExists):
        client.create("ticket", "t-1", {"owner": "bob", "price": 1})


def test_a_caller_is_bound_by_the_authorizers_and_only_for_its_own_call(
    connection: psycopg.Connection, dsn: str, role_name: Callable[[str], str]
) -> None:
    shop = role_name("shop")
    connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(shop)))
    connection.execute("select pawl.init_roles(array[%s::name], null)", (shop,))
    with Client(dsn, caller=Caller({"sub": "eve"}, role=shop)) as eve:
        with pytest.raises(errors.Denied):
            eve.send("ticket", "t-1", "take", {"minutes": 5})
        with pytest.raises(errors.Denied):
            eve.create("ticket", "t-7", {"owner": "ann", "price": 1})
        assert eve.create("ticket", "t-7", {"owner": "eve", "price": 1}).state == ("open",)
    with Client(dsn) as trusted:
        assert trusted.history("ticket", "t-7")[0].sub == "eve"


def test_a_given_connection_keeps_the_callers_transaction(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        client = Client(connection)
        assert client.send("ticket", "t-1", "take", {"minutes": 5}).state == ("taken",)
        connection.rollback()
        assert client.get("ticket", "t-1").state == ("open",)
        client.close()
        assert not connection.closed
    with pytest.raises(ValueError, match="set role and claims there"):
        Client(connection, caller=Caller({}))


def test_a_pool_is_used_and_stays_open(dsn: str) -> None:
    with ConnectionPool(dsn, min_size=1, max_size=2, open=True) as pool:
        with Client(pool) as client:
            client.send("ticket", "t-1", "take", {"minutes": 5})
        assert not pool.closed
        assert Client(pool).get("ticket", "t-1").state == ("taken",)


def test_a_closed_connection_is_opened_again(
    client: Client, connection: psycopg.Connection
) -> None:
    client.get("ticket", "t-1")
    connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    with pytest.raises((psycopg.OperationalError, errors.PawlError)):
        client.get("ticket", "t-1")
    assert client.get("ticket", "t-1").state == ("open",)


def test_an_unreachable_server_is_psycopgs_error() -> None:
    with pytest.raises(psycopg.OperationalError):
        Client("postgresql://127.0.0.1:1/nothing").get("ticket", "t-1")


WAITING = """\
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'"""
NAMES = ("t-1", "t-2", "t-9")
ALL = [Send("ticket", name, "take", {"minutes": 5}) for name in NAMES]


def _impatient(dsn: str) -> str:
    """The address, for a session that looks for a deadlock early, and so is its victim."""
    return make_conninfo(dsn, options="-c deadlock_timeout=50")


def _deadlock(dsn: str, send_all: Callable[[], Any]) -> None:
    """Run a batch that locks three tickets in their order into a deadlock with one of ours.

    A session looks once, so long after it began to wait: so the batch waits at the second ticket
    until ours, which has the third and never looks, waits for its first.
    """
    with (
        ThreadPoolExecutor(2) as threads,
        psycopg.connect(dsn) as gate,
        psycopg.connect(dsn) as other,
        psycopg.connect(dsn, autocommit=True) as watcher,
    ):
        watcher.execute(
            "select create_instance('ticket', 't-9', '{\"owner\": \"ann\", \"price\": 1}')"
        )
        other.execute("set local deadlock_timeout = '1 h'")
        _take(gate, "t-2")
        _take(other, "t-9")
        batch = threads.submit(send_all)
        _until_waiting(watcher, batch)
        ours = threads.submit(_take, other, "t-1")
        _until_waiting(watcher, batch, ours)
        gate.rollback()
        ours.result()
        other.rollback()
        batch.result()


def _take(connection: psycopg.Connection, name: str) -> None:
    event = 'select send_event(\'ticket\', %s, \'{"type": "take", "minutes": 5}\')'
    connection.execute(event, (name,))


def _until_waiting(watcher: psycopg.Connection, *calls: Future[Any]) -> None:
    """Return when all these calls wait for a lock."""
    while watcher.execute(WAITING).fetchone() != (len(calls),):
        assert not any(call.done() for call in calls)


def test_a_deadlock_is_tried_again(dsn: str) -> None:
    taken: list[tuple[Instance, ...]] = []
    with Client(_impatient(dsn)) as client:
        _deadlock(dsn, lambda: taken.append(client.send_many(ALL)))
    assert [order.state for order in taken[0]] == [("taken",)] * 3


def test_a_deadlock_is_tried_again_asynchronously(dsn: str) -> None:
    taken: list[tuple[Instance, ...]] = []

    async def send_all() -> None:
        async with AsyncClient(_impatient(dsn)) as client:
            taken.append(await client.send_many(ALL))

    _deadlock(dsn, lambda: asyncio.run(send_all()))
    assert [order.state for order in taken[0]] == [("taken",)] * 3


def test_in_the_callers_transaction_a_deadlock_is_the_callers_to_repeat(dsn: str) -> None:
    raised: list[errors.PawlError] = []

    def send_all() -> None:
        with psycopg.connect(_impatient(dsn)) as connection:
            try:
                Client(connection).send_many(ALL)
            except errors.PawlError as error:
                raised.append(error)

    _deadlock(dsn, send_all)
    assert [error.sqlstate for error in raised] == ["40P01"]


def _async(dsn: str, use: Callable[[AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with AsyncClient(dsn) as client:
            await use(client)

    asyncio.run(run())


def test_the_asynchronous_client_does_the_same(dsn: str) -> None:
    async def use(client: AsyncClient) -> None:
        made = await client.create("ticket", "t-3", {"owner": "bob", "price": Decimal("0.10")})
        assert made.context["price"] == Decimal("0.10")
        assert await client.ensure("ticket", "t-3", {}) == await client.get("ticket", "t-3")
        assert await client.enabled("ticket", "t-3") == ("take",)
        assert (await client.simulate("ticket", "t-3", "take", {"minutes": 5})).in_state("taken")
        first = await client.send("ticket", "t-3", "take", {"minutes": 5}, event_id="k")
        again = await client.send("ticket", "t-3", "take", {"minutes": 5}, event_id="k")
        assert first == again
        assert len(await client.history("ticket", "t-3")) == 2
        with pytest.raises(errors.NotAccepted):
            await client.send("ticket", "t-3", "take", {"minutes": 5})
        replies = await asyncio.gather(
            *(client.send("ticket", name, "take", {"minutes": 5}) for name in ("t-1", "t-2"))
        )
        assert [reply.id for reply in replies] == ["t-1", "t-2"]

    _async(dsn, use)


def test_the_asynchronous_client_takes_connections_and_pools(dsn: str) -> None:
    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            taken = await AsyncClient(connection).send("ticket", "t-1", "take", {"minutes": 5})
            assert taken.state == ("taken",)
            await connection.rollback()
        async with AsyncConnectionPool(dsn, min_size=1, max_size=2, open=False) as pool:
            assert (await AsyncClient(pool).get("ticket", "t-1")).state == ("open",)

    asyncio.run(run())


class Size(Enum):
    SMALL = "S"


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("numeric", Decimal("12345678901234567890.123456789")),
        ("numeric", Decimal("1E+5")),
        ("uuid", uuid4()),
        ("timestamptz", datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        ("date", date(2026, 5, 1)),
        ("time", time(12, 30)),
        ("interval", timedelta(days=-3, hours=4, microseconds=7)),
        ("interval", timedelta(microseconds=-1)),
        ("bytea", b"\x00\xff\\"),
        ("boolean", True),
        ("text", 'käse "⏎" \\ \U0001f9c0'),
        ("float8", 0.1),
    ],
)
def test_postgres_reads_each_value_as_the_type_it_came_from(
    connection: psycopg.Connection, type: str, value: Any
) -> None:
    query = f"select (%s::jsonb ->> 'it')::{type}"
    row = connection.execute(query.encode(), (to_json({"it": value}),)).fetchone()
    assert row == (value,)


def test_an_enum_is_its_value_and_what_json_cannot_say_is_refused() -> None:
    assert to_json([Size.SMALL, None, (1, 2)]) == '["S", null, [1, 2]]'
    for wrong in ({1}, object(), {1: 2}):
        with pytest.raises(TypeError):
            to_json(wrong)
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(float("nan"))


def test_watching_gives_the_latest_state_and_ends_with_the_instance(client: Client) -> None:
    watched = client.watch("ticket", "t-1", every=0)
    assert next(watched).seq == 1
    client.send("ticket", "t-1", "take", {"minutes": 5})
    client.send("ticket", "t-1", "close")
    (last,) = watched
    assert (last.seq, last.status) == (3, "done"), "the step between was never seen"
    assert list(client.watch("ticket", "t-1", after=3, every=0)) == []
    with pytest.raises(errors.NotFound):
        next(client.watch("ticket", "absent"))


def test_watching_waits_for_another_session(dsn: str) -> None:
    async def use(client: AsyncClient) -> None:
        async with AsyncClient(dsn) as other:
            seen = []
            async for instance in client.watch("ticket", "t-2", every=0.001):
                seen.append(instance.seq)
                event = {1: ("take", {"minutes": 5}), 2: ("close", {})}.get(instance.seq)
                if event is not None:
                    await other.send("ticket", "t-2", *event)
            assert seen == [1, 2, 3]

    _async(dsn, use)
