"""A machine at Supabase: by migrations, without a superuser, with Supabase's default grants."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import psycopg
import pytest

from pawl.deploy import supabase
from pawl.deploy.deploy import deploy
from pawl.deploy.errors import DeployRefused
from pawl.deploy.initialise import initialise
from pawl.deploy.supabase import DOORS, Project
from pawl.errors import Denied, NotFound, PawlError, Unauthenticated
from pawlc.compile import compile_machine
from tests import testserver
from tests.database import matrix
from tests.database.calls import refuses
from tests.database.order import (
    COUNTER,
    CUSTOMER,
    RESTAURANT,
    Cast,
    acting,
    create_order,
    send,
)
from tests.supabase.conftest import MACHINES, Deployed, push

pytestmark = pytest.mark.database

CAST = Cast("authenticated", "authenticator", "stranger", "stranger")
ORDER = {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 12.5}
SECOND = COUNTER.replace("version: 1", "version: 2\nindexes: [context.m]\nrealtime: true").replace(
    "  last: text", "  last: text\n  m: int"
)


@pytest.mark.smoke
def test_a_browser_does_what_the_chart_allows_and_no_more(deployed: Deployed) -> None:
    claims = {"sub": CUSTOMER, "role": "authenticated"}
    kitchen = {"sub": "r", "role": "authenticated", "restaurant_id": RESTAURANT}
    with acting(deployed.dsn, "authenticator", role="authenticated", claims=claims) as call:
        call("set search_path = api")
        assert create_order(call, "o-1")["state"] == ["offered"]
        assert call("select state_value from order_instance where id = 'o-1'") == "offered"
        with refuses("denied", Denied):
            send(call, "order", "o-1", "accept", {"prep_minutes": 20})
    with acting(deployed.dsn, "authenticator", role="authenticated", claims=kitchen) as call:
        accepted = call("select api.order_accept('o-1', 20)")
        assert accepted["state_value"] == "preparing"
    with acting(deployed.dsn, "authenticator", role="anon", claims={"role": "anon"}) as call:
        with refuses("not_found", NotFound):
            call("select api.get_instance('order', 'o-1')")
        with pytest.raises(PawlError, match="permission denied for schema pawl_order"):
            call("select count(*) from pawl_order.instance")
    with (
        acting(deployed.dsn, "authenticator", role="anon") as call,
        refuses("claims_missing", Unauthenticated),
    ):
        call("select api.create_instance('order', 'o-2', %s)", json.dumps(ORDER))


def test_each_role_reaches_what_it_reaches_in_a_database_of_ones_own(deployed: Deployed) -> None:
    """The same machines, installed by a superuser where nobody grants anything by default."""
    plain = testserver.within(deployed.superuser, "plain")
    with psycopg.connect(deployed.superuser, autocommit=True) as connection:
        connection.execute("create database plain template template0")
        told = matrix.of(connection, CAST)
    with psycopg.connect(plain, autocommit=True) as connection:
        initialise(connection, DOORS)
        for text, file in MACHINES:
            deploy(connection, compile_machine(text, file))
        expected = matrix.of(connection, CAST)
    with psycopg.connect(deployed.superuser, autocommit=True) as connection:
        connection.execute("drop database plain with (force)")
    assert "api.order_accept" in expected
    assert told == expected


def test_what_supabase_grants_to_everybody_does_not_reach_us(deployed: Deployed) -> None:
    """Tables that `postgres` makes in `public` are anon's by default; ours are pawl_owner's."""
    granted = """
      select count(*) from (
        select relowner as owner, relacl as acl from pg_class
        union all select proowner, proacl from pg_proc
        union all select nspowner, nspacl from pg_namespace
      ) as o, aclexplode(o.acl) as a
      where o.owner = 'pawl_owner'::regrole and a.grantee in (
        0, 'anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)
    """
    with psycopg.connect(deployed.superuser) as connection:
        assert connection.execute(
            "select has_table_privilege('anon', 'public.courier', 'insert')"
        ).fetchone() == (True,), "the server of this test is not like Supabase's"
        assert connection.execute(granted).fetchone() == (0,)
        assert connection.execute(
            "select rolsuper, rolbypassrls from pg_roles where rolname = 'postgres'"
        ).fetchone() == (False, True)


def test_a_machine_that_may_be_followed_is_in_the_publication_of_supabase(
    deployed: Deployed,
) -> None:
    with psycopg.connect(deployed.superuser) as connection:
        published = connection.execute(
            "select schemaname from pg_publication_tables where pubname = 'supabase_realtime'"
        ).fetchall()
    assert published == [("pawl_counter",)]


def test_client_roles_are_limited_and_keep_what_they_had(deployed: Deployed) -> None:
    with psycopg.connect(deployed.superuser) as connection:
        rows = connection.execute(
            "select rolname, rolconfig from pg_roles where rolname in ('anon', 'authenticated')"
        ).fetchall()
    limits = ["lock_timeout=4s", "idle_in_transaction_session_timeout=10s"]
    assert {role: sorted(given) for role, given in rows} == {
        "anon": sorted(["statement_timeout=3s", *limits]),
        "authenticated": sorted(["statement_timeout=8s", *limits]),
    }


def test_a_further_version_is_a_migration_after_the_others(deployed: Deployed) -> None:
    compiled = compile_machine(SECOND, "counter.machine.yaml", target="supabase")
    before = deployed.project.files()
    deployment, file = supabase.add_machine(deployed.project, compiled)
    assert (deployment.outcome, deployment.added) == ("updated", ("m",))
    assert file is not None
    assert file == deployed.project.files()[-1]
    text = file.read_text("utf-8")
    assert "alter table pawl_counter.instance" in text
    assert "on pawl_counter.instance ((m))" in text
    assert "concurrently" not in text, "a migration is one transaction"
    assert "\ncreate table pawl_counter.instance" not in text.partition("insert into pawl")[0]
    assert supabase.add_machine(deployed.project, compiled)[1] is None
    assert supabase.add_runtime(deployed.project, DOORS) is None
    assert deployed.project.files() == (*before, file)
    with psycopg.connect(deployed.dsn, autocommit=True) as connection:
        connection.execute(file.read_bytes())
        versions = connection.execute("select version from pawl.version where machine = 'counter'")
        assert versions.fetchall() == [(1,), (2,)]


def test_an_update_of_pawl_is_a_migration_too(deployed: Deployed, tmp_path: Path) -> None:
    project = Project(shutil.copytree(deployed.project.migrations, tmp_path / "migrations"))
    runtime = next(file for file in project.files() if "pawl_runtime" in file.name)
    runtime.write_text(runtime.read_text("utf-8").replace("sha256 ", "sha256 0", 1), "utf-8")
    file = supabase.add_runtime(project, DOORS, deployed.dsn)
    assert file is not None
    assert file == project.files()[-1]
    assert "create table pawl.journal" not in file.read_text("utf-8")
    push(deployed.dsn, file)
    with psycopg.connect(deployed.dsn) as connection:
        assert connection.execute("select count(*) > 1 from pawl.machine").fetchone() == (True,)


def test_a_database_where_the_migrations_have_run_is_asked_and_left_alone(
    deployed: Deployed, tmp_path: Path
) -> None:
    compiled = compile_machine(COUNTER.replace("counter", "tally"), "tally.machine.yaml")
    project = Project(tmp_path)
    _, file = supabase.add_machine(project, compiled, deployed.dsn)
    assert file is not None
    with psycopg.connect(deployed.dsn) as connection:
        assert connection.execute("select to_regnamespace('pawl_tally')").fetchone() == (None,)
    assert "create schema pawl_tally" in file.read_text("utf-8")


def test_a_migration_that_needs_more_than_a_temporary_database_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("cron", "create extension pg_cron;")
    with pytest.raises(DeployRefused, match=r"_cron\.sql does not run") as refused:
        supabase.add_runtime(project, DOORS)
    assert refused.value.hint is not None
    assert "--dsn" in refused.value.hint
