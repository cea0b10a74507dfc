"""What a client reads: the `read` rule as row security, public columns, the view, the functions."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pawl.deploy.errors import DeployRefused
from pawl.errors import AlreadyExists, Denied, NotFound, Unauthenticated
from pawlc.diagnostics import CompileError
from tests.database.calls import Call, call_on, refuses
from tests.database.order import (
    COUNTER,
    COURIER,
    CUSTOMER,
    RESTAURANT,
    Cast,
    acting,
    admit,
    client,
    create_order,
    deploy_order,
    deploy_text,
    send,
    unchanged,
)

CREW = """\
machine: crew
version: 1
context:
  org: int not null
  secret: text
  note: text
input: [org, secret, note]
public: [note]
events: { go: {}, hush: { note: text not null }, poke: {} }
authorize:
  create: "true"
  read: >-
    (claims->>'org')::int = context.org
    and exists (
      select 1 from app.membership m where m.org = context.org and m.login = claims->>'sub')
    or in_state('busy') and now > '2000-01-01'
  send:
    go: claims->>'sub' = 'ann'
    hush: claims->>'sub' = 'ann'
initial: idle
states:
  idle: { on: { go: busy.deep, hush: { target: idle, assign: { note: event.note } } } }
  busy: { initial: deep, states: { deep: {} }, on: { poke: {} } }
