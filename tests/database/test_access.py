"""Who may do what, told from one role's view at a time.

The matrix asks the catalog about every object there is, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pawl.errors import Denied, NotFound, PawlError, Unauthenticated
from tests.database import matrix
from tests.database.calls import Call, call_on, refuses
from tests.database.order import (
    COUNTER,
    COURIER,
    CUSTOMER,
    RESTAURANT,
    Cast,
    acting,
    admit,
    answer,
    client,
    create_order,
    deploy_order,
    deploy_text,
    send,
    unchanged,
)

CLOSED = """\
machine: closed
version: 1
events: { open: {} }
initial: shut
states:
  shut: { on: { open: ajar } }
  ajar: {}
"""

PICKY = """\
machine: picky
version: 1
context: { owner: text not null }
input: [owner]
events:
  bid: { amount: int not null }
  a.one: {}
  a.two: {}
  other: {}
authorize:
  create: claims->>'sub' = context.owner
  read: "true"
  send:
    bid: event.amount < (claims->>'limit')::int
    a.*: claims->>'sub' = 'ann'
    a.two: claims->>'sub' = 'bob'
initial: on
states:
  on:
    on: { bid: {}, a.one: {}, a.two: {}, other: {} }
"""

MATRIX = Path(__file__).parent / "matrix.txt"
OURS = "(n.nspname = 'pawl' or n.nspname like 'pawl\\_%%')"


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        deploy_order(connection)
        for text in (COUNTER, CLOSED, PICKY):
            deploy_text(connection, text)
        admit(connection, cast)
        create_order(call_on(connection), "o")
        call_on(connection)("select create_instance('closed', 'c')")
    return module_database


@pytest.fixture(scope="module")
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


# --- the matrix --------------------------------------------------------------------------------


@pytest.mark.smoke
def test_each_role_reaches_what_is_on_the_list_and_nothing_else(
    admin: psycopg.Connection, cast: Cast
) -> None:
    """Every schema, relation, column, sequence, function and type of ours, asked of the catalog."""
    told = matrix.of(admin, cast)
    if os.environ.get("PAWL_GOLDEN"):
        MATRIX.write_text(told, "utf-8")
    assert told == MATRIX.read_text("utf-8"), "PAWL_GOLDEN=1 rewrites it: read the difference"


def test_a_client_role_may_enter_no_schema_of_ours(call: Call, cast: Cast) -> None:
    entered = call(
        f"select array_agg(n.nspname) from pg_namespace as n where {OURS}"
        " and has_schema_privilege(%s, n.oid, 'usage, create')",
        cast.client,
    )
    assert entered is None


def test_everybody_else_has_nothing_at_all(call: Call, cast: Cast) -> None:
    """Grants to PUBLIC, in whatever is pawl_owner's: functions, relations, schemas, types."""
    for catalog, owner, acl, kind in (
        ("pg_proc", "proowner", "proacl", "f"),
        ("pg_class", "relowner", "relacl", "r"),
        ("pg_namespace", "nspowner", "nspacl", "n"),
        ("pg_type", "typowner", "typacl", "T"),
    ):
        rows = "and typtype <> 'b' and typrelid = 0" if kind == "T" else ""
        public = call(
            f"select array_agg(oid) from {catalog} where {owner} = 'pawl_owner'::regrole {rows}"
            f" and exists (select from aclexplode(coalesce({acl}, acldefault('{kind}', {owner})))"
            " as a where a.grantee = 0)"
        )
        assert public is None, catalog
    for role in (cast.stranger, cast.authenticator):
        query = (
            "select bool_or(has_function_privilege(%s, oid, 'execute')) from pg_proc"
            " where proowner = 'pawl_owner'::regrole"
        )
        reaches = call(query, role)
        assert reaches is (role == cast.stranger), "the stranger inherits from the client role"


def test_what_runs_as_the_owner_pins_its_search_path(call: Call) -> None:
    loose = call(
        "select array_agg(oid::regprocedure) from pg_proc where proowner = 'pawl_owner'::regrole"
        " and prosecdef and 'search_path=pg_catalog, pg_temp' <> all (coalesce(proconfig, '{}'))"
    )
    assert loose is None
    rights = "rolsuper or rolbypassrls or rolcanlogin or rolcreaterole or rolcreatedb"
    assert call(f"select {rights} from pg_roles where rolname = 'pawl_owner'") is False


