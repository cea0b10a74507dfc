"""Companion functions inside a real PL/Python: values arrive as promised, null as None."""

from __future__ import annotations

import json

import psycopg
import pytest

from pawlc.expr.names import ident, render
from pawlc.expr.python import Use, call, companion, function
from pawlc.expr.scope import EventScope, Scope
from pawlc.model.machine import PythonFunction, Ref
from tests.compiler.expr.scalars import scalar

VALUES = {
    "amount": ("numeric(10,2)", "12.50"),
    "count": ("integer", "3"),
    "label": ("text", "'é'"),
    "open": ("boolean", "true"),
    "tags": ("text[]", "array['a', null]"),
    "owner": ("uuid", "'00000000-0000-0000-0000-000000000001'"),
    "due": ("timestamptz", "'2026-01-02 03:04:05.6+01'"),
    "at": ("timestamp(0)", "'2026-01-02 03:04:05'"),
    "day": ("date", "'2026-01-02'"),
    "extra": ("jsonb", """'{"a": [1]}'"""),
}
SOURCE = """
import datetime
import uuid
from decimal import Decimal

UTC = datetime.timezone.utc


def arrived(amount, count, label, open, tags, owner, due, at, day, extra, *, now, claims):
    return (
        amount == Decimal("12.50")
        and count == 3
        and label == "é"
        and open is True
        and tags == ["a", None]
        and uuid.UUID(owner).int == 1
        and due == datetime.datetime(2026, 1, 2, 2, 4, 5, 600000, UTC)
        and at == datetime.datetime(2026, 1, 2, 3, 4, 5)
        and day == datetime.date(2026, 1, 2)
        and extra == {"a": [1]}
        and now.tzinfo is not None
        and claims["sub"] == "o-1"
    )


def missing(amount, count, label, open, tags, owner, due, at, day, extra):
    values = (amount, count, label, open, tags, owner, due, at, day, extra)
    return all(value is None for value in values)


def raised(amount, day):
    amount = amount + 1
    return {"amount": amount, "day": day, "label": None}
"""


def create(connection: psycopg.Connection, made: PythonFunction) -> None:
    parameters = ", ".join(f"{ident(name)} {type}" for name, type in made.parameters)
    connection.execute(
        f"create function {made.name}({parameters}) returns {made.returns} "
        f"language plpython3u stable as $python$\n{made.body}$python$"
    )


def value(ref: Ref, *, null: bool) -> str:
    given = {
        "now": ("timestamptz", "now()"),
        "claims": ("jsonb", """'{"sub": "o-1"}'"""),
    }.get(ref.space) or VALUES[ref.name]
    return f"({'null' if null else given[1]})::{given[0]}"


def run(connection: psycopg.Connection, name: str, use: Use, *, null: bool = False) -> object:
    file, problems = companion(SOURCE, "order.py")
    assert problems == ()
    context = {field: type for field, (type, _) in VALUES.items()}
    scope = Scope(context=context, event=EventScope())
    found, problems = function(file, scalar(name), use, scope, context)
    assert found is not None, problems
    create(connection, found.made)
    expression = call(name, found.arguments, scalar(name))
    row = connection.execute("select " + render(expression, lambda r: value(r, null=null)))
    return row.fetchone()[0]


@pytest.mark.parametrize("style", ["ISO", "German", "SQL, DMY"])
@pytest.mark.usefixtures("plpython3u")
def test_values_arrive_as_python_knows_them(connection: psycopg.Connection, style: str) -> None:
    connection.execute(f"set datestyle = {style}")
    connection.execute("set timezone = 'Asia/Kolkata'")
    assert run(connection, "arrived", "guard") is True


@pytest.mark.usefixtures("plpython3u")
def test_null_arrives_as_none(connection: psycopg.Connection) -> None:
    assert run(connection, "missing", "guard", null=True) is True


@pytest.mark.usefixtures("plpython3u")
def test_an_action_may_assign_to_its_parameters(connection: psycopg.Connection) -> None:
    found = run(connection, "raised", "action")
    assert found == json.loads('{"amount": "13.50", "day": "2026-01-02", "label": null}')
