"""Measure events through PostgREST against the same events straight; see README.md here.

In: nothing but the options. Out: a table, and on the last line one JSON object. Both sides send
`send_event` as an end user, each in a transaction of its own with the role and the claims set, over
as many connections: one side by HTTP to a real PostgREST, the other by psycopg. They take turns, on
one server of the benchmark's own; counted is wall time, for the work is in three processes.

    make postgrest-setup && python bench/postgrest.py [--events N] [--rounds N] [--clients N …]
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import psycopg
from servers import own_server

sys.path.insert(0, str(Path(__file__).parents[1]))

from pawl.deploy.deploy import deploy
from pawl.deploy.initialise import Doors, initialise
from pawlc.compile import compile_machine
from tests.postgrest.rest import Rest, missing, postgrest

MACHINE = """\
machine: task
version: 1
context: { owner: uuid not null, n: int not null default 0 }
input: [owner]
events: { add: {} }
authorize:
  create: true
  read: claims->>'sub' = context.owner::text
  send: { add: claims->>'sub' = context.owner::text }
initial: on
states: { on: { on: { add: { assign: { n: context.n + 1 } } } } }
"""

SETTINGS = {"jit": "off", "autovacuum": "off", "synchronous_commit": "off", "fsync": "off"}
OWNER = "00000000-0000-0000-0000-000000000001"
CLAIMS = {"sub": OWNER, "role": "bench_client"}
DOORS = Doors("api", ("bench_client",), ("bench_login",))
STRAIGHT = "select api.send_event('task', %s, '{\"type\": \"add\"}')"
ACT_AS = (
    "select set_config('role', 'bench_client', true), set_config('request.jwt.claims', %s, true)"
)

Send = Callable[[str], None]


def by_http(rest: Rest) -> Iterator[Send]:
    """One kept connection; each event is a request."""
    connection = http.client.HTTPConnection(urlsplit(rest.url).netloc)
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {rest.token(**CLAIMS)}",
    }

    def send(id: str) -> None:
        body = json.dumps({"machine": "task", "id": id, "event": {"type": "add"}})
        connection.request("POST", "/rpc/send_event", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status

    yield send
    connection.close()


def by_psycopg(dsn: str) -> Iterator[Send]:
    """One connection; each event is a transaction, as PostgREST makes one."""
    claims = json.dumps(CLAIMS)
    with psycopg.connect(dsn, autocommit=True) as connection:

        def send(id: str) -> None:
            with connection.transaction():
                connection.execute(ACT_AS, (claims,))
                connection.execute(STRAIGHT, (id,)).fetchone()

        yield send


def seconds(connect: Callable[[], Iterator[Send]], clients: int, events: int) -> float:
    """How long it takes to send `events` events over `clients` connections, all of them open."""
    sides = [contextmanager(connect)() for _ in range(clients)]
    senders = [side.__enter__() for side in sides]

    def send_all(number: int) -> None:
        for event in range(number, events, clients):
            senders[number](f"t-{event % 100}-{number}")

    for sender in senders:
        sender("warm")
    begin = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(send_all, range(clients)))
    spent = time.perf_counter() - begin
    for side in sides:
        side.__exit__(None, None, None)
    return spent


def prepared(dsn: str, clients: int) -> None:
    """The roles, the machine and the instances: those of a connection are its own."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create role bench_client nologin")
        connection.execute("create role bench_login login noinherit in role bench_client")
        initialise(connection, DOORS)
        deploy(connection, compile_machine(MACHINE, "task.machine.yaml"))
        ids = [f"t-{n}-{number}" for n in range(100) for number in range(clients)]
        for id in [*ids, "warm"]:
            connection.execute(
                "select api.create_instance('task', %s, %s)", (id, json.dumps({"owner": OWNER}))
            )


def measure(dsn: str, given: argparse.Namespace) -> dict[int, tuple[float, float]]:
    """Events a second by HTTP and straight, for each number of clients."""
    login = psycopg.conninfo.make_conninfo(dsn, user="bench_login")
    found = {}
    with postgrest(login, "api", "bench_client", "bench_client") as rest:
        for clients in given.clients:
            pairs = [
                (
                    seconds(lambda: by_http(rest), clients, given.events),
                    seconds(lambda: by_psycopg(login), clients, given.events),
                )
                for _ in range(given.rounds)
            ]
            http_side, straight = (median(side) for side in zip(*pairs, strict=True))
            found[clients] = (given.events / http_side, given.events / straight)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description="events through PostgREST")
    options.add_argument("--events", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    given = options.parse_args()
    if (reason := missing()) is not None:
        sys.exit(f"bench/postgrest.py: {reason}")
    with own_server(SETTINGS) as (server, _):
        prepared(server.dsn(), max(given.clients))
        found = measure(server.dsn(), given)
    print(f"{'clients':<10}{'PostgREST':>12}{'straight':>12}{'ratio':>8}   (events a second)")
    for clients, (web, straight) in found.items():
        print(f"{clients:<10}{web:>12.0f}{straight:>12.0f}{straight / web:>8.2f}")
    told = {
        f"{clients}_clients": {"postgrest": round(web), "straight": round(straight)}
        for clients, (web, straight) in found.items()
    }
    print(json.dumps({**told, "events": given.events, "rounds": given.rounds}))


if __name__ == "__main__":
    main()