def test_instance_tables_force_row_security(call: Call) -> None:
    lax = call(
        "select array_agg(oid::regclass) from pg_class where relname = 'instance'"
        " and relkind = 'r' and not (relrowsecurity and relforcerowsecurity)"
    )
    assert lax is None


@pytest.mark.parametrize(
    "statement",
    [
        "select * from pawl_order.instance",
        "update pawl_order.instance set reason = 'x'",
        "delete from pawl_order.instance",
        "insert into pawl.journal default values",
        "select * from pawl.outbox",
        "select * from pawl.version",
        "select nextval('pawl.lease_token')",
        "select pawl.claims()",
        "select pawl.init_roles(null, null)",
        "select pawl.set_clock(now())",
        "select pawl.route_send('order', 'o', '{}', null, null)",
        "select pawl_order.v1_send('o', '{}')",
        "select pawl.fire_due_timers(1)",
        "select pause_instance('order', 'o')",
        "select force_state('order', 'o', '{delivered}', 'x')",
        "select erase_instance('order', 'o')",
        "create function pawl.evil() returns int language sql as 'select 1'",
        "create table pawl_order.evil ()",
        "set session authorization postgres",
        "set role pawl_owner",
        "set role pawl_worker",
        "alter role current_user superuser",
    ],
)
def test_a_client_is_stopped_by_postgres(
    admin: psycopg.Connection, dsn: str, cast: Cast, statement: str
) -> None:
    with (
        client(dsn, cast, sub=CUSTOMER) as own,
        unchanged(admin),
        pytest.raises(PawlError) as caught,
    ):
        own(statement)
    assert caught.value.sqlstate == "42501"


# --- who is calling ----------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_client_without_claims_is_401(dsn: str, cast: Cast) -> None:
    with (
        acting(dsn, cast.authenticator, role=cast.client) as own,
        refuses("claims_missing", Unauthenticated) as caught,
    ):
        send(own, "order", "o", "reject", {"reason": "x"})
    assert caught.value.sqlstate == "PT401"


def test_forged_claims_do_not_count(admin: psycopg.Connection, dsn: str, cast: Cast) -> None:
    claims = {"restaurant_id": RESTAURANT}
    for role in (cast.client, None):
        with (
            acting(dsn, cast.stranger, role=role, claims=claims) as forger,
            unchanged(admin),
            pytest.raises(PawlError) as caught,
        ):
            send(forger, "order", "o", "reject", {"reason": "x"})
        assert caught.value.code == ("claims_refused" if role else "unknown_caller")


def test_an_authenticator_that_did_not_switch_is_nobody(dsn: str, cast: Cast) -> None:
    claims = {"restaurant_id": RESTAURANT}
    with acting(dsn, cast.authenticator, claims=claims) as own:
        for _ in range(2):
            with pytest.raises(PawlError) as caught:
                send(own, "order", "o", "reject", {"reason": "x"})
            assert caught.value.sqlstate == "42501"
            own(f'set role "{cast.client}"')
            own("reset role")


def test_a_trusted_login_that_switches_is_the_client_it_switched_to(dsn: str, cast: Cast) -> None:
    with acting(dsn, "postgres", role=cast.client) as own:
        with refuses("claims_missing", Unauthenticated):
            send(own, "order", "o", "reject", {"reason": "x"})
        own(f"select set_config('request.jwt.claims', '{{\"sub\": \"{CUSTOMER}\"}}', false)")
        with refuses("denied", Denied):
            send(own, "order", "o", "reject", {"reason": "x"})


# --- what authorizers say ----------------------------------------------------------------------


@pytest.fixture
def offered(call: Call, request: pytest.FixtureRequest) -> str:
    """The id of an order of this test's own."""
    create_order(call, request.node.name)
    return str(request.node.name)


