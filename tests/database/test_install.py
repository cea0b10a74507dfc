"""Installing: once, twice, by migrations, by a user who is not superuser."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pawl.deploy.install import install, installed_api_schema, migrations
from pawl.errors import InstallRefused
from tests import testserver
from tests.database.calls import Call
from tests.optional import needs_plpgsql_check

MODULE = sys.modules["pawl.deploy.install"]  # `pawl.deploy` exports the function of that name
ROOT = Path(__file__).parents[2] / "sql"

CATALOG = """
select 'column' as kind, format('%s.%s %s', c.relname, a.attname, concat_ws(' ',
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attnum,
    pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum))) as what
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where c.relnamespace = 'pawl'::regnamespace
union all
select 'relation', format('%s %s %s %s %s %s', relname, relkind, relowner::regrole, relacl,
    reloptions, obj_description(oid, 'pg_class'))
  from pg_class where relnamespace = 'pawl'::regnamespace
union all
select 'constraint', format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  from pg_constraint where connamespace = 'pawl'::regnamespace
union all
select 'index', pg_get_indexdef(indexrelid)
  from pg_index join pg_class c on c.oid = indexrelid
  where c.relnamespace = 'pawl'::regnamespace
union all
select 'function', format('%s %s %s %s', pg_get_functiondef(oid), proowner::regrole, proacl,
    obj_description(oid, 'pg_proc'))
  from pg_proc where proowner = 'pawl_owner'::regrole
union all
select 'type', format('%s %s', typname, typacl)
  from pg_type where typnamespace = 'pawl'::regnamespace
union all
select 'setting', format('%s %s', name, value) from pawl.setting
union all
select 'schema', format('%s %s %s', nspname, nspowner::regrole, nspacl)
  from pg_namespace where nspname in ('pawl', 'public')
