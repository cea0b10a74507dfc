"""`pawl adopt`: rows of a table of the user's become instances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.conftest import Pawl

CHART = """\
machine: order
version: 1
context: { customer: text not null, total: numeric not null check (total > 0) }
input: [customer, total]
events: { accept: {} }
authorize: {}
effects: { ring: {} }
initial: placed
states:
  placed:
    invoke: { src: ring, id: ring }
    on: { accept: cooking }
    after: { 10 minutes: rejected }
  cooking: {}
  rejected: { type: final }
"""
MAP = """\
id: no
state: case status when 'new' then 'placed' when 'cooking' then 'cooking' end
context:
  customer: customer
  total: cents / 100.0
"""
TABLE = """\
create schema app;
create table app.orders (no int, status text, customer text, cents int);
insert into app.orders values
  (1, 'new', 'ann', 100), (2, 'cooking', '100 % bob', 250), (3, 'gone', 'cid', 5),
  (4, 'new', 'dan', 0)"""
ADOPT = ("adopt", "order", "--from", "app.orders", "--map", "map.yaml", "--json")


@pytest.fixture
def shop(online: Pawl, connection: psycopg.Connection) -> Pawl:
    """Four rows of `app.orders`: two can be adopted, one is not meant, one breaks a check."""
    Path("order.machine.yaml").write_text(CHART)
    Path("map.yaml").write_text(MAP)
    assert online("deploy", "order.machine.yaml").code == 0
    connection.execute(TABLE)
    return online


def outcomes(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["state"], row["outcome"], row["rows"], row["example"]) for row in rows]


def rows(connection: psycopg.Connection, columns: str) -> list[tuple[Any, ...]]:
    query = f"select {columns} from pawl_order.instance order by id"
    return connection.execute(query.encode()).fetchall()


FIRST = [
    ("placed", "adopted", 1, "1"),
    ("cooking", "adopted", 1, "2"),
    (None, "left out", 1, "3"),
    ("placed", "failed", 1, "4"),
]


def test_rows_enter_in_the_state_that_they_say_with_their_ids(
    shop: Pawl, connection: psycopg.Connection
) -> None:
    run = shop(*ADOPT)
    assert (run.code, outcomes(run.json)) == (1, FIRST)
    assert "total" in run.json[3]["reason"]
    assert rows(connection, "id, state, status, customer, total::text, version") == [
        ("1", ["placed"], "running", "ann", "1.00000000000000000000", 1),
        ("2", ["cooking"], "running", "100 % bob", "2.5000000000000000", 1),
    ]
    assert shop("send", "order", "1", "accept", "--json").json["state"] == ["cooking"]


def test_a_dry_run_tells_the_same_and_keeps_nothing(
    shop: Pawl, connection: psycopg.Connection
) -> None:
    run = shop(*ADOPT, "--dry-run")
    assert (run.code, outcomes(run.json)) == (1, FIRST)
    assert rows(connection, "id") == []
    assert connection.execute("select count(*) from pawl.journal").fetchone() == (0,)


def test_a_second_run_adopts_what_is_left(shop: Pawl, connection: psycopg.Connection) -> None:
    shop(*ADOPT)
    connection.execute("update app.orders set cents = 700 where no = 4")
    run = shop(*ADOPT)
    assert run.code == 0
    assert sorted(outcomes(run.json), key=str) == sorted(
        [
            ("placed", "there already", 1, "1"),
            ("cooking", "there already", 1, "2"),
            (None, "left out", 1, "3"),
            ("placed", "adopted", 1, "4"),
        ],
        key=str,
    )
    acts = "select event ->> 'type', count(*)::int from pawl.journal group by 1"
    assert connection.execute(acts).fetchall() == [("pawl.import", 3)]


def test_only_the_rows_that_are_meant_are_adopted(
    shop: Pawl, connection: psycopg.Connection
) -> None:
    Path("map.yaml").write_text(f"{MAP}where: no % 2 = 0 and cents > 0\n")
    assert outcomes(shop(*ADOPT).json) == [("cooking", "adopted", 1, "2")]
    assert rows(connection, "id") == [("2",)]


def test_timers_and_invokes_that_are_skipped_do_not_begin(
    shop: Pawl, connection: psycopg.Connection
) -> None:
    shop(*ADOPT, "--skip")
    assert rows(connection, "timers, invokes") == [({}, {}), ({}, {})]
    connection.execute("select pawl.advance_clock('1 day')")
    connection.execute("select pawl.fire_due_timers()")
    assert connection.execute("select * from pawl.claim_effects('w')").fetchall() == []
    assert rows(connection, "state") == [(["placed"],), (["cooking"],)]


def test_those_that_are_not_skipped_begin_as_with_import_instance(
    shop: Pawl, connection: psycopg.Connection
) -> None:
    shop(*ADOPT)
    connection.execute(
        "select import_instance('order', 'x', 1, '{placed}', '{\"customer\": \"c\", \"total\": 1}')"
    )
    adopted, _, imported = rows(connection, "timers, invokes")
    assert adopted == imported


def test_many_rows_on_many_pages_are_adopted_once_each(
    shop: Pawl, connection: psycopg.Connection
) -> None:
    connection.execute(
        "insert into app.orders select n, 'new', repeat('x', 50), 100"
        " from generate_series(5, 404) as n"
    )
    connection.execute("delete from app.orders where no in (1, 2, 3, 4)")
    assert outcomes(shop(*ADOPT).json) == [("placed", "adopted", 400, "5")]
    assert connection.execute("select count(*) from pawl_order.instance").fetchone() == (400,)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("id: no\n", "malformed_mapping"),
        ("[]", "malformed_mapping"),
        ("id: no\nstate: $$placed$$\nstates: 1\n", "malformed_mapping"),
        ("id: 'no); drop table x; ('\nstate: 1\n", "malformed_condition"),
        ("id: no\nstate: select 1\n", "malformed_condition"),
        ("a: [\n", "malformed_mapping"),
    ],
)
def test_what_is_no_mapping_is_refused(shop: Pawl, text: str, code: str) -> None:
    Path("map.yaml").write_text(text)
    run = shop(*ADOPT)
    assert (run.code, run.error["code"]) == (1, code)


def test_an_expression_cannot_write(shop: Pawl, connection: psycopg.Connection) -> None:
    connection.execute(
        "create function app.sly() returns text language plpgsql as"
        " 'begin delete from app.orders; return ''placed''; end'"
    )
    Path("map.yaml").write_text(MAP.replace("case status", "app.sly() || case status"))
    run = shop(*ADOPT)
    assert (run.code, run.error["code"]) == (1, "25006")
    assert connection.execute("select count(*) from app.orders").fetchone() == (4,)


def test_a_view_and_a_version_that_is_not_there_are_refused(
    shop: Pawl, connection: psycopg.Connection
) -> None:
    connection.execute("create view app.seen as select * from app.orders")
    run = shop("adopt", "order", "--from", "app.seen", "--map", "map.yaml", "--json")
    assert (run.code, run.error["code"]) == (1, "not_a_table")
    run = shop(*ADOPT, "--version", "7")
    assert (run.code, run.error["code"]) == (1, "version_absent")