@pytest.mark.smoke
def test_an_order_goes_through_the_hands_of_those_who_may(
    admin: psycopg.Connection, call: Call, dsn: str, cast: Cast
) -> None:
    accept = ("order", "mine", "accept", {"prep_minutes": 5})
    with client(dsn, cast, sub=CUSTOMER) as customer:
        assert create_order(customer, "mine")["state"] == ["offered"]
        with refuses("denied", Denied), unchanged(admin):
            send(customer, *accept)
    with client(dsn, cast, restaurant_id=COURIER) as other, refuses("not_found", NotFound):
        send(other, *accept)
    with client(dsn, cast, restaurant_id=RESTAURANT) as restaurant:
        assert send(restaurant, *accept)["state"] == ["preparing"]
    call("select pawl.advance_clock('6 minutes')")
    call("select pawl.fire_due_timers(100)")
    call("select pawl.claim_effects('w', array['offer_to_restaurant'], 100, '1 s')")
    answer(admin, "find_courier", {"courier_id": COURIER})
    with client(dsn, cast, sub=CUSTOMER) as customer, refuses("denied", Denied):
        send(customer, "order", "mine", "courier.accept")
    with client(dsn, cast, sub=COURIER) as courier:
        assert send(courier, "order", "mine", "courier.accept")["state"] == ["delivering"]
        assert send(courier, "order", "mine", "complete")["status"] == "done"
    call("select pawl.reset_clock()")
    callers = "select array_agg(distinct caller) from history('order', 'mine') where not trusted"
    assert call(callers) == [cast.client]
    subs = "select array_agg(sub order by seq) from history('order', 'mine') where not trusted"
    assert call(subs) == [CUSTOMER, None, COURIER, COURIER]


def test_nobody_creates_for_somebody_else(admin: psycopg.Connection, dsn: str, cast: Cast) -> None:
    with client(dsn, cast, sub=COURIER) as other, unchanged(admin):
        with refuses("denied", Denied) as caught:
            create_order(other, "stolen")
        assert caught.value.message == 'you may not create order "stolen"'
        with refuses("trusted_only", Denied):
            other("select create_instance('counter', 'x', '{}', 1)")


@pytest.mark.parametrize(
    "claims",
    [
        *({}, {"sub": None}, {"sub": CUSTOMER}, {"restaurant_id": None}),
        *({"restaurant_id": [RESTAURANT]}, {"restaurant_id": {"a": RESTAURANT}}),
        *({"restaurant_id": RESTAURANT + " "}, {"RESTAURANT_ID": RESTAURANT}),
    ],
)
def test_claims_that_do_not_say_it_are_denied(
    admin: psycopg.Connection, dsn: str, cast: Cast, claims: dict[str, Any]
) -> None:
    """Who may not even read is told what he would be told if there were no such order."""
    reads = claims.get("sub") == CUSTOMER
    code, kind = ("denied", Denied) if reads else ("not_found", NotFound)
    reject = {"reason": "x"}
    with client(dsn, cast, **claims) as own, unchanged(admin):
        with refuses(code, kind) as caught:
            send(own, "order", "o", "reject", reject)
        assert caught.value.sqlstate == ("PT403" if reads else "PT404")
        with refuses(code, kind):
            send(own, "order", "o", "reject", reject, event_id="k", expected_seq=99)
        with refuses(code, kind):
            send(own, "order", "o", "unheard_of")
        with refuses(code, kind):
            send(own, "order", "o", "after.5 minutes.offered")
        batch = '[{"machine": "order", "id": "o", "event": {"type": "reject", "reason": "x"}}]'
        with refuses(code, kind):
            own("select send_events(%s)", batch)
        with pytest.raises(NotFound):
            send(own, "order", "absent", "reject", reject)


def test_a_replayed_event_id_is_authorised_again(
    admin: psycopg.Connection, call: Call, dsn: str, cast: Cast, offered: str
) -> None:
    send(call, "order", offered, "reject", {"reason": "x"}, event_id="k")
    for sub, code, kind in ((CUSTOMER, "denied", Denied), (COURIER, "not_found", NotFound)):
        with client(dsn, cast, sub=sub) as other, refuses(code, kind):
            send(other, "order", offered, "reject", {"reason": "x"}, event_id="k")


def test_a_machine_without_authorize_is_closed_to_clients(
    admin: psycopg.Connection, call: Call, dsn: str, cast: Cast
) -> None:
    with client(dsn, cast, sub=CUSTOMER, role="admin") as own, unchanged(admin):
        with refuses("denied", Denied):
            own("select create_instance('closed', 'mine')")
        for id in ("c", "absent"):
            with refuses("denied", Denied):
                send(own, "closed", id, "open")
        for query in ("get_instance", "enabled_events", "history"):
            with pytest.raises(NotFound):
                own(f"select {query}('closed', 'c')")
    assert call("select enabled_events('closed', 'c')") == ["open"]


