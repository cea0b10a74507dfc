"""Who is calling, told from one role's view at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from pawl.errors import BadRequest, Denied, NotFound, Unauthenticated
from tests.database.calls import Call, call_on, refuses

ANN = '{"sub": "ann", "roles": ["guest"]}'


@dataclass(frozen=True)
class Roles:
    """Role names: an end user's, the login that switches to it, and three that are neither."""

    client: str
    authenticator: str
    stranger: str
    admin: str
    reserve: str


@pytest.fixture
def roles(call: Call, role_name: Callable[[str], str]) -> Roles:
    made = Roles(*(role_name(w) for w in ("client", "auth", "stranger", "admin", "reserve")))
    call(f"create role {made.client} nologin")
    call(f"create role {made.authenticator} login noinherit")
    call(f"create role {made.stranger} login")
    call(f"create role {made.admin} login in role pawl_admin")
    call(f"create role {made.reserve} login noinherit in role pawl_admin")
    call(f"grant {made.client} to {made.authenticator}, {made.stranger}, {made.admin}")
    call(f"grant pawl_admin to {made.authenticator}")
    call("select pawl.init_roles(%s, %s)", [made.client], [made.authenticator])
    return made


@contextmanager
def session(
    dsn: str, user: str, *, role: str | None = None, claims: str | None = None
) -> Iterator[Call]:
    """A session of a login role, switched to another, with claims, as PostgREST does it."""
    address = psycopg.conninfo.make_conninfo(dsn, user=user)
    with psycopg.connect(address) as connection:
        if role is not None:
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        if claims is not None:
            connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        yield call_on(connection)
        connection.rollback()


def test_the_superuser_passes_without_claims(call: Call) -> None:
    assert call("select pawl.claims()") is None
    assert call("select pawl.caller()") == "postgres"


def test_a_trusted_caller_with_claims_is_treated_as_that_client(
    connection: psycopg.Connection, call: Call
) -> None:
    with connection.transaction():
        call("select set_config('request.jwt.claims', %s, true)", ANN)
        assert call("select pawl.claims() ->> 'sub'") == "ann"
    assert call("select pawl.claims()") is None, "the setting's empty rest means none"


@pytest.mark.smoke
def test_a_client_is_its_claims(database: str, roles: Roles, door: Call) -> None:
    door("select create_instance('door', 'd')")
    with (
        session(database, roles.authenticator, role=roles.client, claims=ANN) as client,
        refuses("denied", Denied),
    ):
        client("""select send_event('door', 'd', '{"type": "open"}')""")
    keeper = '{"sub": "keeper"}'
    with session(database, roles.authenticator, role=roles.client, claims=keeper) as client:
        reply = client("""select send_event('door', 'd', '{"type": "open"}')""")
        assert reply["state"] == ["open"]


@pytest.mark.parametrize("claims", [None, ""])
def test_a_client_without_claims_is_nobody(
    database: str, roles: Roles, door: Call, claims: str | None
) -> None:
    with session(database, roles.authenticator, role=roles.client, claims=claims) as client:
        with refuses("claims_missing", Unauthenticated) as caught:
            client("select create_instance('door', 'd')")
        assert caught.value.detail["role"] == roles.client


@pytest.mark.parametrize(
    "claims", ["{", "[1]", '"ann"', "null", '{"sub": "\\u0000"}', "[" * 50_000]
)
def test_malformed_claims_are_refused(database: str, roles: Roles, door: Call, claims: str) -> None:
    with (
        session(database, roles.authenticator, role=roles.client, claims=claims) as client,
        refuses("malformed_claims", Unauthenticated),
    ):
        client("select create_instance('door', 'd')")


def test_claims_that_a_stranger_set_do_not_count(database: str, roles: Roles, door: Call) -> None:
    keeper = '{"sub": "keeper"}'
    with session(database, roles.stranger, role=roles.client, claims=keeper) as forger:
        with refuses("claims_refused", Unauthenticated) as caught:
            forger("select create_instance('door', 'd')")
        assert caught.value.detail["session_user"] == roles.stranger


def test_a_trusted_session_may_speak_for_a_client(database: str, roles: Roles, door: Call) -> None:
    keeper = '{"sub": "keeper"}'
    with session(database, roles.admin, role=roles.client, claims=keeper) as client:
        assert client("select create_instance('door', 'd')")["state"] == ["closed"]


def test_a_role_that_nobody_named_may_not_call(
    call: Call, database: str, roles: Roles, door: Call
) -> None:
    call(f"grant pawl_client to {roles.stranger}")
    for claims in (None, ANN):
        with (
            session(database, roles.stranger, claims=claims) as stranger,
            refuses("unknown_caller", Denied),
        ):
            stranger("select create_instance('door', 'd')")


def test_an_authenticator_is_nobody_before_it_switches_role(
    call: Call, database: str, roles: Roles, door: Call
) -> None:
    call(f"grant execute on function create_instance to {roles.authenticator}")
    with (
        session(database, roles.authenticator, claims=ANN) as nobody,
        refuses("unknown_caller", Denied),
    ):
        nobody("select create_instance('door', 'd')")


def test_an_authenticator_that_switched_to_a_trusted_role_is_trusted(
    database: str, roles: Roles, door: Call
) -> None:
    with session(database, roles.authenticator, role="pawl_admin") as admin:
        assert admin("select create_instance('door', 'd')")["seq"] == 1
    with session(database, roles.reserve, role="pawl_admin") as admin:
        assert admin("select create_instance('door', 'd')")["seq"] == 1


