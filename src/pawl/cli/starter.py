"""`pawl new`: a small chart to begin with, which compiles and deploys as it is."""

import re
from pathlib import Path

import rich_click as click

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


@click.command()
@click.argument("name")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), default=Path())
@json_option
@click.pass_obj
def new(output: Output, name: str, folder: Path) -> None:
    """Write NAME.machine.yaml, a small commented chart to begin with."""
    if NAME.fullmatch(name) is None:
        raise click.UsageError(
            f"`{name}` cannot name a machine: letters, digits, `_` and `-`, a letter first"
        )
    file = folder / f"{name}.machine.yaml"
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(TEMPLATE.format(name=name, file=file.name))
    except FileExistsError:
        raise click.UsageError(f"{file} exists already; it was left as it is") from None
    output.wrote(file)
    output.line(f"next: pawl check {file}, then pawl deploy {file}", style="dim")
