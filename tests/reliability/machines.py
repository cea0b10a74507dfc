"""The machines that are under load: a job uses all that can be lost or doubled.

An event, a message to another instance, an effect that nobody waits for, an invoke with its result,
a timer. A job that has had all its events ends in the state `ended`, wherever it was interrupted.
"""

from __future__ import annotations

import psycopg

from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

JOB = """\
machine: job
version: 1
context:
  tally: text not null
  adds: int not null default 0
  runs: int not null default 0
input: [tally]
events:
  add: { mark: text not null }
  run: { mark: text not null }
authorize: { create: true, read: true, send: { "*": true } }
effects:
  tell: { retry: { attempts: 50, backoff: 20 ms .. 200 ms } }
  work: { retry: { attempts: 50, backoff: 20 ms .. 200 ms } }
on:
  add:
    assign: { adds: context.adds + 1 }
    actions:
      - effect: tell
        input: { mark: event.mark }
      - send: { event: count, to: { machine: tally, id: context.tally } }
initial: open
states:
  open:
    on: { run: working }
  working:
    invoke:
      src: work
      input: { job: self.id }
      onDone:
        target: cooling
        assign: { runs: "context.runs + 1 / (select s.open from outside.switch as s)" }
      onError: failed
  cooling:
    after: { 50 ms: ended }
  ended: {}
  failed: {}
"""
"""`outside.switch` is 1, or 0: then the transition of the result fails."""

TALLY = """\
machine: tally
version: 1
context: { counted: int not null default 0 }
events: { count: {} }
authorize: { create: true, read: true, send: { count: sender.machine = $$job$$ } }
initial: open
states:
  open:
    on: { count: { assign: { counted: context.counted + 1 } } }
"""


def deploy_machines(connection: psycopg.Connection) -> None:
    """Deploy both, and what lies outside of them."""
    connection.execute("create schema outside create table switch (open int not null)")
    connection.execute("insert into outside.switch values (1)")
    connection.execute("grant usage on schema outside to pawl_owner")
    connection.execute("grant select on outside.switch to pawl_owner")
    for text, name in ((TALLY, "tally"), (JOB, "job")):
        deploy(connection, compile_machine(text, f"{name}.machine.yaml"))