def test_the_most_specific_pattern_decides_and_rules_read_the_payload(dsn: str, cast: Cast) -> None:
    with client(dsn, cast, sub="bob", limit=10) as bob:
        bob("select create_instance('picky', 'p', '{\"owner\": \"bob\"}')")
        assert send(bob, "picky", "p", "bid", {"amount": 9})["handled"]
        for amount in (10, 11):
            with refuses("denied", Denied):
                send(bob, "picky", "p", "bid", {"amount": amount})
        assert send(bob, "picky", "p", "a.two")["handled"]
        for event in ("a.one", "other"):
            with refuses("denied", Denied):
                send(bob, "picky", "p", event)
    with client(dsn, cast, sub="ann") as ann:
        assert send(ann, "picky", "p", "a.one")["handled"]
        for event in ("a.two", "other"):
            with refuses("denied", Denied):
                send(ann, "picky", "p", event)
        with refuses("denied", Denied):
            send(ann, "picky", "p", "bid", {"amount": 1})


# --- a caller's own objects --------------------------------------------------------------------

SHADOWS = """\
create schema evil authorization {client};
create table evil.instance (id text, state text[]); create table evil.journal (x int);
create function evil.now() returns timestamptz
  language sql as $$ select 'infinity'::timestamptz $$;
create function evil.yes(uuid, uuid) returns boolean language sql as 'select true';
create operator evil.= (leftarg = uuid, rightarg = uuid, function = evil.yes);
create function evil.yes(text, text) returns boolean language sql as 'select true';
create operator evil.= (leftarg = text, rightarg = text, function = evil.yes);
create operator evil.<> (leftarg = text, rightarg = text, function = evil.yes);
create function evil.get(jsonb, text) returns text language sql as $$ select '{customer}' $$;
create operator evil.->> (leftarg = jsonb, rightarg = text, function = evil.get);
create function evil.jsonb_typeof(jsonb) returns text language sql as $$ select 'string' $$;
create function evil.array_append(anyarray, anyelement) returns anyarray
  language sql as 'select $1';
grant usage on schema evil to public;
"""

TEMPORARY = """\
set search_path = evil, pg_temp, pg_catalog;
create temp table instance (iid bigint, id text, version int, state text[]);
create temp table journal (x int); create temp table machine (name text);
create temp table outbox (); create temp table event_key (); create temp table timer ();
create type pg_temp.jsonb as (x int); create type pg_temp.text as (x int);
create type pg_temp.timer_command as (x int); create type pg_temp.uuid as (x int);
"""


@pytest.mark.parametrize("who", ["client", "postgres"])
def test_a_callers_functions_operators_and_tables_are_never_asked(
    admin: psycopg.Connection, call: Call, dsn: str, cast: Cast, offered: str, who: str
) -> None:
    admin.execute("drop schema if exists evil cascade")
    admin.execute(
        SHADOWS.replace("{client}", f'"{cast.client}"').replace("{customer}", CUSTOMER).encode()
    )
    admin.execute(f'grant temporary on database "{admin.info.dbname}" to public'.encode())
    accept = "select public.send_event('order', %s::pg_catalog.text, %s::pg_catalog.jsonb)"
    event = '{"type": "accept", "prep_minutes": 5}'
    with client(dsn, cast, sub=CUSTOMER, restaurant_id=COURIER) as own:
        for statement in TEMPORARY.split(";\n")[:-1]:
            own(statement)
        with refuses("denied", Denied), unchanged(admin):
            own(accept, offered, event)
    login = "postgres" if who == "postgres" else cast.authenticator
    role = None if who == "postgres" else cast.client
    claims = None if who == "postgres" else {"restaurant_id": RESTAURANT}
    with acting(dsn, login, role=role, claims=claims) as own:
        for statement in TEMPORARY.split(";\n")[:-1]:
            own(statement)
        assert own(accept, offered, event)["state"] == ["preparing"]
    due = (
        "select max(t.due_at) < now() + interval '6 minutes' from pawl.timer as t"
        " join pawl_order.instance as i using (iid) where i.id = %s and t.machine = 'order'"
    )
    assert call(due, offered) is True
    assert call("select array_agg(seq order by seq) from history('order', %s)", offered) == [1, 2]
    admin.execute("drop schema evil cascade")
