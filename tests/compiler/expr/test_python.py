"""Functions of the companion file as PL/Python."""

import json
from decimal import Decimal
from typing import Any

import pytest

from pawlc.diagnostics import Diagnostic
from pawlc.expr.names import plpgsql_name, render
from pawlc.expr.python import Found, Use, call, companion, function
from pawlc.expr.scope import EventScope, Scope
from pawlc.model.machine import PythonFunction
from tests.compiler.expr.scalars import DONE, EVENT, scalar

CONTEXT = {"total": "numeric(10,2)", "due": "timestamptz", "day": "date", "extra": "jsonb"}
SCOPE = Scope(context=CONTEXT, event=EVENT)


def attempt(
    source: str, name: str = "f", use: Use = "guard", event: EventScope = EVENT
) -> tuple[Found | None, tuple[Diagnostic, ...]]:
    made, problems = companion(source, "order.py")
    assert problems == ()
    return function(made, scalar(name), use, Scope(context=CONTEXT, event=event), CONTEXT)


def accepted(source: str, name: str = "f", use: Use = "guard", event: EventScope = EVENT) -> Found:
    found, problems = attempt(source, name, use, event)
    assert found is not None, problems
    return found


def refused(source: str, use: Use = "guard", name: str = "f") -> list[tuple[str, str]]:
    """The codes of the complaints and where each is."""
    found, problems = attempt(source, name, use)
    assert found is None
    return [(p.code, f"{p.span.start.line}:{p.span.start.column}") for p in problems]


def run(made: PythonFunction, *arguments: object) -> Any:
    """Run a body as PL/Python does: as a function's, its parameters globals, its lines indented."""
    body = "\n".join(f"\t{line}" for line in made.body.split("\n"))
    scope: dict[str, Any] = dict(zip((n for n, _ in made.parameters), arguments, strict=True))
    exec(compile(f"def plpython():\n{body}\n", "body", "exec"), scope)
    return scope["plpython"]()


def test_a_guard_is_called_with_scalars() -> None:
    source = "def cheap(total, *, claims, now, reason):\n    return total < 10\n"
    found = accepted(source, "cheap")
    made, arguments = found.made, found.arguments
    assert made.parameters == (
        ("total", "numeric(10,2)"),
        ("claims", "jsonb"),
        ("now", "text"),
        ("reason", "text"),
    )
    assert (made.returns, found.fields) == ("boolean", ())
    guard = call("pawl_order.v1_cheap", arguments, scalar("cheap"))
    assert guard.type == "boolean"
    assert render(guard, plpgsql_name) == (
        "pawl_order.v1_cheap(context.total, self.claims, to_char(self.now at time zone 'UTC', "
        '\'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"\'), event.reason)'
    )
    assert run(made, Decimal(3), "{}", None, "x") is True


def test_values_arrive_as_python_knows_them_and_null_as_none() -> None:
    source = """
import datetime

def f(due, day, extra, *, now, claims):
    assert now is None and extra is None
    return (
        due == datetime.datetime(2026, 1, 2, 3, 4, 5, 600000, datetime.timezone.utc)
        and day == datetime.date(2026, 1, 2)
        and claims["roles"] == ["cook"]
    )
"""
    made = accepted(source).made
    claims = json.dumps({"roles": ["cook"]})
    assert run(made, "2026-01-02T03:04:05.600000+00:00", "2026-01-02", None, None, claims) is True


def test_an_action_gives_json_of_the_fields_it_can_set() -> None:
    source = """
def f(total):
    total = total * 2
    if total > 10:
        return {"total": total, "day": None}
    else:
        return {"due": total}
"""
    found = accepted(source, use="action")
    made = found.made
    assert (made.returns, found.fields) == ("jsonb", ("total", "due", "day"))
    assert json.loads(run(made, Decimal("6.5"))) == {"total": "13.0", "day": None}


def test_what_a_function_names_goes_with_it_and_nothing_else() -> None:
    source = """
from __future__ import annotations

import math
import re
from decimal import Decimal

VAT = Decimal("0.2")
OTHER = 1


def rounded(value):
    return math.floor(value * VAT)


def unused(value):
    return re.sub("a", "b", value)


def f(total):
    return rounded(total) > 1
"""
    made = accepted(source).made
    assert made.body == (
        "import math\n"
        "from decimal import Decimal\n"
        'VAT = Decimal("0.2")\n'
        "\n"
        "def rounded(value):\n"
        "    return math.floor(value * VAT)\n"
        "\n"
        "def f(total):\n"
        "    return rounded(total) > 1\n"
        "\n"
        "return f(total)\n"
    )
    assert run(made, 20) is True
    assert str(made.span) == "order.py:20:1"


def test_helpers_may_be_recursive_decorated_or_classes() -> None:
    source = """
import functools
from dataclasses import dataclass

@dataclass
class Step:
    size: int = 1

@functools.cache
def fib(n):
    return n if n < 2 else fib(n - Step().size) + fib(n - 2)

def f(total):
    return [fib(i) for i in range(int(total))][-1] == 34
"""
    made = accepted(source).made
    assert run(made, 10) is True


def test_a_parameter_may_be_called_like_a_builtin() -> None:
    found, problems = function(
        companion("def f(open):\n    return open\n", "order.py")[0],
        scalar("f"),
        "guard",
        Scope(context={"open": "boolean"}, event=EVENT),
        {"open": "boolean"},
    )
    assert problems == ()
    assert found is not None
    assert run(found.made, True) is True


