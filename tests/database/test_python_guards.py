"""Python guards and actions of a deployed machine: the quote of the examples.

Where plpython3u is absent, as on the embedded server, the deploy says so and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pawl.deploy.deploy import deploy
from pawl.deploy.errors import DeployRefused
from pawl.errors import ExpressionFailed, GuardRefused
from pawlc.compile import Compiled, compile_machine
from tests import optional
from tests.database.calls import Call, call_on
from tests.database.order import Cast, Refusal, admit, client, contents, refusal_in, send, unchanged

PRICING = Path(__file__).parents[2] / "examples" / "pricing"
LINE = {"sku": "A-1", "quantity": 2, "price": "199.90"}


def quote(version: int = 1, old: str = "", new: str = "") -> Compiled:
    """The example, perhaps as a later version with something replaced in its Python."""
    text = (PRICING / "quote.machine.yaml").read_text("utf-8")
    companion = (PRICING / "quote.py").read_text("utf-8")
    assert old in companion
    later = text.replace("version: 1", f"version: {version}")
    return compile_machine(later, "quote.machine.yaml", companion.replace(old, new))


def objects(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """All functions and schemas of pawl_owner's and of the superuser's in ours."""
    return connection.execute(
        "select p.oid::regprocedure::text, md5(p.prosrc) from pg_proc as p"
        " join pg_namespace as n on n.oid = p.pronamespace where n.nspname ~ '^(pawl|public)'"
        " union all select nspname, '' from pg_namespace order by 1"
    ).fetchall()


@pytest.mark.smoke
def test_without_plpython3u_a_deploy_is_refused_and_changes_nothing(
    connection: psycopg.Connection,
) -> None:
    before = objects(connection)
    with unchanged(connection), pytest.raises(DeployRefused) as refused:
        deploy(connection, quote())
    assert refused.value.code == "no_plpython"
    for name in ("complete", "price", "promise"):
        assert f"`{name}`" in refused.value.message
    assert "create extension plpython3u" in (refused.value.hint or "")
    assert objects(connection) == before
    with pytest.raises(DeployRefused):
        deploy(connection, quote(), dry_run=True)


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        optional.require_extension(connection, "plpython3u")
        deploy(connection, quote())
        admit(connection, cast)
    return module_database


@pytest.fixture(scope="module")
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


@pytest.fixture
def refused(admin: psycopg.Connection) -> Refusal:
    return refusal_in(admin)


def create(call: Call, id: str, *lines: dict[str, object]) -> dict[str, Any]:
    input = {"customer_id": "ann", "lines": lines}
    reply: dict[str, Any] = call("select create_instance('quote', %s, %s)", id, json.dumps(input))
    return reply["context"]


def test_an_action_computes_what_is_stored(call: Call) -> None:
    context = create(call, "few", LINE)
    assert (context["subtotal"], context["discount"], context["total"]) == (399.8, 0.05, 379.81)
    changed = send(call, "quote", "few", "change", {"lines": [{**LINE, "quantity": 7}]})
    assert changed["context"]["total"] == 1259.37
    assert create(call, "none")["total"] == 0


def test_a_guard_decides(call: Call, refused: Refusal) -> None:
    create(call, "empty")
    with refused("guard_refused", GuardRefused):
        send(call, "quote", "empty", "offer", {"days": 14})
    create(call, "full", LINE)
    assert send(call, "quote", "full", "offer", {"days": 14})["state"] == ["offered"]


def test_a_python_guard_counts_in_enabled_events(call: Call) -> None:
    create(call, "enabled-not")
    create(call, "enabled", LINE)
    enabled = "select enabled_events('quote', %s)"
    assert call(enabled, "enabled-not") == ["change"]
    assert call(enabled, "enabled") == ["change", "offer"]


def test_now_and_the_payload_reach_an_action(call: Call) -> None:
    call("select pawl.set_clock('2026-01-31 12:00:00+00')")
    create(call, "dated", LINE)
    offered = send(call, "quote", "dated", "offer", {"days": 14})
    assert offered["context"]["valid_until"] == "2026-02-14T12:00:00+00:00"
    call("select pawl.set_clock('2026-02-14 12:00:00+00')")
    call("select pawl.fire_due_timers(10)")
    call("select pawl.reset_clock()")
    assert call("select get_instance('quote', 'dated')")["state"] == ["expired"]


def test_simulate_runs_python_and_writes_nothing(admin: psycopg.Connection, call: Call) -> None:
    create(call, "simulated", LINE)
    event = json.dumps({"type": "change", "lines": []})
    with unchanged(admin):
        told = call("select simulate_event('quote', 'simulated', %s)", event)
    assert told["context"]["total"] == 0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"sku": "A-1", "price": "199.90"}], "KeyError: 'quantity'"),
        ([{"quantity": 1, "price": "much"}], "decimal.InvalidOperation"),
        (5, "TypeError"),
        ([{"quantity": 10**15, "price": "1"}], "numeric field overflow"),
    ],
)
def test_what_python_raises_aborts_the_event_and_names_the_line(
    call: Call, refused: Refusal, lines: object, message: str
) -> None:
    call("select ensure_instance('quote', 'raising', '{\"customer_id\": \"ann\", \"lines\": []}')")
    with refused("expression_failed", ExpressionFailed) as caught:
        send(call, "quote", "raising", "change", {"lines": lines})
    assert caught.value.message.startswith(message)
    assert caught.value.detail["source"] == "quote.machine.yaml:28"
    assert caught.value.detail["transition"] == "python price"


def test_clients_run_it_by_sending_events_and_in_no_other_way(
    admin: psycopg.Connection, call: Call, dsn: str, cast: Cast
) -> None:
    create(call, "asked", LINE)
    with client(dsn, cast, kind="sales") as sales:
        assert send(sales, "quote", "asked", "offer", {"days": 3})["state"] == ["offered"]
        for function in ("v1_price('[]'::jsonb)", "v1_complete('[]'::jsonb, 1)"):
            with pytest.raises(Exception, match="permission denied"):
                sales(f"select pawl_quote.{function}")
    owned = call(
        "select array_agg(p.proname::text order by p.proname) from pg_proc as p"
        " join pg_language as l on l.oid = p.prolang where l.lanname = 'plpython3u'"
        " and p.pronamespace = 'pawl_quote'::regnamespace"
    )
    assert owned == ["v1_complete", "v1_price", "v1_promise"]
    open_to_clients = call(
        "select array_agg(p.proname::text order by p.proname) from pg_proc as p"
        " where p.pronamespace = 'pawl_quote'::regnamespace"
        " and (has_function_privilege('pawl_client', p.oid, 'execute')"
        " or exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a"
        " where a.grantee = 0))"
    )
    assert open_to_clients == ["facts", "read_iid", "read_reply"]


def test_a_later_version_has_python_of_its_own(admin: psycopg.Connection, call: Call) -> None:
    create(call, "old", LINE)
    deploy(admin, quote(2, 'Decimal("0.05")', 'Decimal("0.50")'))
    assert create(call, "new", LINE)["total"] == 199.9
    old = send(call, "quote", "old", "change", {"lines": [LINE]})
    assert (old["version"], old["context"]["total"]) == (1, 379.81)


def test_the_same_python_again_is_the_same_version(admin: psycopg.Connection) -> None:
    before = contents(admin)
    assert deploy(admin, quote()).outcome == "unchanged"
    assert contents(admin) == before
    with pytest.raises(DeployRefused) as refused:
        deploy(admin, quote(1, 'Decimal("0.05")', 'Decimal("0.06")'))
    assert refused.value.code == "version_exists"
