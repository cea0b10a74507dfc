"""The effect `sql`: a function of the user's, in a transaction of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import psycopg
import pytest

from pawl.worker.app import Worker
from pawl.worker.outcomes import Done, Failed, Outcome
from pawl.worker.performing import perform
from pawl.worker.sql_effect import SqlEffect
from tests.worker.test_http_effect import task

FUNCTIONS = """\
create schema billing;
create table billing.charge (key text primary key, amount numeric, at timestamptz);
create function billing.charge(amount numeric, tags jsonb default '[]', note text default null)
returns jsonb language plpgsql as $$
begin
  insert into billing.charge values (current_setting('pawl.idempotency_key'), amount, now());
  return jsonb_build_object('amount', amount, 'tags', tags, 'note', note);
end $$;
create function billing.nothing() returns void language sql as 'select 1';
create function billing.fails(code text) returns int language plpgsql as $$
begin
  raise exception 'no luck' using errcode = code;
end $$;
create function billing.many() returns setof int language sql as 'values (1), (2)';
"""


@pytest.fixture
def ask(connection: psycopg.Connection, database: str) -> Any:
    connection.execute(FUNCTIONS.encode())
    app = Worker()
    names = [f"billing.{name}" for name in ("charge", "nothing", "fails", "many", "absent")]
    app.effect("sql")(SqlEffect(database, names).perform)

    def run(function: str, **arguments: Any) -> Outcome:
        claimed = task("sql", function=function, arguments=arguments)
        return asyncio.run(perform(app.handler("sql"), claimed))

    return run


def test_the_value_is_the_output(ask: Any) -> None:
    outcome = ask("billing.charge", amount=24.5, tags=["a"], note=None)
    assert isinstance(outcome, Done)
    assert json.loads(outcome.output) == {"amount": 24.5, "tags": ["a"], "note": None}
    assert ask("billing.nothing") in (Done("null"), Done('""'))


def test_the_key_of_the_effect_makes_it_exactly_once(
    ask: Any, connection: psycopg.Connection
) -> None:
    assert isinstance(ask("billing.charge", amount=1), Done)
    again = ask("billing.charge", amount=1)
    assert isinstance(again, Failed)
    assert (again.code, again.retry) == ("23505", False)
    assert connection.execute("select count(*) from billing.charge").fetchone() == (1,)


@pytest.mark.parametrize(("code", "retry"), [("P0001", False), ("40001", True), ("53300", True)])
def test_what_may_pass_is_tried_again(ask: Any, code: str, retry: bool) -> None:
    outcome = ask("billing.fails", code=code)
    assert isinstance(outcome, Failed)
    assert outcome.retry == retry
    assert "no luck" in outcome.error


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("pg_catalog.pg_sleep", "function_not_allowed"),
        ("billing.charge(); drop table x", "function_not_allowed"),
        ("billing.absent", "42883"),
        ("billing.many", "bad_output"),
    ],
)
def test_what_cannot_be_called_is_fatal(ask: Any, function: str, code: str) -> None:
    outcome = ask(function)
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.retry) == (code, False)
