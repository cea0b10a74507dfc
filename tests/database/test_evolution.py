"""What becomes of the table when a version changes fields: both versions live side by side."""

from __future__ import annotations

import json
import threading
from typing import Any

import psycopg
import pytest

from pawl.deploy import steps
from pawl.deploy.deploy import deploy
from pawl.deploy.errors import DeployRefused
from pawl.deploy.versions import make_current
from pawlc.compile import Compiled, Earlier, compile_machine, earlier_version, placed

V1 = """\
machine: bill
version: 1
authorize: { read: "context.total is not null" }
context:
  total: int not null default 1 check (total > 0)
  most: int not null default 100 check (most >= total)
  note: text
input: [total, note]
public: [total]
indexes: [context.total]
events: { pay: { amount: int not null } }
initial: open
states:
  open:
    on:
      pay:
        assign:
          total: context.total + event.amount
          note: $$paid$$
  closed: { type: final }
"""
V2 = (
    V1.replace("version: 1", "version: 2")
    .replace("total: int not null default 1 ", "total: numeric(10,2) not null default 1.5 ")
    .replace("note: text", "remark: text not null default gen_random_uuid()::text")
    .replace("note", "remark")
    .replace(
        "initial: open",
        """\
migrate:
  1:
    context:
      total: old.total * 2
      remark: coalesce(old.note, 'none')
initial: open""",
    )
)
V3 = (
    V1.replace("version: 1", "version: 3")
    .replace("default 1 check", "check")
    .replace("note: text", "note: text not null")
    .replace(
        "initial: open",
        "migrate: { 2: { context: { total: 'old.total::int', note: old.remark } } }\ninitial: open",
    )
)
Connection = psycopg.Connection[Any]
BLOCKED = "select exists (select from pg_locks where not granted and relation = %s::regclass)"


def versions(*texts: str) -> list[Compiled]:
    """Each compiled against those before it."""
    known: dict[int, Earlier] = {}
    found = []
    for number, text in enumerate(texts, 1):
        found.append(compile_machine(text, "bill.machine.yaml", earlier=known))
        version = earlier_version(text, "bill.machine.yaml", earlier=known)
        assert version is not None
        known[number] = version
    return found


def create(connection: Connection, id: str, version: int, **input: object) -> dict[str, Any]:
    query = "select create_instance('bill', %s, %s, %s)"
    return reply(connection, query, id, json.dumps(input), version)


def pay(connection: Connection, id: str, amount: int = 1) -> dict[str, Any]:
    event = json.dumps({"type": "pay", "amount": amount})
    return reply(connection, "select send_event('bill', %s, %s)", id, event)


def reply(connection: Connection, query: str, *arguments: object) -> dict[str, Any]:
    row = connection.execute(query.encode(), arguments).fetchone()
    assert row is not None
    assert isinstance(row[0], dict)
    return row[0]


def columns(connection: Connection, id: str, *names: str) -> tuple[Any, ...] | None:
    query = f"select {', '.join(names)} from pawl_bill.instance where id = %s"
    return connection.execute(query.encode(), (id,)).fetchone()


def test_a_retyped_field_has_a_column_for_each_version(connection: Connection) -> None:
    first, second = versions(V1, V2)
    deploy(connection, first)
    create(connection, "old", 1, total=7)
    done = deploy(connection, second)
    assert done.added == ("total_2", "most_2", "remark")
    create(connection, "new", 2, total=7.25)
    assert pay(connection, "old")["context"] == {"total": 8}
    assert pay(connection, "new")["context"] == {"total": 8.25}
    assert columns(connection, "old", "total", "total_2", "note", "remark") == (
        8,
        None,
        "paid",
        None,
    )
    assert columns(connection, "new", "total_2::text", "note") == ("8.25", None)
    view = connection.execute("select id, total::text from bill_instance order by id").fetchall()
    assert view == [("new", "8.25"), ("old", None)]


def test_a_migration_carries_values_from_column_to_column(connection: Connection) -> None:
    for one in versions(V1, V2, V3):
        deploy(connection, one)
    create(connection, "a", 1, total=7)
    connection.execute("select pawl.migrate_instances('bill', 1, 2)")
    assert columns(connection, "a", "total_2::text", "most_2", "remark") == ("14.00", 100, "none")
    pay(connection, "a")
    connection.execute("select pawl.migrate_instances('bill', 2, 3)")
    assert columns(connection, "a", "version", "total", "note") == (3, 15, "paid")
    assert pay(connection, "a")["context"] == {"total": 16}


def test_a_field_that_is_what_it_was_once_is_back_in_its_column(connection: Connection) -> None:
    first, second, third = versions(V1, V2, V3)
    deploy(connection, first)
    deploy(connection, second)
    assert deploy(connection, third).added == ()
    kept = connection.execute("select version, columns from pawl.version order by 1").fetchall()
    assert kept == [(1, {}), (2, {"total": "total_2", "most": "most_2"}), (3, {})]