def test_a_migration_reads_the_old_fields_and_sets_the_new_ones() -> None:
    source = """
def f(price, *, now):
    if price is None:
        return {"due": now}
    return {"total": price * 2, "due": None}
"""
    scope = Scope(old={"price": "int"}, claims=False)
    made, problems = companion(source, "order.py")
    found, more = function(made, scalar("f"), "action", scope, CONTEXT)
    assert (*problems, *more) == ()
    assert found is not None
    assert render(found.arguments[0], plpgsql_name) == "old.price"
    assert (found.fields, found.certain) == (("total", "due"), ("due",))
    assert json.loads(run(found.made, 4, None)) == {"total": 8, "due": None}


def test_fields_of_a_done_event_are_read_by_their_names() -> None:
    found = accepted("def f(*, courier_id, output):\n    return True\n", event=DONE)
    made, arguments = found.made, found.arguments
    assert made.parameters == (("courier_id", "uuid"), ("output", "jsonb"))
    assert [render(argument, plpgsql_name) for argument in arguments] == [
        "event.output_courier_id",
        "event.output",
    ]


def test_the_use_of_an_unknown_function_is_pointed_at() -> None:
    found, problems = attempt("def price(total):\n    return True\n", "pric")
    assert found is None
    assert [(p.code, str(p.span), p.hint) for p in problems] == [
        ("PW321", "m.machine.yaml:7:12", "did you mean `price`?")
    ]


@pytest.mark.parametrize(
    ("source", "code", "at"),
    [
        ("async def f(total):\n  return 1", "PW325", "1:1"),
        ("def f(total):\n  yield 1", "PW325", "1:1"),
        ("import functools\n@functools.cache\ndef f(total):\n  return 1", "PW325", "3:1"),
        ("def f(*total):\n  return 1", "PW322", "1:8"),
        ("def f(total, **more):\n  return 1", "PW322", "1:16"),
        ("def f(total=1):\n  return 1", "PW322", "1:13"),
        ("def f(totl):\n  return 1", "PW322", "1:7"),
        ("def f(now):\n  return 1", "PW322", "1:7"),
        ("def f(*, total):\n  return 1", "PW322", "1:10"),
        ("def f(*, prep_minutes):\n  return 1", "PW322", "1:10"),
        ("def f(*, size):\n  return 1", "PW322", "1:10"),
        ("def f(*, nothing):\n  return 1", "PW322", "1:10"),
        ("def f(total):\n  pass", "PW324", "1:1"),
        ("def f(total):\n  return plpy.execute('x')", "PW325", "2:10"),
        ("def f(total):\n  return open('x')", "PW325", "2:10"),
        ("def f(total):\n  return eval('x')", "PW325", "2:10"),
        ("def f(total):\n  é = 'é'; return nothing", "PW325", "2:19"),
        ("def f(total):\n  global x\n  return 1", "PW325", "2:3"),
        ("def f(total):\n  import os\n  return 1", "PW325", "2:3"),
        ("import requests\ndef f(total):\n  return requests", "PW325", "1:1"),
        ("import os.path\ndef f(total):\n  return os", "PW325", "1:1"),
        ("from . import x\ndef f(total):\n  return x", "PW325", "1:1"),
        ("import datetime as d\ndef f(total):\n  return d.datetime.now()", "PW325", "3:10"),
        ("def total():\n  return 1\ndef f(total):\n  return g()\ndef g():\n  return total()",
         "PW325", "3:7"),
        ('X = """a\nb"""\ndef f(total):\n  return X', "PW325", "1:5"),
    ],
)  # fmt: skip
def test_what_cannot_run_inside_postgres_is_refused(source: str, code: str, at: str) -> None:
    assert refused(source) == [(code, at)]


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ("return total", "2:3"),
        ("return", "2:3"),
        ("return dict(total=1)", "2:3"),
        ('return {"totl": 1}', "2:11"),
        ("return {total: 1}", "2:11"),
        ('return {**{"total": 1}}', "2:3"),
        ('if total:\n    return {"total": 1}', "1:1"),
        ('while True:\n    if total: break\n    return {"total": 1}', "1:1"),
        ("total += 1", "1:1"),
    ],
)
def test_an_action_whose_fields_are_not_known_is_refused(body: str, at: str) -> None:
    assert refused(f"def f(total):\n  {body}\n", "action") == [("PW324", at)]


@pytest.mark.parametrize(
    "body",
    [
        'return {"total": 1}',
        "return {}",
        'raise ValueError("no")',
        'try:\n    return {}\n  except ValueError:\n    return {"total": 1}',
        'while True:\n    if total: return {"total": 1}',
        "match total:\n    case 1: return {}\n    case _: return {}",
        "def inner():\n    return 1\n  return {}",
    ],
)
def test_every_way_through_an_action_ends_in_a_dict(body: str) -> None:
    accepted(f"def f(total):\n  {body}\n", use="action")


def test_a_syntax_error_is_shown_in_the_python_file_and_only_once() -> None:
    broken, problems = companion("x = 1\né = 'a' b\n", "order.py")
    assert [(p.code, str(p.span)) for p in problems] == [("PW323", "order.py:2:9")]
    assert function(broken, scalar("f"), "guard", SCOPE, CONTEXT) == (None, ())


@pytest.mark.parametrize("source", ["x = \x00", "x = " + "(" * 300, "x = 1\n  y = 2", "'\\d' +"])
def test_whatever_python_cannot_read_is_one_complaint(source: str) -> None:
    _, problems = companion(source, "order.py")
    assert [p.code for p in problems] == ["PW323"]


def test_a_warning_of_pythons_is_no_complaint() -> None:
    _, problems = companion("x = '\\d'\n", "order.py")
    assert problems == ()
