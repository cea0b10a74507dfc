"""How the queue is read, whatever the statistics say: it is empty when it is vacuumed, and long
when a worker begins that was away."""

from __future__ import annotations

import re

import psycopg
import pytest

from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

BELL = """\
machine: bell
version: 1
events: {}
authorize: {}
effects: { ring: {} }
initial: on
states:
  on: {}
"""
TABLES = ("outbox", "lease", "effect_result", "outbox_gap")
LOOKED_UP = re.compile("using (lease|effect_result_1)_pkey")
READ_WHOLE = re.compile("Materialize|Seq Scan on (lease|effect_result)")
EXPLAIN = """
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_nested_statements = on;
set auto_explain.log_level = notice;
"""


@pytest.fixture
def waiting(connection: psycopg.Connection) -> None:
    """A hundred effects in tables that Postgres takes to be empty."""
    deploy(connection, compile_machine(BELL, "bell.machine.yaml"))
    connection.execute("select create_instance('bell', 'b')")
    for table in TABLES:
        connection.execute(f"vacuum (analyze) pawl.{table}".encode())
    connection.execute(
        "insert into pawl.outbox (machine, version, iid, id, seq, effect, created_at)"
        " select 'bell', 1, i.iid, i.id, n, 'ring', pawl.now()"
        " from pawl_bell.instance as i, generate_series(1, 100) as n"
    )


@pytest.mark.usefixtures("waiting")
def test_leases_and_results_are_looked_up_by_their_effect(database: str) -> None:
    plans: list[str] = []
    with psycopg.connect(database, autocommit=True) as worker:
        worker.execute(EXPLAIN)
        worker.add_notice_handler(lambda told: plans.append(told.message_primary or ""))
        claim = "select effect_id, token from pawl.claim_effects('w', '{ring}', 50)"
        claims = worker.execute(claim).fetchall()
        ids, tokens = [id for id, _ in claims], [token for _, token in claims]
        complete = (
            "select outcome from pawl.complete_effects(%s, %s, array_fill('1'::jsonb, '{50}'))"
        )
        assert worker.execute(complete, (ids, tokens)).fetchall() == [("applied",)] * 50
        worker.execute("select pawl.advance_mark(pawl.newest_effect())")
    read = [plan for plan in plans if LOOKED_UP.search(plan)]
    assert len(read) >= 4
    assert [plan for plan in plans if READ_WHOLE.search(plan)] == []
