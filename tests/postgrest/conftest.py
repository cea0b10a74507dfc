"""A database with the order in its API, and PostgREST in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from pawl.deploy.install import install
from tests import testserver
from tests.database.order import COUNTER, Cast, deploy_order, deploy_text
from tests.optional import require
from tests.postgrest.rest import Rest, missing, postgrest

# An event that keeps its transaction busy for as long as the caller likes.
SLOW = """\
machine: slow
version: 1
events: { work: { steps: bigint not null } }
authorize: { create: true, read: true, send: { "*": true } }
initial: on
states:
  on:
    on:
      work:
        guard: (select count(*) from pg_catalog.generate_series(1, event.steps)) >= 0
        target: on
"""


@pytest.fixture(scope="session")
def rest(server_dsn: str, template_database: str, worker_name: str) -> Iterator[Rest]:
    require("postgrest", missing())
    name = f"pawl_rest_{worker_name}"
    words = ("anon", "authenticated", "hasty", "authenticator", "sleepy")
    roles = [f"pawl_{word}_{worker_name}" for word in words]
    clients, logins = roles[:3], roles[3:]
    anon, user, hasty, login, sleepy = (sql.Identifier(role) for role in roles)
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        for role in (anon, user, hasty):
            admin.execute(sql.SQL("create role {} nologin").format(role))
        for role in (login, sleepy):
            admin.execute(sql.SQL("create role {} login noinherit").format(role))
            admin.execute(sql.SQL("grant {}, {}, {} to {}").format(anon, user, hasty, role))
        # What `pawl init` gives is for people: a busy machine may need longer, and some tests wait
        # until it is over.
        for role, limit in (
            (user, "statement_timeout = '2min'"),
            (user, "lock_timeout = '1min'"),
            (hasty, "statement_timeout = '2s'"),
            (hasty, "lock_timeout = '1s'"),
            (login, "idle_in_transaction_session_timeout = '2min'"),
            (sleepy, "idle_in_transaction_session_timeout = '1s'"),
        ):
            admin.execute(sql.SQL("alter role {} set " + limit).format(role))
        admin.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        address = testserver.within(server_dsn, name)
        with psycopg.connect(address, autocommit=True) as connection:
            install(connection, api_schema="api")
            connection.execute("select pawl.init_roles(%s, %s)", (clients, logins))
            deploy_order(connection)
            deploy_text(connection, COUNTER)
            deploy_text(connection, SLOW)
        uri = psycopg.conninfo.make_conninfo(address, user=logins[0])
        cast = Cast(clients[1], *[logins[0]] * 3)
        with postgrest(uri, "api", *clients[:2]) as running:
            yield replace(running, dsn=address, cast=cast, hasty=clients[2], sleepy=logins[1])
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        for role in (login, sleepy, hasty, user, anon):
            admin.execute(sql.SQL("drop role {}").format(role))
