"""Authorizers that stand in states."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pawl.errors import Denied, NotFound
from tests.database.calls import Call, call_on, refuses
from tests.database.order import Cast, admit, client, deploy_text, send

DESK = """\
machine: desk
version: 1
context: { owner: text not null, n: int not null default 0 }
input: [owner]
events: { bid: { amount: int not null }, open: {}, shut: {}, note.a: {}, note.b: {} }
authorize:
  create: "true"
  send:
    shut, note.*: claims->>'sub' = context.owner
    note.b: claims->>'sub' in (context.owner, 'bob')
initial: closed
states:
  closed:
    authorize:
      read: claims->>'sub' = context.owner
      send:
        open: claims->>'role' = 'clerk'
        "*": claims->>'sub' = context.owner
    on: { open: opened, shut: closed, note.a: closed, note.b: closed }
  opened:
    authorize:
      read: "true"
      send:
        bid: event.amount > context.n
        note.*: claims->>'role' = 'clerk'
    on:
      bid: { assign: { n: event.amount } }
      open: opened
      shut: closed
      note.a: opened
      note.b: opened
"""


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        admit(connection, cast)
        deploy_text(connection, DESK)
    return module_database


@pytest.fixture
def desk(dsn: str, request: pytest.FixtureRequest) -> Iterator[str]:
    id = str(request.node.name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        call_on(connection)("select create_instance('desk', %s, '{\"owner\": \"ann\"}')", id)
        yield id


def enabled(call: Call, id: str) -> list[str]:
    found: list[str] = call("select enabled_events('desk', %s)", id)
    return found


def test_a_rule_in_a_state_applies_while_the_state_is_active(
    dsn: str, cast: Cast, desk: str
) -> None:
    with client(dsn, cast, sub="eve", role="clerk") as clerk:
        send(clerk, "desk", desk, "open")
        with refuses("denied", Denied):
            send(clerk, "desk", desk, "open")
        assert enabled(clerk, desk) == ["bid"]
        send(clerk, "desk", desk, "bid", {"amount": 2})
        with refuses("denied", Denied):
            send(clerk, "desk", desk, "bid", {"amount": 2})


def test_all_that_apply_must_admit_and_in_each_place_the_most_specific_pattern_counts(
    dsn: str, cast: Cast, desk: str
) -> None:
    with (
        client(dsn, cast, sub="ann") as ann,
        client(dsn, cast, sub="bob") as bob,
        client(dsn, cast, sub="ann", role="clerk") as both,
        client(dsn, cast, sub="bob", role="clerk") as aide,
    ):
        assert enabled(ann, desk) == ["shut", "note.a", "note.b"]
        with refuses("not_found", NotFound):
            enabled(bob, desk)
        assert enabled(both, desk) == ["open", "shut", "note.a", "note.b"]
        send(both, "desk", desk, "open")
        assert enabled(ann, desk) == ["bid", "shut"]
        assert enabled(bob, desk) == ["bid"]
        assert enabled(both, desk) == ["bid", "shut", "note.a", "note.b"]
        assert enabled(aide, desk) == ["bid", "note.b"]
        for caller, event in ((ann, "note.a"), (bob, "note.b"), (aide, "note.a"), (bob, "open")):
            with refuses("denied", Denied):
                send(caller, "desk", desk, event)


def test_reading_follows_the_state(dsn: str, cast: Cast, desk: str) -> None:
    with client(dsn, cast, sub="ann", role="clerk") as ann, client(dsn, cast, sub="bob") as bob:
        query = "select count(*) from desk_instance where id = %s"
        assert (ann(query, desk), bob(query, desk)) == (1, 0)
        send(ann, "desk", desk, "open")
        assert (ann(query, desk), bob(query, desk)) == (1, 1)
