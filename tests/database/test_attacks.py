"""What a hostile client tries, one test each: nothing is changed, told, held or run.

Beside `test_access.py` (roles, shadowed names), `test_claims.py` (who is calling),
`test_blind_senders.py` (what exists, where it is) and `test_bad_input.py` (what is malformed).
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pawl.deploy.errors import DeployRefused
from pawl.errors import Denied, NotFound, PawlError, Unauthenticated
from pawlc.compile import compile_machine
from pawlc.diagnostics import CompileError
from tests.database.calls import Call, call_on, refuses
from tests.database.order import (
    COUNTER,
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

VAULT = """\
machine: vault
version: 1
context:
  owner: text not null
  secret: text not null default 'hunter2'
  keeper: int references app.person (id) on delete restrict
  n: numeric(10,2) not null default 0 check (n < 100)
input: [owner, keeper]
public: [n]
events:
  add: { by: numeric not null }
  keep: { keeper: int }
  blank: {}
  crack: {}
authorize:
  create: claims->>'sub' = context.owner
  read: >-
    claims->>'sub' = context.owner
    and not exists (select 1 from app.instance i where i.owner = context.owner and i.banned)
  send:
    add, keep, blank, crack: >-
      claims->>'sub' = context.owner
      and not exists (select 1 from app.instance where owner = context.owner and banned)
initial: open
states:
  open:
    on:
      add: { target: open, assign: { n: context.n + event.by } }
      keep: { target: open, assign: { keeper: event.keeper } }
      blank: { target: open, assign: { secret: null } }
      crack: { target: open, assign: { n: context.secret::numeric } }
"""

APP = """\
create schema app;
create table app.person (id int primary key, name text);
insert into app.person values (1, 'k');
create table app.instance
  (id text, owner text, banned boolean, claims jsonb, context text, event text, self text);
