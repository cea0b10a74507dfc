"""The movable clock: free while it runs, moved by the owner only, inside the transaction."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from pawl.errors import BadRequest
from tests.database.calls import Call, call_on, refuses

BODY = "select prosrc from pg_proc where oid = 'pawl.now()'::regprocedure"


@pytest.mark.smoke
def test_the_running_clock_is_inlined(connection: psycopg.Connection, call: Call) -> None:
    plan = connection.execute("explain verbose select pawl.now()").fetchall()
    assert any("Output: clock_timestamp()" in line for (line,) in plan)


def test_a_frozen_clock_stands_still_until_it_is_advanced(call: Call) -> None:
    at = call("select pawl.set_clock('2030-01-01 12:00+00')")
    assert call("select pawl.now()") == at == call("select pawl.now()")
    assert call("select pawl.advance_clock('90 minutes')") == at + timedelta(minutes=90)
    assert call("select pawl.now()") == at + timedelta(minutes=90)


def test_a_running_clock_can_be_shifted(call: Call) -> None:
    call("select pawl.advance_clock('1 day')")
    call("select pawl.advance_clock('1 hour')")
    assert call("select pawl.now() - clock_timestamp() between '24 h 59 min' and '25 h'")
    assert call("select pawl.now() < pawl.now()"), "it runs"


def test_a_reset_clock_costs_nothing_again(call: Call) -> None:
    body = call(BODY)
    call("select pawl.set_clock('2030-01-01')")
    assert call(BODY) != body
    call("select pawl.reset_clock()")
    assert call(BODY) == body
    assert call("select pawl.now() - clock_timestamp() < '1 s'")


def test_moving_the_clock_rolls_back_with_the_transaction(
    connection: psycopg.Connection, call: Call
) -> None:
    body = call(BODY)
    with connection.transaction(force_rollback=True):
        call("select pawl.set_clock('2030-01-01 00:00+00')")
        assert call("select pawl.now() = '2030-01-01 00:00+00'")
    assert call(BODY) == body
    assert call("select frozen_at is null from pawl.clock")


def test_a_plan_made_before_the_clock_moved_sees_it_move(call: Call) -> None:
    call(
        "create function public.reads() returns timestamptz language plpgsql as"
        " $$ begin return pawl.now(); end $$"
    )
    before = call("select public.reads()")
    at = call("select pawl.set_clock('2030-01-01 00:00+00')")
    assert before < call("select public.reads()") == at


def test_installing_keeps_a_moved_clock(connection: psycopg.Connection, call: Call) -> None:
    from pawl.deploy import install

    at = call("select pawl.set_clock('2030-01-01 00:00+00')")
    install(connection)
    assert call("select pawl.now()") == at


@pytest.mark.parametrize("role", ["pawl_admin", "pawl_worker", "pawl_client"])
@pytest.mark.parametrize(
    "query",
    [
        "select pawl.set_clock('2030-01-01')",
        "select pawl.advance_clock('1 s')",
        "select pawl.reset_clock()",
        "update pawl.clock set shift = '1 day'",
    ],
)
def test_nobody_but_the_owner_moves_the_clock(
    connection: psycopg.Connection, role: str, query: str
) -> None:
    with connection.transaction():
        connection.execute(f"set local role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(query.encode())


def test_the_owner_moves_the_clock(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute("set local role pawl_owner")
        call = call_on(connection)
        at = call("select pawl.set_clock('2030-01-01 00:00+00')")
        assert call("select pawl.now()") == at


def test_a_null_is_no_time(call: Call) -> None:
    with refuses("null_argument", BadRequest):
        call("select pawl.set_clock(null)")
    with refuses("null_argument", BadRequest):
        call("select pawl.advance_clock(null)")
