"""`pawl new`: a small chart to begin with, which compiles and deploys as it is, and its test."""

import re
from pathlib import Path

import rich_click as click

from pawl.cli.files import write_new
from pawl.cli.options import json_option
from pawl.cli.output import Output

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

TEMPLATE = """\
# A statechart, which compiles into the Postgres schema pawl_{name}.
#
#   pawl check {file}      what is wrong with it
#   pawl diagram {file}    what it looks like
#   pawl deploy {file}     put it into the database
#   pawl create {name} n-1 customer_id=ann total=24.50
#   pawl send {name} n-1 accept minutes=20
#   pawl show {name} n-1

machine: {name}
version: 1 # a deployed version never changes: raise the number to deploy a change

# The data of each instance: one column each, written as in `create table`.
context:
  customer_id: text not null
  total: numeric(10,2) not null check (total > 0)
  minutes: int
  reason: text
input: [customer_id, total] # what a creator may set; the rest is the machine's business

# What can be sent, and what it carries. Payloads are checked on arrival.
events:
  accept:
    minutes: int not null check (minutes between 1 and 90)
  reject:
    reason: text not null
  finish: {{}}

# Who may do what: SQL over the caller's claims (a JWT). A door without a rule is closed to clients.
authorize:
  create: claims->>'sub' = context.customer_id
  read: claims->>'sub' = context.customer_id
  send:
    accept, reject, finish: claims->>'kind' = 'shop'

initial: offered
states:
  offered:
    on:
      # Guards, assigned values and authorizers are SQL expressions.
      accept:
        target: preparing
        guard: context.total < 1000
        assign: {{ minutes: event.minutes }}
      reject: {{ target: rejected, assign: {{ reason: event.reason }} }}
    # A timer is a row: it survives restarts, and leaving the state ends it.
    after:
      5 minutes: {{ target: rejected, assign: {{ reason: $$no answer$$ }} }}
  preparing:
    on:
      finish: finished
  finished: {{ type: final }}
  rejected: {{ type: final }}
"""

TEST = '''\
"""The machine {name}, for pytest: a fresh Postgres, and a clock that the test moves.

    pip install pytest
    pytest {test}
"""

import pytest
from pawl.errors import Denied

ANN, SHOP = {{"sub": "ann"}}, {{"kind": "shop"}}
INPUT = {{"customer_id": "ann", "total": 24.50}}


def test_it_is_accepted_and_finished(pawl_world):
    it = pawl_world.create("{name}", "n-1", INPUT, claims=ANN)
    it.send("accept", {{"minutes": 20}}, claims=SHOP)
    it.expect("preparing", minutes=20)
    it.send("finish", claims=SHOP)
    it.expect("finished", status="done")


def test_it_is_rejected_if_nobody_answers_within_five_minutes(pawl_world):
    it = pawl_world.create("{name}", "n-1", INPUT)
    pawl_world.advance("4 minutes 59 seconds")
    it.expect("offered")
    pawl_world.advance("1 second")
    it.expect("rejected", reason="no answer")


def test_only_the_shop_may_accept_it(pawl_world):
    it = pawl_world.create("{name}", "n-1", INPUT)
    with pytest.raises(Denied):
        it.send("accept", {{"minutes": 20}}, claims=ANN)
'''


@click.command()
@click.argument("name")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), default=Path())
@json_option
@click.pass_obj
def new(output: Output, name: str, folder: Path) -> None:
    """Write NAME.machine.yaml, a small commented chart to begin with, and test_NAME.py for it."""
    if NAME.fullmatch(name) is None:
        raise click.UsageError(
            f"`{name}` cannot name a machine: letters, digits, `_` and `-`, a letter first"
        )
    file = folder / f"{name}.machine.yaml"
    test = folder / f"test_{name.replace('-', '_')}.py"
    chart = TEMPLATE.format(name=name, file=file.name)
    write_new({file: chart, test: TEST.format(name=name, test=test.name)})
    if output.json:
        output.data({"file": str(file), "test": str(test)})
    output.line(f"wrote {file} and {test}")
    output.line(f"next: pawl check {file}, then pawl deploy {file}", style="dim")
