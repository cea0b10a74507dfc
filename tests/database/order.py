"""The order of the example and small machines, in a database; who calls them; what is stored.

In: a connection or an address. Out: deployed machines, instances, sessions of end users, and a
summary of every row that Pawl and its machines keep, by which a test says that nothing changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pawl.deploy.deploy import Deployment, deploy
from pawl.errors import PawlError
from pawlc.compile import compile_machine
from tests.database.calls import Call, call_on, refuses

EXAMPLE = Path(__file__).parents[2] / "examples" / "food_delivery" / "order.machine.yaml"

CUSTOMER = "00000000-0000-0000-0000-000000000001"
RESTAURANT = "00000000-0000-0000-0000-000000000002"
COURIER = "00000000-0000-0000-0000-000000000003"

COUNTER = """\
machine: counter
version: 1
context:
  n: int not null default 0
  last: text
events:
  add: { by: int not null default 1 }
  close: {}
authorize: { create: true, read: true, send: { "*": true } }
initial: open
states:
  open:
    on:
      add: { assign: { n: context.n + event.by, last: claims->>'sub' } }
      close: closed
  closed: { type: final }
"""
"""Takes `add` as often as one likes, so that what was lost or taken twice shows."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Role names: an end user's, the login that switches to it, a login that is a member of it and
    nobody trusts, and one that is not even that.
    """

    client: str
    authenticator: str
    stranger: str
    outsider: str


# --- machines and instances --------------------------------------------------------------------


def deploy_order(connection: psycopg.Connection) -> Deployment:
    """Deploy the order of the example."""
    return deploy(connection, compile_machine(EXAMPLE.read_text("utf-8"), EXAMPLE.name))


def deploy_text(
    connection: psycopg.Connection, text: str, companion: str | None = None
) -> Deployment:
    """Deploy a definition; its file is called after the machine, which the first line names."""
    name = text.splitlines()[0].removeprefix("machine: ")
    return deploy(connection, compile_machine(text, f"{name}.machine.yaml", companion))


def create_order(call: Call, id: str, **fields: object) -> dict[str, Any]:
    """Create an order of the customer's at the restaurant."""
    input = {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 12.5, **fields}
    return call("select create_instance('order', %s, %s)", id, json.dumps(input))


def send(
    call: Call,
    machine: str,
    id: str,
    type: object,
    payload: Mapping[str, object] = {},
    *,
    event_id: str | None = None,
    expected_seq: int | None = None,
) -> dict[str, Any]:
    """Send an event, as an application does."""
    event = json.dumps({"type": type, **payload})
    return call("select send_event(%s, %s, %s, %s, %s)", machine, id, event, event_id, expected_seq)


def answer(connection: psycopg.Connection, effect: str, output: object) -> None:
    """Perform the oldest effect of this name as a worker does, with a result."""
    claimed = connection.execute(
        "select effect_id, token from pawl.claim_effects('w', array[%s], 1, '1 hour')", (effect,)
    ).fetchone()
    assert claimed is not None, f"nobody asked for {effect}"
    connection.execute("select pawl.complete_effect(%s, %s, %s)", (*claimed, json.dumps(output)))


# --- who calls ---------------------------------------------------------------------------------


def admit(connection: psycopg.Connection, cast: Cast) -> None:
    """Name the client role and the authenticator in this database, as `pawl init` does."""
    connection.execute("select pawl.init_roles(%s, %s)", ([cast.client], [cast.authenticator]))


@contextmanager
def acting(
    dsn: str, user: str, *, role: str | None = None, claims: Mapping[str, object] | None = None
) -> Iterator[Call]:
    """A session of a login, perhaps switched to a role and with claims, as PostgREST does it."""
    address = psycopg.conninfo.make_conninfo(dsn, user=user)
    with psycopg.connect(address, autocommit=True) as connection:
        if role is not None:
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        if claims is not None:
            set_claims = "select set_config('request.jwt.claims', %s, false)"
            connection.execute(set_claims, (json.dumps(claims),))
        yield call_on(connection)


@contextmanager
def client(dsn: str, cast: Cast, **claims: object) -> Iterator[Call]:
    """An end user's session with these claims."""
    with acting(dsn, cast.authenticator, role=cast.client, claims=claims) as call:
        yield call


# --- what is stored ----------------------------------------------------------------------------

TABLES = """\
select c.oid::regclass::text
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'r' and (n.nspname = 'pawl' or n.nspname like 'pawl\\_%')
order by 1
"""

Refusal = Callable[[str, type[PawlError]], AbstractContextManager[pytest.ExceptionInfo[PawlError]]]
"""Expect an error by its code and class; no row anywhere may be another than before."""

Contents = dict[str, tuple[int, str]]


def contents(connection: psycopg.Connection) -> Contents:
    """How many rows each table of Pawl and of its machines has, and a hash of them all."""
    tables = [name for (name,) in connection.execute(TABLES.encode())]
    each = " union all ".join(
        f"select {sql.Literal(name).as_string()}, count(*),"
        f" md5(coalesce(string_agg(t::text, e'\\n' order by t::text), '')) from {name} as t"
        for name in tables
    )
    return {name: (count, hash) for name, count, hash in connection.execute(each.encode())}


@contextmanager
def unchanged(connection: psycopg.Connection) -> Iterator[None]:
    """Whatever is done inside leaves every row as it is."""
    before = contents(connection)
    yield
    assert contents(connection) == before


def refusal_in(connection: psycopg.Connection) -> Refusal:
    """Return what expects a refusal in the database of this connection."""

    @contextmanager
    def refusal(code: str, kind: type[PawlError]) -> Iterator[pytest.ExceptionInfo[PawlError]]:
        with unchanged(connection), refuses(code, kind) as caught:
            yield caught

    return refusal
