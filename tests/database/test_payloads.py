"""Payloads and inputs of the wrong type, missing, not declared, or against a constraint.

Each names its field, and no row anywhere is another than before; nor does an error show one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from pawl.errors import BadRequest, MalformedPayload, PawlError, Refused
from tests.database.calls import Call, call_on
from tests.database.order import (
    CUSTOMER,
    RESTAURANT,
    Refusal,
    create_order,
    deploy_order,
    deploy_text,
    refusal_in,
    send,
    unchanged,
)

FIELDS = {
    "int": "int not null",
    "bigint": "bigint",
    "numeric": "numeric(10,2)",
    "float": "float8",
    "text": "text not null",
    "maybe": "text",
    "varchar": "varchar(3)",
    "flag": "boolean",
    "uuid": "uuid",
    "stamp": "timestamptz",
    "date": "date",
    "interval": "interval",
    "ints": "int[]",
    "texts": "text[]",
    "codes": "varchar(3)[]",
    "json": "jsonb not null",
}
TYPES = "\n".join(
    [
        "machine: types",
        "version: 1",
        "context: { seen: text }",
        "events:",
        *(f"  set-{name}: {{ v: '{type}' }}" for name, type in FIELDS.items()),
        "authorize: { create: true, read: true, send: { '*': true } }",
        "initial: a",
        "states:",
        "  a:",
        "    on:",
        *(f"      set-{name}: {{ assign: {{ seen: event.v::text }} }}" for name in FIELDS),
        "",
    ]
)

ROWS = """\
machine: rows
version: 1
context:
  parent: uuid references public.parent (id)
  small: int not null default 0 check (small < 10)
  secret: text not null default 'secret-value'
input: [parent, small, secret]
events:
  adopt: { parent: uuid }
  grow: { by: int }
  forget: {}
authorize: { create: true, read: true, send: { "*": true } }
initial: a
states:
  a:
    on:
      adopt: { assign: { parent: event.parent } }
      grow: { assign: { small: context.small + event.by } }
      forget: { assign: { secret: null } }
