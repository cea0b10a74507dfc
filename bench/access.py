"""Measure what access rules cost; see README.md beside this file.

In: nothing but the options. Out: a table, and on the last line one JSON object. Each pair is the
same statement on one server of the benchmark's own, interleaved: an event of a client whom an
authorizer admits against one of a trusted caller, whom nobody asks; a read of a client under row
security against the same by a role with the same grants that skips it; the events that he could
send now. Wall time in one session; events in a loop on the server, reads one statement at a time,
point reads in a loop too, where nothing but the rule is left to compare.

    python bench/access.py [--rows N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median

import psycopg
from servers import own_server

from pawl.deploy import install
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

MACHINE = """\
machine: task
version: 1
context: { owner: uuid not null, org: uuid not null, n: int not null default 0 }
input: [owner, org]
events: { add: {} }
authorize:
  create: true
  read: claims->>'sub' in (context.owner::text, context.org::text)
  send: { add: claims->>'sub' = context.owner::text }
initial: on
states: { on: { on: { add: { assign: { n: context.n + 1 } } } } }
"""

SETTINGS = {"jit": "off", "autovacuum": "off", "synchronous_commit": "off", "fsync": "off"}
OWNER = "00000000-0000-0000-0000-000000000001"
CLAIMS = json.dumps({"sub": OWNER, "role": "bench_client"})
FILL = """\
insert into pawl_task.instance (id, version, state, status, seq, created_at, updated_at, timers,
  invokes, history, owner, org)
select 't-' || n, 1, '{on}', 'running', 1, now(), now(), '{}', '{}', '{}', %s, gen_random_uuid()
from generate_series(1, %s) as n
"""
EVENTS = """\
do $$ begin
  for i in 1..1000 loop
    perform public.send_event('task', 't-' || i, '{"type": "add"}');
  end loop;
end $$
"""
POINTS = "select seq from public.task_instance where id = %s"
BUTTONS = "select public.enabled_events('task', %s)"
LOOP = """\
do $$ declare found bigint; begin
  for i in 1..5000 loop
    select t.seq into found from public.task_instance as t where t.id = 't-' || (i % 500 + 1);
  end loop;
end $$
"""
SCAN = "select count(*), max(n) from public.task_instance where n >= 0"
STATEMENTS = {
    "event": EVENTS,
    "point read": POINTS,
    "in a loop": LOOP,
    "buttons": BUTTONS,
    "scan": SCAN,
}
LIMITS = {"event": 1.1, "point read": 2.0, "in a loop": 2.0, "buttons": 2.0, "scan": 1.5}


def measure(dsn: str, rounds: int) -> dict[str, tuple[float, float]]:
    """The median of the seconds of each statement, for the client and for who is not asked."""
    login = psycopg.conninfo.make_conninfo(dsn, user="bench_login")
    skips = psycopg.conninfo.make_conninfo(dsn, user="bench_skips")
    with (
        psycopg.connect(login, autocommit=True) as client,
        psycopg.connect(dsn, autocommit=True) as trusted,
        psycopg.connect(skips, autocommit=True) as skipping,
    ):
        client.execute("set role bench_client")
        client.execute("select set_config('request.jwt.claims', %s, false)", (CLAIMS,))
        found = {}
        for name, statement in STATEMENTS.items():
            other = trusted if statement in (EVENTS, BUTTONS) else skipping
            pairs = [(_timed(client, statement), _timed(other, statement)) for _ in range(rounds)]
            found[name] = (median(a for a, _ in pairs), median(b for _, b in pairs))
        return found


def _timed(connection: psycopg.Connection, statement: str) -> float:
    ids = [f"t-{n}" for n in range(1, 501)] if "%s" in statement else [None]
    begin = time.perf_counter()
    for id in ids:
        connection.execute(statement.encode(), None if id is None else (id,))
    return time.perf_counter() - begin


def prepared(dsn: str, rows: int) -> None:
    """The machine, the roles and the rows."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create role bench_client nologin")
        connection.execute("create role bench_login login noinherit")
        connection.execute("create role bench_skips login bypassrls")
        connection.execute("grant bench_client to bench_login")
        install(connection)
        connection.execute("select pawl.init_roles('{bench_client}', '{bench_login}')")
        connection.execute("grant pawl_client to bench_skips")
        deploy(connection, compile_machine(MACHINE, "task.machine.yaml"))
        connection.execute(FILL.encode(), (OWNER, rows))
        connection.execute("vacuum analyze pawl_task.instance")


def main() -> None:
    options = argparse.ArgumentParser(description="what access rules cost")
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=15)
    given = options.parse_args()
    with own_server(SETTINGS) as (server, _):
        prepared(server.dsn(), given.rows)
        found = measure(server.dsn(), given.rounds)
    told = {}
    print(f"{'':<12}{'client':>10}{'not asked':>12}{'ratio':>8}{'limit':>8}   (ms)")
    for name, (client, trusted) in found.items():
        ratio = client / trusted
        told[name.replace(" ", "_")] = round(ratio, 3)
        row = f"{name:<12}{client * 1000:>10.2f}{trusted * 1000:>12.2f}{ratio:>8.2f}"
        print(f"{row}{LIMITS[name]:>8.1f}")
    print(json.dumps({**told, "rows": given.rows, "rounds": given.rounds}))


if __name__ == "__main__":
    main()