def test_every_version_keeps_its_own_checks(connection: Connection) -> None:
    for one in versions(V1, V2, V3):
        deploy(connection, one)
    create(connection, "one", 1, total=7)
    create(connection, "two", 2, total=7)
    create(connection, "three", 3, total=7, note="n")
    for id, change in (
        ("one", "most = 1"),
        ("two", "most_2 = 1"),
        ("two", "total_2 = null"),
        ("two", "remark = null"),
        ("three", "note = null"),
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            connection.execute(f"update pawl_bill.instance set {change} where id = '{id}'".encode())
    connection.execute("update pawl_bill.instance set note = null where id = 'one'")
    invalid = "select conname from pg_constraint where not convalidated"
    assert connection.execute(invalid).fetchall() == []


def test_the_current_version_may_be_an_earlier_one(connection: Connection) -> None:
    for one in versions(V1, V2):
        deploy(connection, one)
    make_current(connection, "bill", 1)
    assert create(connection, "a", 1, total=3)["context"] == {"total": 3}
    assert connection.execute("select total from bill_instance").fetchall() == [(3,)]
    make_current(connection, "bill", 2)
    assert connection.execute("select total from bill_instance").fetchall() == [(None,)]


def test_an_imported_row_lands_in_the_columns_of_its_version(connection: Connection) -> None:
    for one in versions(V1, V2):
        deploy(connection, one)
    given = json.dumps({"total": 2.5, "most": 3, "remark": "r"})
    connection.execute("select import_instance('bill', 'a', 2, '{open}', %s)", (given,))
    assert columns(connection, "a", "total_2::text", "most_2") == ("2.50", 3)


def test_sessions_from_before_a_deploy_go_on_with_both_versions(database: str) -> None:
    first, second = versions(V1, V2)
    with (
        psycopg.connect(database, autocommit=True) as deployer,
        psycopg.connect(database, autocommit=True, prepare_threshold=0) as session,
    ):
        deploy(deployer, first)
        create(session, "old", 1, total=1)
        for _ in range(7):  # past the custom plans, and prepared on the server
            pay(session, "old")
        deploy(deployer, second)
        pay(session, "old")
        assert columns(session, "old", "version", "total") == (1, 9)
        assert create(session, "new", 2, total=1)["context"] == {"total": 1.0}
        assert pay(session, "new")["version"] == 2
        deployer.execute("select pawl.migrate_instances('bill', 1, 2)")
        assert pay(session, "old")["context"] == {"total": 19.0}
        make_current(deployer, "bill", 1)
        assert create(session, "again", 1, total=1)["version"] == 1


def test_a_deploy_gives_way_to_a_transaction_that_uses_the_table(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = versions(V1, V2)
    with (
        psycopg.connect(database, autocommit=True) as deployer,
        psycopg.connect(database, autocommit=True) as reader,
        psycopg.connect(database, autocommit=True) as sender,
    ):
        deploy(deployer, first)
        create(sender, "a", 1, total=1)
        monkeypatch.setattr(steps, "LOCK_WAIT", "50 ms")
        with reader.transaction():
            reader.execute("select from pawl_bill.instance")
            done: list[str] = []
            waits = threading.Thread(target=lambda: done.append(deploy(deployer, second).outcome))
            waits.start()
            table = ("pawl_bill.instance",)
            while reader.execute(BLOCKED, table).fetchone() != (True,):
                assert waits.is_alive()
            assert pay(sender, "a")["context"] == {"total": 2}  # it does not queue for ever
        waits.join()
        assert done == ["updated"]


def test_a_table_that_stays_locked_is_told_and_changes_nothing(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = versions(V1, V2)
    with (
        psycopg.connect(database, autocommit=True) as deployer,
        psycopg.connect(database, autocommit=True) as reader,
    ):
        deploy(deployer, first)
        monkeypatch.setattr(steps, "LOCK_WAIT", "10 ms")
        with reader.transaction(), monkeypatch.context() as impatient:
            impatient.setattr(steps, "PATIENCE", 0.0)
            reader.execute("select from pawl_bill.instance")
            with pytest.raises(DeployRefused) as refused:
                deploy(deployer, second)
        assert refused.value.code == "table_locked"
        assert deploy(deployer, second).outcome == "updated"


def test_a_deploy_that_was_ended_in_the_middle_goes_on(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = versions(V1, V2)
    deploy(connection, first)
    _end_in_the_middle(connection, second, monkeypatch)
    create(connection, "old", 1, total=7)  # nothing has switched
    with pytest.raises(psycopg.Error, match="no version 2"):
        create(connection, "new", 2, total=7)
    added = "select attnum from pg_attribute where attname = 'total_2'"
    number = connection.execute(added).fetchone()
    assert deploy(connection, second).added == ("total_2", "most_2", "remark")
    assert connection.execute(added).fetchone() == number
    left = connection.execute("select preparing from pawl.machine where name = 'bill'").fetchone()
    assert left == (None,)


def test_what_an_abandoned_deploy_added_goes_with_the_next(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = versions(V1, V2)
    deploy(connection, first)
    _end_in_the_middle(connection, second, monkeypatch)
    (_, other) = versions(V1, V2.replace("numeric(10,2)", "bigint").replace("1.5", "1"))
    deploy(connection, other)
    type = "select atttypid::regtype::text from pg_attribute where attname = 'total_2'"
    assert connection.execute(type).fetchone() == ("bigint",)


def test_an_index_whose_building_was_ended_is_built_again(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = versions(V1, V2)
    deploy(connection, first)
    _end_in_the_middle(connection, second, monkeypatch)
    create(connection, "a", 1)
    in_its_column = placed(second, {2: {"total": "total_2"}})
    name = next(iter(dict(steps.concurrent_indexes(in_its_column.machine))))
    made = f'create index "{name}" on pawl_bill.instance (total_2)'
    connection.execute(made.encode())
    connection.execute(
        "update pg_index set indisvalid = false where indexrelid = to_regclass(%s)",
        (f'pawl_bill."{name}"',),
    )
    deploy(connection, second)
    found = connection.execute(
        "select indisvalid from pg_index join pg_class on pg_class.oid = indexrelid"
        " where indrelid = 'pawl_bill.instance'::regclass and relname like 'by_total%'"
    ).fetchall()
    assert found == [(True,)]


def _end_in_the_middle(
    connection: Connection, compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deploy until the table is changed, and no further."""
    with monkeypatch.context() as broken:
        broken.setattr(steps, "_build_indexes", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            deploy(connection, compiled)


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