insert into app.instance values ('v', 'eve', true, '{"sub": "ann"}', 'ann', 'add', 'ann');
grant usage on schema app to pawl_owner, "{client}";
grant select, references on all tables in schema app to pawl_owner;
grant select on all tables in schema app to "{client}";
"""


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        admit(connection, cast)
        connection.execute(APP.replace("{client}", cast.client).encode())
        deploy_order(connection)
        for text in (COUNTER, VAULT):
            deploy_text(connection, text)
        create_order(call_on(connection), "o")
        for owner in ("ann", "eve"):
            make = "select create_instance('vault', %s, %s)"
            connection.execute(make, (owner, json.dumps({"owner": owner, "keeper": 1})))
    return module_database


@pytest.fixture(scope="module")
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


@pytest.fixture
def ann(dsn: str, cast: Cast) -> Iterator[Call]:
    with client(dsn, cast, sub="ann") as call:
        yield call


@pytest.fixture
def eve(dsn: str, cast: Cast) -> Iterator[Call]:
    with client(dsn, cast, sub="eve", restaurant_id=RESTAURANT) as call:
        yield call


# --- names in rules ----------------------------------------------------------------------------


def test_a_rules_subquery_captures_no_name_of_the_scope(ann: Call, eve: Call) -> None:
    """`app.instance` has columns called owner, claims, context, event and self."""
    assert send(ann, "vault", "ann", "add", {"by": 1})["context"] == {"n": 1}
    assert ann("select array_agg(id) from vault_instance") == ["ann"]
    with refuses("not_found", NotFound):
        send(eve, "vault", "eve", "add", {"by": 1})
    assert eve("select array_agg(id) from vault_instance") is None


def test_a_table_of_the_callers_is_never_a_rules(
    admin: psycopg.Connection, eve: Call, cast: Cast
) -> None:
    """Without its schema it is refused; with it, a temporary one of that name is another."""
    with pytest.raises(CompileError) as refused:
        compile_machine(VAULT.replace("from app.instance where", "from instance where"), "v.yaml")
    assert {one.code for one in refused.value.diagnostics} == {"PW305"}
    admin.execute(f'grant temporary on database "{admin.info.dbname}" to public'.encode())
    eve("create temporary table instance (owner text, banned boolean)")
    eve("create temporary table person (id int)")
    eve("set search_path = pg_temp, public")
    with refuses("not_found", NotFound):
        send(eve, "vault", "eve", "add", {"by": 1})


# --- what errors tell --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("add", {"by": 1000}, "check_violated"),
        ("add", {"by": "1e400"}, "database_error"),
        ("keep", {"keeper": 7}, "constraint_violated"),
        ("blank", {}, "not_null_violated"),
    ],
)
def test_a_refusal_shows_nothing_of_the_row(
    admin: psycopg.Connection, ann: Call, event: str, payload: dict[str, object], code: str
) -> None:
    with unchanged(admin), pytest.raises(PawlError) as caught:
        send(ann, "vault", "ann", event, payload)
    assert caught.value.code in (code, "malformed_payload", "expression_failed")
    assert caught.value.code == code or code == "database_error"
    said = json.dumps([str(caught.value), caught.value.detail, caught.value.hint])
    assert "hunter2" not in said
    assert "Failing row" not in said
    assert "Key (" not in said


def test_a_users_table_reaches_no_instance_by_its_foreign_key(
    admin: psycopg.Connection, call: Call
) -> None:
    """Nothing but an event changes an instance: no cascade, no set null, no set default."""
    for statement in ("delete from app.person", "update app.person set id = 2"):
        with unchanged(admin), pytest.raises(PawlError) as caught:
            call(statement)
        assert caught.value.sqlstate in ("23503", "23001")
    for action in (
        *("on delete cascade", "on delete set null", "on delete set default"),
        *("on update cascade", "on update set null", "on delete restrict on update cascade"),
    ):
        with pytest.raises(CompileError) as refused:
            compile_machine(VAULT.replace("on delete restrict", action), "v.yaml")
        assert {one.code for one in refused.value.diagnostics} == {"PW310"}, action


def test_a_function_in_a_filter_sees_no_row_that_the_rule_hides(
    admin: psycopg.Connection, ann: Call, cast: Cast
) -> None:
    """However cheap it says it is, it runs after row security."""
    admin.execute(
        f"""
        create schema leak authorization "{cast.client}";
        grant usage on schema leak to public;
        create function leak.tell(text) returns boolean language plpgsql cost 0.0000001 as
          $$ begin raise exception 'seen %', $1; end $$;
        grant execute on function leak.tell to public;
        """.encode()
    )
    with pytest.raises(PawlError, match="seen ann"):
        ann("select id from vault_instance where leak.tell(id)")
    assert ann("select id from vault_instance where id <> 'ann' and leak.tell(id)") is None
    assert ann("select id from order_instance where leak.tell(id)") is None
    admin.execute("drop schema leak cascade")


# --- what a creator may set --------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    [
        *("secret", "n", "iid", "id", "version", "state", "status", "seq", "timers", "invokes"),
        *("history", "output", "needs_rescue", "created_at", "updated_at", "machine", "claims"),
        *("OWNER", "owner ", 'owner", "secret', "__proto__", "reply", "trusted"),
    ],
)
def test_a_creator_sets_the_input_and_nothing_else(
    admin: psycopg.Connection, ann: Call, field: str
) -> None:
    input = json.dumps({"owner": "ann", field: "x"})
    with unchanged(admin), pytest.raises(PawlError) as caught:
        ann("select create_instance('vault', 'new', %s)", input)
    assert caught.value.code == "malformed_payload"
    assert caught.value.detail["field"] == field


def test_a_key_that_is_given_twice_counts_once_for_the_rule_and_the_row(
    ann: Call, call: Call
) -> None:
    twice = '{"owner": "ann", "owner": "eve"}'
    with refuses("denied", Denied):
        ann("select create_instance('vault', 'twice', %s)", twice)
    ann("select create_instance('vault', 'twice', %s)", '{"owner": "eve", "owner": "ann"}')
    assert call("select owner from pawl_vault.instance where id = 'twice'") == "ann"


def test_nobody_chooses_an_old_version_with_a_weaker_rule(
    admin: psycopg.Connection, call: Call, dsn: str, cast: Cast
) -> None:
    weak = (
        "machine: gate\nversion: 1\ncontext: { owner: text }\ninput: [owner]\n"
        "events: { open: {} }\nauthorize: { create: true, read: true, send: { open: true } }\n"
        "initial: shut\nstates: { shut: { on: { open: ajar } }, ajar: {} }\n"
    )
    deploy_text(admin, weak)
    call("select create_instance('gate', 'old')")
    strict = weak.replace("version: 1", "version: 2").replace("true", "claims->>'sub' = 'ann'")
    deploy_text(admin, strict)
    with client(dsn, cast, sub="eve") as eve:
        for query in (
            "select create_instance('gate', 'new', '{}', 1)",
            "select create_instance('gate', 'new', version => 1)",
            "select ensure_instance('gate', 'new', '{}', 1)",
        ):
            with refuses("trusted_only", Denied):
                eve(query)
        for query in (
            "select create_instance('gate', 'new', '{\"version\": 1}')",
            "select create_instance('gate', 'new', '{\"owner\": \"1\"}', null)",
            "select create_gate('new')",
        ):
            with pytest.raises(PawlError) as caught:
                eve(query)
            assert caught.value.code in ("malformed_payload", "denied")
        assert eve("select count(*) from gate_instance") == 0, "reading follows the current version"
        # An instance keeps the rules that it was created under, until it is migrated.
        assert send(eve, "gate", "old", "open")["state"] == ["ajar"]
    assert call("select count(*) from pawl_gate.instance") == 1


# --- text that would be SQL --------------------------------------------------------------------

HOSTILE = [
    "x'; drop table pawl.journal; --",
    "'; select pg_sleep(60); --",
    '"; drop schema pawl cascade; --',
    "$$; drop table pawl.journal; $$",
    "\\'; drop table pawl.journal; --",
    "' || (select string_agg(rolname, ',') from pg_roles) || '",
    "%s%I%L%n",
    "{{ machine }}",
    "${PAWL_SECRET_X}",
    "pawl_order.instance",
    "order\n-- ",
    "\u2019; drop table pawl.journal; --",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_callers_becomes_sql(
    admin: psycopg.Connection, call: Call, dsn: str, cast: Cast, text: str
) -> None:
    with client(dsn, cast, sub=text, restaurant_id=text, **{text: text}) as own:
        with unchanged(admin):
            for query, *parameters in (
                ("select get_instance(%s, 'o')", text),
                ("select get_instance('order', %s)", text),
                ("select send_event(%s, 'o', '{\"type\": \"reject\"}')", text),
                ("select send_event('order', 'o', %s)", json.dumps({"type": text})),
                ("select send_event('order', 'o', %s)", json.dumps({"type": "reject", text: 1})),
                ("select send_event('order', 'o', '{}', %s)", text),
                ("select create_instance('order', 'new', %s)", json.dumps({text: text})),
                ("select simulate_event('counter', 'o', %s)", json.dumps({"type": text})),
                ("select history(%s, %s)", text, text),
                ("select enabled_events(%s, %s)", text, text),
                ("select order_reject(%s, %s, %s)", text, text, text),
            ):
                with pytest.raises(PawlError) as caught:
                    own(query, *parameters)
                assert (caught.value.sqlstate or "")[:2] == "PT", query
        made = own("select create_instance('counter', %s)", text)
        assert made["id"] == text
        assert send(own, "counter", text, "add", event_id=text)["context"]["last"] == text
    assert call("select sub from history('counter', %s) limit 1", text) == text
    call("select erase_instance('counter', %s)", text)


@pytest.mark.parametrize(
    "number", ["1e9", "1e10", "-1e40", "9223372036854775808", "1.5", "1e1000", "9" * 5000, "-0.1"]
)
def test_a_huge_number_is_a_malformed_payload(
    admin: psycopg.Connection, ann: Call, number: str
) -> None:
    ann("select ensure_instance('counter', 'huge')")
    event = f'{{"type": "add", "by": {number}}}'
    if number == "1e9":  # of the size of an int
        assert ann("select send_event('counter', 'huge', %s)", event)["context"]["n"] == 10**9
        return
    with unchanged(admin), pytest.raises(PawlError) as caught:
        ann("select send_event('counter', 'huge', %s)", event)
    assert caught.value.code == "malformed_payload"
    total = json.dumps({"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 0})
    with unchanged(admin), pytest.raises(PawlError):
        ann("select create_instance('order', 'huge', %s)", total.replace("0}", f"{number}}}"))


@pytest.mark.parametrize("depth", [500, 5_000])
def test_depth_costs_nobody_but_its_sender(
    admin: psycopg.Connection, ann: Call, depth: int
) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    with unchanged(admin):
        for query in (
            "select create_instance('order', 'deep', %s)",
            "select send_event('order', 'o', %s)",
            "select send_events(%s)",
        ):
            with pytest.raises(PawlError) as caught:
                ann(query, deep)
            assert (caught.value.sqlstate or "").startswith("PT4")
    with pytest.raises(PawlError) as caught:
        ann("select send_events(%s)", "[" * depth + "]" * depth)
    assert caught.value.code == "malformed_batch"


# --- sessions ----------------------------------------------------------------------------------


def test_a_plan_that_was_made_for_one_caller_does_not_answer_another(
    dsn: str, cast: Cast, call: Call
) -> None:
    address = psycopg.conninfo.make_conninfo(dsn, user=cast.authenticator)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'set role "{cast.client}"'.encode())
        own = call_on(connection)
        own("prepare list as select array_agg(id) from vault_instance where id in ('ann', 'eve')")
        own("prepare one as select get_instance('vault', 'ann') ->> 'id'")
        for _ in range(2):
            own("""select set_config('request.jwt.claims', '{"sub": "ann"}', false)""")
            for _ in range(6):  # the sixth may be a generic plan
                assert (own("execute list"), own("execute one")) == (["ann"], "ann")
            own("""select set_config('request.jwt.claims', '{"sub": "bob"}', false)""")
            assert own("execute list") is None
            with refuses("not_found", NotFound):
                own("execute one")
        own("select set_config('request.jwt.claims', '', false)")
        for statement in ("execute list", "execute one"):
            with refuses("claims_missing", Unauthenticated):
                own(statement)


def test_a_definer_function_of_a_clients_lends_nobody_its_role(
    admin: psycopg.Connection, dsn: str, cast: Cast
) -> None:
    admin.execute(
        f"""
        create schema lent authorization "{cast.client}";
        grant usage on schema lent to public;
        create function lent.send() returns jsonb language sql security definer as
          $$ select public.send_event('vault', 'ann', '{{"type": "add", "by": 1}}') $$;
        create function lent.claim() returns text language sql security definer as
          $$ select set_config('request.jwt.claims', '{{"sub": "ann"}}', false) $$;
        alter function lent.send owner to "{cast.client}";
        alter function lent.claim owner to "{cast.client}";
        grant execute on all functions in schema lent to public;
        """.encode()
    )
    for user, code in ((cast.outsider, "unknown_caller"), (cast.authenticator, "unknown_caller")):
        with acting(dsn, user) as other, unchanged(admin):
            other("select lent.claim()")
            with pytest.raises(PawlError) as caught:
                other("select lent.send()")
            assert caught.value.code == code
    with acting(dsn, cast.stranger, role=cast.client) as forger, unchanged(admin):
        forger("select lent.claim()")
        with refuses("claims_refused", Unauthenticated):
            forger("select lent.send()")
    admin.execute("drop schema lent cascade")


@pytest.mark.parametrize(
    "statement",
    [
        "select set_config('role', 'pawl_owner', false)",
        "select set_config('session_authorization', 'postgres', false)",
        "select id from order_instance for update",
        "begin; lock table order_instance in access exclusive mode",
        "truncate order_instance",
        "insert into order_instance (id) values ('x')",
        "update order_instance set status = 'done'",
        "delete from order_instance",
        "copy order_instance from stdin",
        "copy (select 1) to program 'true'",
        "create trigger t before update on pawl_order.instance execute function pg_notify()",
        "create policy p on pawl_order.instance using (true)",
        "alter table pawl_order.instance disable row level security",
        "set session_replication_role = replica",
        "set row_security = off; select id from order_instance",
        "create table public.evil (o text references pawl_order.instance (id))",
        "select pawl.history_of('order', 1)",
        "select pawl.simulate_for('order', 'o', '{}', true)",
        "select pawl.enabled_for('order', 'o', true)",
        "select pawl_order.refuse(1, 'o', '{}', '{}')",
    ],
)
def test_what_goes_round_the_functions_is_closed(
    admin: psycopg.Connection, ann: Call, statement: str
) -> None:
    with unchanged(admin), pytest.raises(PawlError) as caught:
        ann(statement)
    assert caught.value.sqlstate in ("42501", "42809", "0A000", "55000", "42P16"), str(caught.value)


@pytest.mark.parametrize("role", ["client", "authenticator", "outsider"])
def test_a_function_that_trusts_its_caller_cannot_be_called_by_its_number(
    dsn: str, cast: Cast, call: Call, role: str
) -> None:
    """The protocol's fast path takes a function's oid: no name is looked up, rights are asked."""
    user = cast.authenticator if role == "client" else getattr(cast, role)
    first = f'set role "{cast.client}"' if role == "client" else "select 1"
    for signature in (
        "pawl.simulate_for(text, text, jsonb, boolean)",
        "pawl.enabled_for(text, text, boolean)",
        "pawl.in_state(text[], text)",
        "pawl.claims()",
    ):
        oid = call("select %s::regprocedure::oid::bigint", signature)
        assert by_number(dsn, user, oid, first).startswith("42501"), signature


def by_number(dsn: str, user: str, oid: int, first: str) -> str:
    """Call a function without arguments by the fast path; return SQLSTATE and message."""
    where = psycopg.conninfo.conninfo_to_dict(dsn)
    with socket.create_connection((str(where["host"]), int(str(where["port"])))) as wire:
        stream = wire.makefile("rwb")

        def say(kind: bytes, body: bytes) -> None:
            stream.write(kind + struct.pack("!i", len(body) + 4) + body)
            stream.flush()

        def hear(until: bytes) -> list[tuple[bytes, bytes]]:
            heard: list[tuple[bytes, bytes]] = []
            while not heard or heard[-1][0] != until:
                kind = stream.read(1)
                (length,) = struct.unpack("!i", stream.read(4))
                heard.append((kind, stream.read(length - 4)))
            return heard

        login = f"user\0{user}\0database\0{where['dbname']}\0\0".encode()
        say(b"", struct.pack("!i", 196608) + login)
        hear(b"Z")
        say(b"Q", first.encode() + b"\0")
        hear(b"Z")
        say(b"F", struct.pack("!ihhh", oid, 0, 0, 0))
        errors = [body for kind, body in hear(b"Z") if kind == b"E"]
    assert errors, "it was called"
    fields = {part[:1]: part[1:] for part in errors[0].split(b"\0") if part}
    return f"{fields[b'C'].decode()} {fields[b'M'].decode()}"


# --- what is left behind -----------------------------------------------------------------------


@pytest.fixture
def server_log(call: Call) -> Callable[[], str]:
    """Read what the server has logged since the test began."""
    pid_file = Path(call("show data_directory")) / "postmaster.pid"
    try:
        log = Path(f"/proc/{pid_file.read_text().split()[0]}/fd/2").resolve(strict=True)
        begin = log.stat().st_size
    except OSError as error:
        pytest.skip(f"the server's log is out of reach: {error}")

    def read() -> str:
        with log.open("rb") as file:
            file.seek(begin)
            return file.read().decode()

    return read


def test_denials_are_told_to_the_servers_log_and_to_nobody_else(
    admin: psycopg.Connection, dsn: str, cast: Cast, server_log: Callable[[], str]
) -> None:
    address = psycopg.conninfo.make_conninfo(dsn, user=cast.authenticator)
    heard: list[str] = []
    with psycopg.connect(address, autocommit=True) as connection, unchanged(admin):
        connection.add_notice_handler(lambda notice: heard.append(str(notice.message_primary)))
        own = call_on(connection)
        own("set client_min_messages = debug1")
        own(f'set role "{cast.client}"')
        for sub, id in ((CUSTOMER, "o"), ("eve\nLOG: forged", "o"), ("eve", "absent")):
            own("select set_config('request.jwt.claims', %s, false)", json.dumps({"sub": sub}))
            with pytest.raises(PawlError):
                send(own, "order", id, "reject", {"reason": "x"})
        with refuses("denied", Denied):
            create_order(own, "mine")
    told = [line.partition("pawl denied ")[2] for line in server_log().splitlines()]
    denials = [json.loads(line) for line in told if line]
    assert [(d["sub"], d["id"], d.get("event")) for d in denials] == [
        (CUSTOMER, "o", "reject"),
        ("eve\nLOG: forged", "o", "reject"),
        ("eve", "mine", None),
    ]
    assert {(d["machine"], d["caller"], d["session_user"]) for d in denials} == {
        ("order", cast.client, cast.authenticator)
    }
    assert not [line for line in heard if "denied" in line]


def test_the_journal_says_who_did_it(dsn: str, cast: Cast, call: Call) -> None:
    who = "select jsonb_agg(jsonb_build_array(caller, sub, trusted) order by seq)"
    who = f"{who} from history('counter', 'whose')"
    with client(dsn, cast, sub="ann") as ann:
        ann("select create_instance('counter', 'whose')")
    with client(dsn, cast, team="staff") as staff:
        send(staff, "counter", "whose", "add")
    send(call, "counter", "whose", "add")
    with acting(dsn, "postgres", role="pawl_worker", claims={"sub": "bob"}) as worker:
        send(worker, "counter", "whose", "add")
    with acting(dsn, "postgres", role="pawl_admin") as operator:
        operator("select pause_instance('counter', 'whose')")
    assert call(who) == [
        [cast.client, "ann", False],
        [cast.client, None, False],
        ["postgres", None, True],
        ["pawl_worker", "bob", False],
        ["pawl_admin", None, True],
    ]


def test_a_definition_cannot_lend_rights_that_pawl_owner_has_not(
    admin: psycopg.Connection,
) -> None:
    text = VAULT.replace("machine: vault", "machine: thief").replace("app.instance", "app.closed")
    admin.execute("create table app.closed (id text, owner text, banned boolean)")
    with unchanged(admin), pytest.raises((CompileError, DeployRefused)) as refused:
        deploy_text(admin, text)
    assert "app.closed" in str(refused.value)
    admin.execute("drop table app.closed")