def test_claims_of_a_member_that_does_not_inherit_trust_do_not_count(
    database: str, roles: Roles, door: Call
) -> None:
    with (
        session(database, roles.reserve, role="pawl_admin", claims=ANN) as admin,
        refuses("claims_refused", Unauthenticated),
    ):
        admin("select create_instance('door', 'd')")


def test_a_client_reads_nothing(database: str, roles: Roles, door: Call) -> None:
    door("select create_instance('door', 'd')")
    for query in (
        "select get_instance('door', 'd')",
        "select history('door', 'd')",
        """select simulate_event('door', 'd', '{"type": "open"}')""",
        "select enabled_events('door', 'd')",
        "select enabled_events('door', 'absent')",
    ):
        with (
            session(database, roles.authenticator, role=roles.client, claims=ANN) as client,
            refuses("not_found", NotFound),
        ):
            client(query)


def test_a_client_has_no_rights_on_the_schemas(database: str, roles: Roles, door: Call) -> None:
    for query in (
        "select * from pawl.journal",
        "select * from pawl_door.instance",
        "delete from pawl.timer",
        "select pawl.claims()",
        "select pawl.route_send('door', 'd', '{}', null, null)",
        "select pause_instance('door', 'd')",
        "select erase_instance('door', 'd')",
    ):
        with (
            session(database, roles.authenticator, role=roles.client, claims=ANN) as client,
            pytest.raises(Exception, match="permission denied"),
        ):
            client(query)


def test_nothing_is_granted_to_public(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        """
        select p.oid::regprocedure::text from pg_proc as p
        where p.proowner = 'pawl_owner'::regrole
          and (p.proacl is null or exists (
            select from aclexplode(p.proacl) as a where a.grantee = 0))
        union all
        select c.oid::regclass::text from pg_class as c, aclexplode(c.relacl) as a
        where c.relnamespace = 'pawl'::regnamespace and a.grantee = 0
        """
    ).fetchall()
    assert rows == []


def test_functions_that_a_deploy_makes_start_without_public(
    connection: psycopg.Connection, call: Call
) -> None:
    call("create schema pawl_later authorization pawl_owner")
    call("set role pawl_owner")
    call("create function pawl_later.f() returns int language sql as 'select 1'")
    call("reset role")
    assert not call("select has_function_privilege('pg_monitor', 'pawl_later.f()', 'execute')")


def test_a_client_role_must_be_one_that_cannot_harm(call: Call, roles: Roles) -> None:
    call(f"create role {roles.client}_x nologin bypassrls")
    for name, reason in (
        (roles.stranger, "can log in"),
        ("absent", "does not exist"),
        ("pawl_worker", "is trusted"),
        (f"{roles.client}_x", "skips row security"),
    ):
        with refuses("bad_role", BadRequest) as caught:
            call("select pawl.init_roles(%s, null)", [name])
        assert caught.value.detail["reason"] == reason
    with refuses("bad_role", BadRequest):
        call("select pawl.init_roles(null, %s)", ["absent"])
    call(f"drop role {roles.client}_x")


def settings(call: Call, role: str) -> list[str]:
    return sorted(call("select rolconfig from pg_roles where rolname = %s", role) or [])


def test_who_comes_in_may_not_run_wait_or_be_idle_for_long(call: Call, roles: Roles) -> None:
    limits = ["idle_in_transaction_session_timeout=10s", "lock_timeout=4s", "statement_timeout=8s"]
    assert settings(call, roles.client) == settings(call, roles.authenticator) == limits
    assert settings(call, roles.stranger) == []


def test_a_limit_that_a_role_has_stays(call: Call, roles: Roles) -> None:
    call(f"alter role {roles.client} set lock_timeout = '1s'")
    call("select pawl.init_roles(%s, null)", [roles.client])
    assert "lock_timeout=1s" in settings(call, roles.client)


def test_who_may_not_alter_a_role_is_warned(
    connection: psycopg.Connection, call: Call, roles: Roles
) -> None:
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    call(f"alter role {roles.reserve} set statement_timeout = '1s'")
    call("set role pawl_owner")
    call("select pawl.limit_role(%s)", roles.reserve)
    call("reset role")
    assert told == [f'role "{roles.reserve}" keeps no limit of its own on lock_timeout']


def test_naming_roles_again_replaces_the_list_and_null_leaves_it(call: Call, roles: Roles) -> None:
    call("select pawl.init_roles('{}', null)")
    assert call("select pawl.client_roles()") == []
    assert call("select pawl.authenticators()") == [roles.authenticator]


def test_installing_keeps_the_roles(
    connection: psycopg.Connection, call: Call, roles: Roles
) -> None:
    from pawl.deploy import install

    install(connection)
    assert call("select pawl.client_roles()") == [roles.client]


def test_single_claims_count_once_their_names_are_given(
    call: Call, database: str, roles: Roles, door: Call
) -> None:
    with session(database, roles.authenticator, role=roles.client) as client:
        client("set local jwt.claims.sub = 'keeper'")
        with refuses("claims_missing", Unauthenticated):
            client("select create_instance('door', 'd')")
    call("select pawl.init_roles(null, null, '{sub,org}')")
    with session(database, roles.authenticator, role=roles.client) as client:
        client("set local jwt.claims.sub = 'keeper'")
        assert client("select create_instance('door', 'd')")["seq"] == 1
    with (
        session(database, roles.authenticator, role=roles.client) as client,
        refuses("claims_missing", Unauthenticated),
    ):
        client("select create_instance('door', 'd')")