order by 1, 2
"""


def catalog(connection: psycopg.Connection) -> list[tuple[str, str]]:
    return connection.execute(CATALOG.encode()).fetchall()


@pytest.fixture
def empty(server_dsn: str, database: str, connection: psycopg.Connection) -> Iterator[str]:
    """The address of a database without Pawl."""
    name = f"{connection.info.dbname}_empty"
    connection.execute(sql.SQL("create database {} template template0").format(_name(name)))
    yield testserver.within(server_dsn, name)
    connection.execute(sql.SQL("drop database {} with (force)").format(_name(name)))


def _name(name: str) -> sql.Identifier:
    return sql.Identifier(name)


@pytest.mark.smoke
def test_installing_twice_changes_nothing(connection: psycopg.Connection) -> None:
    before = catalog(connection)
    assert len(before) > 200
    install(connection)
    assert catalog(connection) == before


def test_the_migrations_together_make_what_a_fresh_install_makes(
    connection: psycopg.Connection, empty: str
) -> None:
    with psycopg.connect(empty, autocommit=True) as other:
        other.execute("create schema pawl authorization pawl_owner")
        other.execute("set role pawl_owner")
        for migration in migrations():
            other.execute(migration.text.encode())
            other.execute(
                "insert into pawl.schema_version (version, name) values (%s, %s)",
                (migration.number, migration.name),
            )
        other.execute("reset role")
        install(other)
        assert catalog(other) == catalog(connection)


def test_migrations_are_numbered_without_gaps() -> None:
    assert [m.number for m in migrations()] == list(range(1, len(migrations()) + 1))


def test_an_older_database_gets_the_migrations_that_it_lacks(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = MODULE.Migration(len(migrations()) + 1, "add_a_table", "create table pawl.added ()")
    known = (*migrations(), newer)
    monkeypatch.setattr(MODULE, "migrations", lambda: known)
    install(connection)
    row = connection.execute(
        "select to_regclass('pawl.added')::text, max(version), count(*) from pawl.schema_version"
    ).fetchone()
    assert row == ("pawl.added", newer.number, newer.number)


def test_a_database_newer_than_the_package_is_refused(connection: psycopg.Connection) -> None:
    connection.execute("insert into pawl.schema_version (version, name) values (999, 'future')")
    with pytest.raises(InstallRefused, match="version 999"):
        install(connection)


def test_a_failed_install_leaves_the_database_as_it_was(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = catalog(connection)
    broken = (*migrations(), MODULE.Migration(2, "break", "create table pawl.t (); select 1/0"))
    monkeypatch.setattr(MODULE, "migrations", lambda: broken)
    with pytest.raises(psycopg.errors.DivisionByZero):
        install(connection)
    assert catalog(connection) == before


def test_another_api_schema_gets_the_functions_and_is_remembered(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        install(connection, api_schema="My api")
        assert installed_api_schema(connection) == "My api"
        found = connection.execute(
            "select count(*) from pg_proc where pronamespace = '\"My api\"'::regnamespace"
        ).fetchone()
        assert found == (14,)
        with pytest.raises(psycopg.Error, match="does not exist") as caught:
            connection.execute("""select "My api".get_instance('order', 'o-1')""")
        assert caught.value.sqlstate == "PT404"
        with pytest.raises(InstallRefused, match='api_schema "My api", not "public"'):
            install(connection)


def test_no_schema_of_the_api_is_known_before_the_install(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        assert installed_api_schema(connection) is None


def test_installing_inside_a_transaction_leaves_its_role_alone(
    connection: psycopg.Connection,
) -> None:
    with connection.transaction():
        install(connection)
        assert connection.execute("select current_user = session_user").fetchone() == (True,)


@pytest.mark.smoke
def test_the_owner_of_the_database_installs_without_being_superuser(
    empty: str, role_name: Callable[[str], str]
) -> None:
    owner = role_name("owner")
    with psycopg.connect(empty, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} login createrole").format(_name(owner)))
        admin.execute(sql.SQL("grant pawl_owner to {} with admin option").format(_name(owner)))
        database = _name(admin.info.dbname)
        admin.execute(sql.SQL("alter database {} owner to {}").format(database, _name(owner)))
    with psycopg.connect(psycopg.conninfo.make_conninfo(empty, user=owner), autocommit=True) as c:
        install(c)
        install(c)
        owners = c.execute(
            "select distinct proowner::regrole::text from pg_proc where pronamespace ="
            " 'pawl'::regnamespace"
        ).fetchall()
        assert owners == [("pawl_owner",)]
        with pytest.raises(psycopg.Error, match='machine "order" does not exist'):
            c.execute("select create_instance('order', 'o-1')")
    with psycopg.connect(empty, autocommit=True) as admin:
        admin.execute(sql.SQL("reassign owned by {} to postgres").format(_name(owner)))
        admin.execute(sql.SQL("drop owned by {}").format(_name(owner)))
        admin.execute(sql.SQL("alter database {} owner to postgres").format(database))


def test_a_user_without_rights_is_told_what_it_takes(
    empty: str, role_name: Callable[[str], str]
) -> None:
    nobody = role_name("nobody")
    with psycopg.connect(empty, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} login").format(_name(nobody)))
    other = psycopg.conninfo.make_conninfo(empty, user=nobody)
    with (
        psycopg.connect(other, autocommit=True) as connection,
        pytest.raises(InstallRefused, match="may not install") as caught,
    ):
        install(connection)
    assert caught.value.hint is not None
    assert "CREATEROLE" in caught.value.hint


def test_every_body_compiles_whatever_the_order(connection: psycopg.Connection) -> None:
    connection.execute("set check_function_bodies = on")
    for path in sorted((ROOT / "functions").glob("*.sql")):
        connection.execute(path.read_text("utf-8").replace(':"api_schema"', "public").encode())


def test_each_file_holds_the_function_that_it_is_named_after() -> None:
    for path in sorted((ROOT / "functions").glob("*.sql")):
        text = path.read_text("utf-8")
        made = re.findall(r'^create or replace function (?:pawl|:"api_schema")\.(\w+)', text, re.M)
        assert set(made) == {path.stem}, path.name
        assert text.startswith("-- "), f"{path.name} has no header"
        comments = re.findall(rf"^comment on function \S+\.{path.stem}\b", text, re.M)
        assert len(comments) == len(made), path.name


def test_whatever_is_security_definer_pins_its_search_path(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "select oid::regprocedure::text from pg_proc where proowner = 'pawl_owner'::regrole"
        " and prosecdef and coalesce(array_to_string(proconfig, ','), '')"
        " <> 'search_path=pg_catalog, pg_temp'"
    ).fetchall()
    assert rows == []


def test_every_table_has_a_comment(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "select relname from pg_class where relnamespace = 'pawl'::regnamespace"
        " and relkind in ('r', 'p', 'S') and obj_description(oid, 'pg_class') is null"
        " and relname not like '%_seq'"
    ).fetchall()
    assert rows == []


@needs_plpgsql_check
def test_plpgsql_check_finds_nothing(connection: psycopg.Connection, door: Call) -> None:
    rows = connection.execute(
        """
        select f.oid::regprocedure::text, c.lineno, c.level, c.message
        from pg_proc as f
        join pg_language as l on l.oid = f.prolang and l.lanname = 'plpgsql'
        cross join lateral plpgsql_check_function_tb(
          f.oid, fatal_errors => false, performance_warnings => false) as c
        where f.proowner = 'pawl_owner'::regrole
          and f.pronamespace in ('pawl'::regnamespace, 'public'::regnamespace)
          and f.proname not like 'route_%'
          and f.prorettype <> 'trigger'::regtype -- the check would need the table
        """
    ).fetchall()
    assert rows == []


@pytest.mark.smoke
def test_the_journal_has_partitions_for_the_months_ahead(call: Call) -> None:
    assert call("select pawl.make_journal_partitions(3)") == 0
    assert call("select pawl.make_journal_partitions(5)") == 2


def test_a_partition_made_late_takes_its_rows_from_the_default_one(call: Call) -> None:
    call(
        "insert into pawl.journal"
        " (machine, iid, seq, at, version, trusted, event, state, caller, source, sender)"
        " values ('m', 1, 1, now() + interval '4 months', 1, true, '{}', '{a}', 'x', 's', '{m,n}')"
    )
    assert call("select count(*) from pawl.journal_default") == 1
    call("select pawl.make_journal_partitions(5)")
    assert call("select count(*) from pawl.journal_default") == 0
    kept = "select format('%s %s %s', seq, source, sender) from pawl.journal where machine = 'm'"
    assert call(kept) == "1 s {m,n}"