"""


@pytest.fixture(scope="module")
def admin(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute(
            "create table public.parent (id uuid primary key);"
            "grant references, select on public.parent to pawl_owner"
        )
        deploy_order(connection)
        for text in (TYPES, ROWS):
            deploy_text(connection, text)
        call = call_on(connection)
        call("select create_instance('types', 'i')")
        call("select create_instance('rows', 'i')")
        create_order(call, "o")
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


@pytest.fixture
def refused(admin: psycopg.Connection) -> Refusal:
    return refusal_in(admin)


# --- payloads ----------------------------------------------------------------------------------

WRONG: dict[str, list[object]] = {
    "int": [1.5, 1e30, 99999999999, "x", "", "1.0", True, [], [1], {}, "{1}", "1 day"],
    "bigint": [0.1, 2**63, "x", False, [1], {"a": 1}],
    "numeric": [1e30, 123456789.5, "x", True, [1.5], "Infinity"],
    "float": ["x", True, [], {}],
    "text": [1, True, [], ["x"], {}],
    "maybe": [1, True, [], {}],
    "varchar": [1, "long", ["abc"]],
    "flag": [1, 0, "yes", "true", "", [True], {}],
    "uuid": [1, "x", "", [], True],
    "stamp": [20200101, "yesterday o'clock", "2020-13-01", "", True, []],
    "date": [20200101, "2020-02-30", True],
    "interval": [1, "soon", [1], {"days": 1}, True],
    "ints": [1, "1", "{1,2}", ["x"], [1.5], [[1]], {}, [True], [99999999999]],
    "texts": [1, "x", {}],
    "codes": ["abc", ["abc", "long"], {}],
    "json": [],
}
RIGHT: dict[str, list[tuple[object, str | None]]] = {
    "int": [(1, "1"), ("1", "1"), (-(2**31), "-2147483648")],
    "bigint": [(2**63 - 1, str(2**63 - 1)), (str(2**63 - 1), str(2**63 - 1)), (None, None)],
    "numeric": [(1, "1.00"), ("1.25", "1.25"), (1.255, "1.26"), (None, None)],
    "float": [(1.5, "1.5"), (1e30, "1e+30"), (None, None)],
    "text": [("", ""), ("🙂 ' \" ; -- \\", "🙂 ' \" ; -- \\")],
    "maybe": [(None, None), ("null", "null")],
    "varchar": [("abc", "abc"), ("🙂🙂🙂", "🙂🙂🙂"), (None, None)],
    "flag": [(True, "true"), (False, "false"), (None, None)],
    "uuid": [(CUSTOMER, CUSTOMER), (None, None)],
    "stamp": [("2020-01-01T00:00:00Z", "2020-01-01 00:00:00+00"), (None, None)],
    "date": [("2020-02-29", "2020-02-29"), (None, None)],
    "interval": [("P1D", "1 day"), (None, None)],
    "ints": [([], "{}"), ([1, None], "{1,NULL}"), (["1"], "{1}"), (None, None)],
    "texts": [([], "{}"), (["a", None, "b,c"], '{a,NULL,"b,c"}'), ([1], "{1}"), (None, None)],
    "codes": [(["abc", None], "{abc,NULL}"), (None, None)],
    "json": [([], "[]"), ({"a": [None]}, '{"a": [null]}'), ("x", '"x"'), (False, "false")],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_value_of_another_type_names_its_field(
    call: Call, refused: Refusal, name: str, value: object
) -> None:
    with refused("malformed_payload", MalformedPayload) as caught:
        send(call, "types", "i", f"set-{name}", {"v": value})
    detail = caught.value.detail
    assert (detail["event"], detail["field"], detail["problem"]) == (f"set-{name}", "v", "type")
    assert '"v"' in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "seen"), [(name, *pair) for name, pairs in RIGHT.items() for pair in pairs]
)
def test_a_value_of_the_right_type_arrives_as_sent(
    call: Call, name: str, value: object, seen: str | None
) -> None:
    assert send(call, "types", "i", f"set-{name}", {"v": value})["context"] == {"seen": seen}


@pytest.mark.parametrize("name", ["int", "text", "json"])
@pytest.mark.parametrize("payload", [{}, {"v": None}])
def test_a_field_that_must_have_a_value_is_missed(
    call: Call, refused: Refusal, name: str, payload: dict[str, object]
) -> None:
    with refused("malformed_payload", MalformedPayload) as caught:
        send(call, "types", "i", f"set-{name}", payload)
    assert (caught.value.detail["field"], caught.value.detail["problem"]) == ("v", "missing")


def test_a_field_that_is_not_declared_is_refused(call: Call, refused: Refusal) -> None:
    with refused("malformed_payload", MalformedPayload) as caught:
        send(call, "order", "o", "accept", {"prep_minutes": 5, "prep_minute": 5})
    assert (caught.value.detail["field"], caught.value.detail["problem"]) == (
        "prep_minute",
        "unknown",
    )
    assert caught.value.hint == 'Did you mean "prep_minutes"?'


@pytest.mark.parametrize("minutes", [0, 91, -1])
def test_a_check_of_the_payload_is_named(call: Call, refused: Refusal, minutes: int) -> None:
    with refused("check_violated", Refused) as caught:
        send(call, "order", "o", "accept", {"prep_minutes": minutes})
    assert caught.value.detail["definition"] == "prep_minutes between 1 and 90"


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"total": None}, "total", "missing"),
        ({"total": "much"}, "total", "type"),
        ({"total": 1e12}, "total", "type"),
        ({"customer_id": 5}, "customer_id", "type"),
        ({"restaurant_id": "r"}, "restaurant_id", "type"),
        ({"courier_id": CUSTOMER}, "courier_id", "unknown"),
        ({"state": ["delivered"]}, "state", "unknown"),
        ({"seq": 5}, "seq", "unknown"),
    ],
)
def test_an_input_is_checked_like_a_payload(
    call: Call, refused: Refusal, change: dict[str, object], field: str, problem: str
) -> None:
    with refused("malformed_payload", MalformedPayload) as caught:
        create_order(call, "bad", **change)
    assert (caught.value.detail["field"], caught.value.detail["problem"]) == (field, problem)


@pytest.mark.parametrize("input", ["[]", "5", '"x"', "null"])
def test_an_input_is_an_object(call: Call, refused: Refusal, input: str) -> None:
    with refused("malformed_input", BadRequest):
        call("select create_instance('order', 'bad', %s)", input)


# --- constraints -------------------------------------------------------------------------------


def secretive(error: PawlError) -> None:
    """Neither the message nor the detail shows the row."""
    shown = f"{vars(error)} {error.__cause__} {getattr(error.__cause__, 'diag', None)}"
    assert "secret-value" not in shown
    assert error.sqlstate == "PT422"


def test_a_check_on_the_context_is_told_without_the_row(call: Call, refused: Refusal) -> None:
    with refused("check_violated", Refused) as caught:
        send(call, "rows", "i", "grow", {"by": 10})
    assert caught.value.detail["field"] == "small"
    secretive(caught.value)
    with refused("check_violated", Refused):
        call("select create_instance('rows', 'bad', '{\"small\": 10}')")


def test_a_context_field_that_must_have_a_value_is_told(call: Call, refused: Refusal) -> None:
    with refused("not_null_violated", Refused) as caught:
        send(call, "rows", "i", "forget")
    assert caught.value.detail["field"] == "secret"
    secretive(caught.value)


@pytest.mark.parametrize("does", ["create", "send"])
def test_a_broken_reference_is_told_without_the_row(
    call: Call, refused: Refusal, does: str
) -> None:
    with refused("constraint_violated", Refused) as caught:
        if does == "send":
            send(call, "rows", "i", "adopt", {"parent": CUSTOMER})
        else:
            input = json.dumps({"parent": CUSTOMER})
            call("select create_instance('rows', 'bad', %s)", input)
    assert caught.value.detail["constraint"] == "parent_fkey"
    secretive(caught.value)


def test_a_referenced_row_cannot_leave_under_an_instance(
    admin: psycopg.Connection, call: Call
) -> None:
    admin.execute("insert into public.parent values (%s)", (RESTAURANT,))
    send(call, "rows", "i", "adopt", {"parent": RESTAURANT})
    with unchanged(admin), pytest.raises(psycopg.errors.ForeignKeyViolation):
        admin.execute("delete from public.parent")
