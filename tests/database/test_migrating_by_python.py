"""Migrations that compute fields and choose states by functions of the companion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pawl.deploy.deploy import deploy
from pawl.deploy.migration import plan
from pawlc.compile import Compiled, compile_machine, earlier_version
from pawlc.model import labels
from tests import optional

V1 = """\
machine: crate
version: 1
context: { label: text, grams: int not null, since: date not null }
input: [label, grams, since]
events: { pack: {}, send: {} }
authorize: {}
initial: new
states:
  new: { on: { pack: packed } }
  packed: { on: { send: gone } }
  gone: { type: final }
"""
V2 = """\
machine: crate
version: 2
context:
  grams: int not null
  kilograms: numeric not null check (kilograms < 1000)
  words: jsonb not null default '[]'
  moved_at: timestamptz
  note: text not null default 'none'
input: [grams, kilograms]
events: { check: {}, send: {} }
authorize: {}
migrate:
  1:
    states:
      new: [{ guard: { python: is_heavy }, target: checking }, waiting]
      packed: waiting
    python: from_1
    back:
      states:
        waiting: [{ guard: { python: is_full }, target: packed }, new]
        checking: new
      python: back_to_1
initial: waiting
states:
  waiting: { on: { check: checking, send: gone } }
  checking: { on: { send: waiting } }
  gone: { type: final }
"""
PYTHON = """\
from decimal import Decimal


def is_heavy(grams):
    return grams > 20_000


def from_1(label, grams, since, *, now):
    found = {"a": 1, "b": 2}
    kilograms = Decimal(grams) / 1000
    words = sorted(set((label or "").split()))
    if words:
        return {
            "kilograms": kilograms,
            "words": words,
            "moved_at": now,
            "note": f"{found[words[0]]} {since:%Y-%m}",
        }
    return {"kilograms": kilograms}


def is_full(kilograms):
    return kilograms > 1


def back_to_1(words, moved_at):
    return {"label": " ".join(words) or None, "since": moved_at or "2026-01-01"}
"""
Connection = psycopg.Connection[Any]


def crate(version: int) -> Compiled:
    if version == 1:
        return compile_machine(V1, "crate.machine.yaml")
    before = earlier_version(V1, "crate.1.machine.yaml")
    assert before is not None
    return compile_machine(V2, "crate.machine.yaml", PYTHON, earlier={1: before})


@pytest.fixture
def crates(connection: Connection) -> Callable[..., None]:
    """Create instances of version 1; version 2 is deployed after them."""
    optional.require_extension(connection, "plpython3u")
    deploy(connection, crate(1))

    def create(**weights: tuple[str | None, int]) -> None:
        for id, (label, grams) in weights.items():
            connection.execute(
                "select create_instance('crate', %s, jsonb_build_object("
                "'label', %s::text, 'grams', %s::int, 'since', '2026-03-04'))",
                (id, label, grams),
            )
        deploy(connection, crate(2))

    return create


def moved(connection: Connection, arguments: str = "") -> list[tuple[Any, ...]]:
    query = f"select id, after, reason from pawl.migrate_instances('crate', 1, 2{arguments})"
    return connection.execute(query.encode()).fetchall()


def test_a_function_computes_fields_and_another_chooses_the_state(
    connection: Connection, crates: Callable[..., None]
) -> None:
    crates(light=("b a", 1500), heavy=(None, 30_000))
    would_be = moved(connection, ", p_dry_run => true")
    assert moved(connection) == would_be
    assert would_be == [("light", ["waiting"], None), ("heavy", ["checking"], None)]
    rows = connection.execute(
        "select id, grams, kilograms, words, moved_at is not null, note"
        " from pawl_crate.instance order by iid"
    ).fetchall()
    assert rows == [
        ("light", 1500, 1.5, ["a", "b"], True, "1 2026-03"),
        ("heavy", 30_000, 30, [], False, "none"),
    ]


def test_what_python_raises_keeps_the_instance_where_it_is_and_names_the_line(
    connection: Connection, crates: Callable[..., None]
) -> None:
    crates(unknown=("zebra", 1), huge=("a", 2_000_000))
    by_id = {id: (after, reason) for id, after, reason in moved(connection)}
    after, reason = by_id["unknown"]
    assert after is None
    assert reason == "KeyError: 'zebra', at crate.machine.yaml:17 (python from_1)"
    after, reason = by_id["huge"]
    assert after is None
    assert reason.endswith(", at crate.machine.yaml:5 (context kilograms)")
    kept = "select distinct version, state, needs_rescue is not null from pawl_crate.instance"
    assert connection.execute(kept).fetchall() == [(1, ["new"], True)]


def test_functions_of_the_later_version_lead_back_too(
    connection: Connection, crates: Callable[..., None]
) -> None:
    crates(light=("b a", 500), full=("a", 1500))
    moved(connection)
    back = connection.execute("select id, after, reason from pawl.migrate_instances('crate', 2, 1)")
    assert back.fetchall() == [("light", ["new"], None), ("full", ["packed"], None)]
    rows = connection.execute(
        "select id, version, label, since = moved_at::date from pawl_crate.instance order by iid"
    ).fetchall()
    assert rows == [("light", 1, "a b", True), ("full", 1, "a", True)]


def test_the_plan_shows_the_functions_that_decide(
    connection: Connection, crates: Callable[..., None]
) -> None:
    crates()
    ((_, migration),) = plan(connection, "crate", 2)
    assert [(m.before, labels.conditions(m.guards), m.after) for m in migration.moves] == [
        (("new",), "is_heavy", ("checking",)),
        (("new",), "", ("waiting",)),
        (("packed",), "", ("waiting",)),
    ]