"""

APP = """\
create schema app;
create table app.membership (org int, login text);
insert into app.membership values (1, 'ann'), (2, 'bob');
grant usage on schema app to pawl_owner;
grant select on app.membership to pawl_owner, "{client}";
"""


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        admit(connection, cast)
        connection.execute(APP.replace("{client}", cast.client).encode())
        deploy_order(connection)
        for text in (COUNTER, CREW):
            deploy_text(connection, text)
        call = call_on(connection)
        create_order(call, "o")
        create_order(call, "theirs", customer_id=COURIER)
        for id, org in (("one", 1), ("two", 2)):
            call("select create_instance('crew', %s, %s)", id, f'{{"org": {org}, "secret": "s"}}')
    return module_database


@pytest.fixture(scope="module")
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


# --- the read rule -----------------------------------------------------------------------------


@pytest.mark.smoke
def test_whom_the_rule_admits_reads_and_for_others_the_instance_is_absent(
    dsn: str, cast: Cast
) -> None:
    queries = (
        "select get_instance('order', 'o') ->> 'id'",
        "select id from order_instance where id = 'o'",
        "select min(seq)::text from history('order', 'o')",
    )
    with client(dsn, cast, sub=CUSTOMER) as own:
        assert [own(query) for query in queries] == ["o", "o", "1"]
        assert own("select array_agg(id) from order_instance") == ["o"]
        assert own("select enabled_events('order', 'o')") == []
    with client(dsn, cast, sub=RESTAURANT, restaurant_id=RESTAURANT) as other:
        assert other("select count(*) from order_instance") == 0
        for function in ("get_instance", "history"):
            with refuses("not_found", NotFound) as forbidden:
                other(f"select {function}('order', 'o')")
            with refuses("not_found", NotFound) as absent:
                other(f"select {function}('order', 'x')")
            assert str(forbidden.value).replace('"o"', '"x"') == str(absent.value)
        with refuses("not_found", NotFound):
            other("""select simulate_event('order', 'o', '{"type": "reject", "reason": "r"}')""")
        assert other("select enabled_events('order', 'o')") == ["accept", "reject"]


def test_a_client_sees_public_columns_only(dsn: str, cast: Cast, call: Call) -> None:
    with client(dsn, cast, sub=CUSTOMER) as own:
        reply = own("select get_instance('order', 'o')")
        assert reply == call("select get_instance('order', 'o')")
        assert sorted(reply["context"]) == ["courier_id", "prep_minutes", "reason", "total"]
        row = own("select to_jsonb(o) from order_instance as o where id = 'o'")
        assert {"id", "state", "state_value", "tags", "status", "seq", "total"} <= row.keys()
        assert not {"customer_id", "asked", "timers", "iid"} & row.keys()
        assert (row["state_value"], row["tags"]) == ("offered", [])
        for query in (
            "select * from pawl_order.instance",
            "select customer_id from order_instance",
        ):
            with pytest.raises(Exception, match=r"permission denied|does not exist"):
                own(query)


def test_history_tells_a_client_no_payload_where_fields_are_private(
    dsn: str, cast: Cast, call: Call
) -> None:
    with client(dsn, cast, sub="ann", org=1) as ann:
        send(ann, "crew", "one", "hush", {"note": "n"})
        assert ann("select array_agg(distinct event - 'type') from history('crew', 'one')") == [{}]
        told = ann("""select simulate_event('crew', 'one', '{"type": "go"}')""")
        assert told["state"] == ["busy.deep"]
        assert not {"effects", "timers", "log"} & told.keys()
        ann("select create_instance('counter', 'mine')")
        send(ann, "counter", "mine", "add", {"by": 2})
        assert ann("select event ->> 'by' from history('counter', 'mine') where seq = 2") == "2"
    assert call("select event ->> 'note' from history('crew', 'one') where seq = 2") == "n"


def test_a_rule_reads_the_users_tables_with_the_clients_own_rights(
    dsn: str, cast: Cast, call: Call
) -> None:
    ids = "select array_agg(id order by id) from crew_instance"
    with client(dsn, cast, sub="ann", org=1) as ann, client(dsn, cast, sub="ann", org=2) as forged:
        assert ann(ids) == ["one"]
        assert forged(ids) is None
        call("alter table app.membership enable row level security")
        try:
            assert ann(ids) is None, "the rule sees what the client sees of app.membership"
        finally:
            call("alter table app.membership disable row level security")


def test_a_rule_knows_the_state(dsn: str, cast: Cast, call: Call) -> None:
    call("""select create_instance('crew', 'three', '{"org": 3}')""")
    with client(dsn, cast, sub="ann", org=0) as ann:
        with refuses("not_found", NotFound):
            ann("select get_instance('crew', 'three')")
        send(ann, "crew", "three", "go")
        assert ann("select get_instance('crew', 'three') -> 'state'") == ["busy.deep"]
    call("select erase_instance('crew', 'three')")


def test_a_rule_that_a_client_role_has_no_rights_for_is_refused(
    admin: psycopg.Connection, call: Call, cast: Cast
) -> None:
    call(f'revoke select on app.membership from "{cast.client}"')
    text = CREW.replace("machine: crew", "machine: squad")
    with pytest.raises(DeployRefused, match=r"app\.membership") as refused, unchanged(admin):
        deploy_text(admin, text)
    assert refused.value.hint == f"grant select on app.membership to {cast.client}"
    call(f'grant select on app.membership to "{cast.client}"')


def test_who_has_no_claims_or_is_nobody_is_told_so(dsn: str, cast: Cast) -> None:
    for query in ("select get_instance('order', 'o')", "select id from order_instance"):
        with (
            acting(dsn, cast.authenticator, role=cast.client) as silent,
            refuses("claims_missing", Unauthenticated),
        ):
            silent(query)
        with (
            acting(dsn, cast.stranger, claims={"sub": CUSTOMER}) as stranger,
            refuses("unknown_caller", Denied),
        ):
            stranger(query)
        with (
            acting(dsn, cast.stranger, role=cast.client, claims={"sub": CUSTOMER}) as forger,
            refuses("claims_refused", Unauthenticated),
        ):
            forger(query)


def test_a_trusted_caller_reads_all_and_with_claims_what_they_admit(dsn: str, cast: Cast) -> None:
    ids = "select array_agg(id order by id) from order_instance"
    with acting(dsn, "postgres", role="pawl_worker") as worker:
        assert worker(ids) == ["o", "theirs"]
        assert worker("select get_instance('order', 'theirs') ->> 'id'") == "theirs"
    with acting(dsn, "postgres", role="pawl_worker", claims={"sub": CUSTOMER}) as worker:
        assert worker(ids) == ["o"]
        with refuses("not_found", NotFound):
            worker("select get_instance('order', 'theirs')")


def test_a_clients_functions_and_search_path_do_not_reach_a_rule(
    admin: psycopg.Connection, dsn: str, cast: Cast
) -> None:
    admin.execute(
        f"""
        create schema trap authorization "{cast.client}";
        create function trap.starts_with(text, text) returns boolean
          language sql as 'select true';
        create function trap.yes(text, text) returns boolean language sql as 'select true';
        create operator trap.= (leftarg = text, rightarg = text, function = trap.yes);
        create table trap.membership (org int, login text);
        insert into trap.membership values (1, 'eve');
        grant all on all tables in schema trap to public
        """.encode()
    )
    with client(dsn, cast, sub="eve", org=1) as eve:
        eve("set search_path = trap, pg_catalog, public")
        assert eve("select count(*) from public.crew_instance") == 0
        assert eve("select count(*) from public.order_instance") == 0
    admin.execute("drop schema trap cascade")


# --- what a deploy makes in the API ------------------------------------------------------------


def test_each_event_has_a_typed_function_whose_required_fields_come_first(
    dsn: str, cast: Cast, call: Call
) -> None:
    signature = "select pg_get_function_arguments(%s::regproc)"
    assert call(signature, "order_accept") == (
        "id text, prep_minutes integer, event_id text DEFAULT NULL::text,"
        " expected_seq bigint DEFAULT NULL::bigint"
    )
    assert call("select obj_description('order_accept'::regproc)").startswith("Send accept to")
    with client(dsn, cast, sub=CUSTOMER, restaurant_id=RESTAURANT) as own:
        reply = own(
            "select create_order('typed', customer_id => %s, restaurant_id => %s, total => 7.25)",
            CUSTOMER,
            RESTAURANT,
        )
        assert reply["context"]["total"] == 7.25
        assert own("select order_accept('typed', 15)")["context"]["prep_minutes"] == 15
        own("select create_counter('c-1')")
        assert own("select counter_add('c-1')")["context"]["n"] == 1
        assert own("select counter_add('c-1', by => 5, expected_seq => 2)")["context"]["n"] == 6
    call("select erase_instance('order', 'typed'), erase_instance('counter', 'c-1')")


def test_the_objects_follow_the_current_version(admin: psycopg.Connection, call: Call) -> None:
    first = (
        "machine: lamp\nversion: 1\ncontext: { a: int, b: int }\nevents: { on: {}, off: {} }\n"
        "authorize: {}\ninitial: x\nstates: { x: { on: { on: {}, off: {} } } }\n"
    )
    admin.execute("listen pgrst")
    deploy_text(admin, first)
    assert [n.payload for n in admin.notifies(timeout=60, stop_after=1)] == ["reload schema"]
    columns = (
        "select array_agg(attname order by attnum) from pg_attribute"
        " where attrelid = 'lamp_instance'::regclass and attnum > 10"
    )
    names = "select array_agg(proname order by proname) from pg_proc where proname like 'lamp\\_%'"
    assert call(columns) == ["a", "b"]
    assert call(names) == ["lamp_off", "lamp_on"]
    second = (
        first.replace("version: 1", "version: 2\npublic: [b]")
        .replace("off: {} }\n", "dim: { to: int not null } }\n")
        .replace("off: {} } }", "dim: {} } }")
    )
    deploy_text(admin, second)
    assert call(columns) == ["b"]
    assert call(names) == ["lamp_dim", "lamp_on"]


def test_a_name_that_the_api_has_already_is_refused(admin: psycopg.Connection) -> None:
    text = (
        "machine: order_courier\nversion: 1\nevents: { accept: {} }\nauthorize: {}\n"
        "initial: x\nstates: { x: { on: { accept: {} } } }\n"
    )
    with pytest.raises(DeployRefused, match="order_courier_accept") as refused, unchanged(admin):
        deploy_text(admin, text)
    assert refused.value.code == "api_name_taken"
    with pytest.raises(DeployRefused, match="create_instance"), unchanged(admin):
        deploy_text(admin, text.replace("order_courier", "instance"))


def test_ensure_gives_a_client_what_it_may_read_and_else_says_that_the_name_is_taken(
    dsn: str, cast: Cast
) -> None:
    own_input = f'{{"customer_id": "{CUSTOMER}", "restaurant_id": "{RESTAURANT}", "total": 3}}'
    with client(dsn, cast, sub=CUSTOMER) as own:
        ensure = "select ensure_instance('order', %s, %s) ->> 'seq'"
        assert own(ensure, "o", own_input) == "1"
        with refuses("already_exists", AlreadyExists):
            own(ensure, "theirs", own_input)


def test_indexes_follow_the_current_version(admin: psycopg.Connection, call: Call) -> None:
    text = (
        "machine: shelf\nversion: 1\ncontext: { owner: uuid not null, org: int, n: int }\n"
        "input: [owner]\n"
        "indexes: [context.owner::text, [context.org, lower(context.owner::text)]]\n"
        "events: { e: {} }\nauthorize:\n  create: true\n"
        "  read: claims->>'sub' = context.owner::text\ninitial: x\nstates: { x: {} }\n"
    )
    defined = (
        "select array_agg(substring(pg_get_indexdef(indexrelid) from 'btree (.*)') order by 1)"
        " from pg_index where indrelid = 'pawl_shelf.instance'::regclass and not indisunique"
    )
    deploy_text(admin, text)
    assert call(defined) == ["(((owner)::text))", "(org, lower((owner)::text))"]
    deploy_text(
        admin,
        text.replace("version: 1", "version: 2").replace(
            "[context.org, lower", "[context.n, lower"
        ),
    )
    assert call(defined) == ["(((owner)::text))", "(n, lower((owner)::text))"]


def test_a_clients_list_uses_the_index_that_its_rule_needs(
    dsn: str, cast: Cast, call: Call
) -> None:
    call(
        "insert into pawl_shelf.instance (id, version, state, status, seq, created_at, updated_at,"
        " timers, invokes, history, owner) select n, 2, '{x}', 'running', 1, now(), now(), '{}',"
        " '{}', '{}', gen_random_uuid() from generate_series(1, 2000) as n"
    )
    call("analyze pawl_shelf.instance")
    with client(dsn, cast, sub=CUSTOMER) as own:
        plan = own("explain (format json) select id from shelf_instance")
    assert "by_context_owner_text" in str(plan) or "by_owner_text" in str(plan)


def test_what_cannot_be_indexed_is_told_at_its_place(admin: psycopg.Connection) -> None:
    text = (
        "machine: shelf_2\nversion: 1\ncontext: { at: timestamptz }\nindexes:\n"
        "  - context.at::text\nevents: { e: {} }\nauthorize: {}\ninitial: x\nstates: { x: {} }\n"
    )
    with pytest.raises(CompileError, match=r"shelf_2\.machine\.yaml:5:5"), unchanged(admin):
        deploy_text(admin, text)
