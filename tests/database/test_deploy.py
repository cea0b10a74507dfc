"""Deploying: versions, the table they share, refusals that change nothing, two deploys at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pawl.deploy.deploy import Deployment, deploy
from pawl.deploy.errors import DeployRefused
from pawl.deploy.install import LOCK, install
from pawlc.compile import Compiled, compile_machine
from pawlc.diagnostics import CompileError

ORDER = Path(__file__).parents[2] / "examples" / "food_delivery" / "order.machine.yaml"

LAMP = """\
machine: lamp
version: 1
context:
  watts: int not null default 5 check (watts > 0)
  place: text
input: [watts, place]
events: { push: {} }
authorize: { create: true, read: true, send: { push: true } }
initial: dark
states:
  dark: { on: { push: lit } }
  lit: { on: { push: dark } }
"""

WAITING = """\
select exists (
  select from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'
)"""


def compiled(*changes: tuple[str, str], companion: str | None = None) -> Compiled:
    """The lamp, some of its text replaced."""
    text = LAMP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return compile_machine(text, "lamp.machine.yaml", companion)


V2 = ("version: 1", "version: 2")


def objects(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    """Everything that a deploy could change: functions, columns, constraints, registered rows."""
    return connection.execute(
        "select p.oid::regprocedure::text, md5(p.prosrc) from pg_proc as p"
        " join pg_namespace as n on n.oid = p.pronamespace"
        " where n.nspname ~ '^(pawl|public)' union all"
        " select attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod)"
        " from pg_attribute where attrelid::regclass::text ~ 'lamp' union all"
        " select conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)"
        " from pg_constraint where conrelid::regclass::text ~ 'lamp' union all"
        " select machine || version, hash from pawl.version order by 1, 2"
    ).fetchall()


def test_a_first_deploy_creates_the_machine_and_a_second_changes_nothing(
    connection: psycopg.Connection,
) -> None:
    machine = compiled()
    first = deploy(connection, machine)
    assert first == Deployment("lamp", 1, machine.hash, "created")
    before = objects(connection)
    assert deploy(connection, machine) == Deployment("lamp", 1, machine.hash, "unchanged")
    assert objects(connection) == before


def test_the_order_of_the_example_deploys(connection: psycopg.Connection) -> None:
    assert deploy(connection, compile_machine(ORDER.read_text(), ORDER.name)).outcome == "created"


def test_everything_belongs_to_the_owner_and_nothing_is_granted_to_all(
    connection: psycopg.Connection,
) -> None:
    deploy(connection, compiled())
    owners = connection.execute(
        "select c.relowner::regrole::text from pg_class as c where c.relnamespace ="
        " 'pawl_lamp'::regnamespace union select p.proowner::regrole::text from pg_proc as p"
        " where p.pronamespace = 'pawl_lamp'::regnamespace union"
        " select nspowner::regrole::text from pg_namespace where nspname = 'pawl_lamp'"
    ).fetchall()
    assert owners == [("pawl_owner",)]
    granted_to_all = connection.execute(
        "select p.oid::regprocedure::text from pg_proc as p,"
        " aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a"
        " where p.pronamespace = 'pawl_lamp'::regnamespace and a.grantee = 0"
    ).fetchall()
    assert granted_to_all == []
    assert connection.execute("select current_setting('role')").fetchone() == ("none",)


def test_a_version_never_changes(connection: psycopg.Connection) -> None:
    deploy(connection, compiled())
    before = objects(connection)
    with pytest.raises(DeployRefused) as refused:
        deploy(connection, compiled(("push: dark", "push: lit")))
    assert refused.value.code == "version_exists"
    assert refused.value.hint == "a version never changes: write `version: 2`"
    assert objects(connection) == before


def test_a_version_may_not_come_before_a_deployed_one(connection: psycopg.Connection) -> None:
    deploy(connection, compiled(("version: 1", "version: 3")))
    with pytest.raises(DeployRefused) as refused:
        deploy(connection, compiled(V2))
    assert refused.value.code == "version_behind"


def test_a_new_version_adds_columns_and_old_instances_run_on(
    connection: psycopg.Connection,
) -> None:
    deploy(connection, compiled())
    connection.execute("select create_instance('lamp', 'old', '{\"watts\": 7}')")
    done = deploy(
        connection,
        compiled(
            V2,
            ("  place: text\n", "  place: text\n  hue: text\n  level: int not null default 3\n"),
            ("  lit: {", "  lit: { entry: [{ assign: { level: context.level + 1 } }],"),
        ),
    )
    assert (done.outcome, done.added) == ("updated", ("hue", "level"))
    connection.execute("select create_instance('lamp', 'new', '{}')")
    for name in ("old", "new"):
        connection.execute("select send_event('lamp', %s, '{\"type\": \"push\"}')", (name,))
    rows = connection.execute(
        "select id, version, state, watts, level from pawl_lamp.instance order by id"
    ).fetchall()
    assert rows == [("new", 2, ["lit"], 5, 4), ("old", 1, ["lit"], 7, 3)]


def test_a_field_may_go_and_come_back_as_it_was(connection: psycopg.Connection) -> None:
    gone = (("  place: text\n", ""), ("[watts, place]", "[watts]"))
    deploy(connection, compiled())
    deploy(connection, compiled(V2, *gone))
    third = deploy(connection, compiled(("version: 1", "version: 3")))
    assert (third.outcome, third.added) == ("updated", ())


def test_a_new_field_that_must_have_a_value_must_only_from_its_version_on(
    connection: psycopg.Connection,
) -> None:
    deploy(connection, compiled())
    connection.execute("select create_instance('lamp', 'old', '{}')")
    hue = ("  place: text\n", "  place: text\n  hue: text not null\n")
    done = deploy(connection, compiled(V2, hue, ("[watts, place]", "[watts, hue]")))
    assert done.added == ("hue",)
    connection.execute("""select send_event('lamp', 'old', '{"type": "push"}')""")
    with pytest.raises(psycopg.Error, match="hue"):
        connection.execute("select create_instance('lamp', 'new', '{}')")


def test_fields_may_be_of_types_that_the_database_has_of_its_own(
    connection: psycopg.Connection,
) -> None:
    connection.execute("create type public.hue as enum ('red', 'green')")
    connection.execute("create type public.\"Odd Name\" as enum ('even', 'odd')")
    connection.execute("create domain public.steps as int check (value > 0)")
    fields = """place: text
  hue: public.hue not null default 'red'
  parity: public."Odd Name"
  hues: public.hue[]
  steps: public.steps"""
    event = "push: { hue: public.hue not null, hues: 'public.hue[]', steps: public.steps }"
    take = "{ target: lit, assign: { hue: event.hue, hues: event.hues, steps: event.steps } }"
    machine = compiled(
        ("place: text", fields),
        ("{ push: {} }", f"{{ {event} }}"),
        ("on: { push: lit }", f"on: {{ push: {take} }}"),
    )
    deploy(connection, machine)
    connection.execute("select create_instance('lamp', 'l-1')")
    connection.execute(
        "select send_event('lamp', 'l-1', %s)",
        ('{"type": "push", "hue": "green", "hues": ["red"], "steps": 3}',),
    )
    stored = "select hue::text, parity, hues::text, steps, state from pawl_lamp.instance"
    assert connection.execute(stored).fetchall() == [("green", None, "{red}", 3, ["lit"])]


def test_a_field_written_otherwise_is_the_same_field(connection: psycopg.Connection) -> None:
    deploy(connection, compiled())
    done = deploy(
        connection,
        compiled(
            V2,
            (
                "watts: int not null default 5 check (watts > 0)",
                "watts:   integer   default 5  not null  check ( watts>0 )",
            ),
        ),
    )
    assert (done.outcome, done.added) == ("updated", ())


def test_a_dry_run_shows_the_difference_and_changes_nothing(
    connection: psycopg.Connection,
) -> None:
    before = objects(connection)
    first = deploy(connection, compiled(), dry_run=True)
    assert first.outcome == "created"
    assert first.diff.startswith("--- lamp (not deployed)\n+++ lamp version 1\n")
    assert objects(connection) == before

    deploy(connection, compiled())
    before = objects(connection)
    second = deploy(
        connection, compiled(V2, ("  place: text\n", "  place: text\n  hue: text\n")), dry_run=True
    )
    assert (second.outcome, second.added) == ("updated", ("hue",))
    assert "\n+  hue text,\n" in second.diff
    assert "v1_" not in second.diff
    assert objects(connection) == before
    assert deploy(connection, compiled(), dry_run=True).diff == ""


def test_a_dry_run_tells_a_changed_number_from_the_versions(
    connection: psycopg.Connection,
) -> None:
    deploy(
        connection, compiled(("push: lit }", "push: { target: lit, guard: context.watts > 1 } }"))
    )
    same = compiled(
        V2,
        ("push: lit }", "push: { target: lit, guard: context.watts > 1 } }"),
        ("initial", "\ninitial"),
    )
    assert deploy(connection, same, dry_run=True).diff == ""
    other = compiled(V2, ("push: lit }", "push: { target: lit, guard: context.watts > 2 } }"))
    diff = deploy(connection, other, dry_run=True).diff.splitlines()
    changed = [line for line in diff if line.startswith(("+", "-"))][2:]
    assert changed
    assert all("watts > 1" in line if line[0] == "-" else "watts > 2" in line for line in changed)


def test_a_dry_run_meets_what_a_deploy_would_meet(connection: psycopg.Connection) -> None:
    wrong = compiled(("push: lit }", "push: { target: lit, guard: context.watts > now } }"))
    with pytest.raises(CompileError) as raised:
        deploy(connection, wrong, dry_run=True)
    (found,) = raised.value.diagnostics
    assert (found.span.file, found.span.start.line) == ("lamp.machine.yaml", 11)


def test_what_postgres_refuses_changes_nothing(connection: psycopg.Connection) -> None:
    before = objects(connection)
    with pytest.raises(CompileError):
        deploy(connection, compiled(("place: text", "place: text references nowhere.at (all)")))
    assert objects(connection) == before


def test_python_without_plpython3u_is_refused_with_the_packages_name(
    connection: psycopg.Connection,
) -> None:
    major = connection.info.server_version // 10000
    before = objects(connection)
    with pytest.raises(DeployRefused) as refused:
        deploy(
            connection,
            compiled(
                ("push: lit }", "push: { target: lit, guard: { python: bright } } }"),
                companion="def bright(watts: int) -> bool:\n    return watts > 3\n",
            ),
        )
    assert refused.value.code == "no_plpython"
    available = connection.execute(
        "select exists (select from pg_available_extensions where name = 'plpython3u')"
    ).fetchone()
    expected = "create extension" if available == (True,) else f"postgresql-plpython3-{major}"
    assert expected in (refused.value.hint or "")
    assert objects(connection) == before


def test_python_runs_where_plpython3u_is(connection: psycopg.Connection, plpython3u: None) -> None:
    companion = "def bright(watts: int) -> bool:\n    return watts > 6\n"
    changed = ("push: lit }", "push: { target: lit, guard: { python: bright } } }")
    deploy(connection, compiled(changed, companion=companion))
    connection.execute("select create_instance('lamp', 'l', '{\"watts\": 7}')")
    row = connection.execute("select send_event('lamp', 'l', '{\"type\": \"push\"}') -> 'state'")
    assert row.fetchone() == (["lit"],)


def _two_at_once(
    connection: psycopg.Connection, dsn: str, machines: tuple[Compiled, Compiled]
) -> list[str]:
    """Start two deploys while a third holds the lock; let them go; what became of each, sorted."""
    outcomes: list[str] = []

    def run(machine: Compiled) -> None:
        with psycopg.connect(dsn, autocommit=True) as own:
            try:
                outcomes.append(deploy(own, machine).outcome)
            except DeployRefused as error:
                outcomes.append(error.code)

    connection.execute("select pg_advisory_lock(%s)", (LOCK,))
    threads = [threading.Thread(target=run, args=(machine,)) for machine in machines]
    for thread in threads:
        thread.start()
    while connection.execute(WAITING).fetchone() != (True,):
        pass
    connection.execute("select pg_advisory_unlock(%s)", (LOCK,))
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_two_same_deploys_at_once_one_creates_and_the_other_finds_it(
    connection: psycopg.Connection, database: str
) -> None:
    assert _two_at_once(connection, database, (compiled(), compiled())) == ["created", "unchanged"]


def test_of_two_different_deploys_at_once_one_wins_and_the_other_is_told(
    connection: psycopg.Connection, database: str
) -> None:
    other = compiled(("push: dark", "push: lit"))
    assert _two_at_once(connection, database, (compiled(), other)) == ["created", "version_exists"]


def test_a_second_machine_leaves_the_first_in_reach(connection: psycopg.Connection) -> None:
    deploy(connection, compiled())
    deploy(connection, compile_machine(LAMP.replace("machine: lamp", "machine: torch"), "t.yaml"))
    for machine in ("lamp", "torch"):
        connection.execute("select create_instance(%s, 'x', '{}')", (machine,))
        row = connection.execute(
            "select send_event(%s, 'x', '{\"type\": \"push\"}') ->> 'machine'", (machine,)
        ).fetchone()
        assert row == (machine,)


@pytest.mark.usefixtures("template_database")  # so that Pawl's roles are there
def test_who_is_not_superuser_installs_and_deploys_in_a_database_of_its_own(
    server_dsn: str,
) -> None:
    name = f"pawl_plain_{os.getpid()}"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(f"create role {name} login createrole".encode())
        admin.execute(f"create database {name} owner {name} template template0".encode())
        # Where Pawl is installed in another database, its roles are not this user's to hand out.
        admin.execute(f"grant pawl_owner to {name} with admin option".encode())
        try:
            own = make_conninfo(server_dsn, dbname=name, user=name)
            with psycopg.connect(own, autocommit=True) as connection:
                install(connection)
                assert deploy(connection, compiled()).outcome == "created"
                connection.execute("select create_instance('lamp', 'x', '{}')")
        finally:
            admin.execute(f"drop database {name} with (force)".encode())
            admin.execute(f"drop owned by {name}; drop role {name}".encode())


def test_who_is_nobody_is_refused_and_nothing_is_changed(
    connection: psycopg.Connection, role_name: Callable[[str], str]
) -> None:
    nobody = role_name("nobody")
    connection.execute(f"create role {nobody}; grant pawl_admin to {nobody}".encode())
    before = objects(connection)
    connection.execute(f"set role {nobody}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        deploy(connection, compiled())
    connection.execute("reset role")
    assert objects(connection) == before
