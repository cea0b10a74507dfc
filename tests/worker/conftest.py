"""A small machine that asks for an effect, and the database with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pawl.cli import definitions
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

PARCEL = """\
machine: parcel
version: 1
context:
  weight: numeric not null default 1.50
  label: text
  failure: text
input: [weight]
events:
  cancel: {}
authorize: {}
effects:
  print_label:
    timeout: 10 min
    retry: { attempts: 3, backoff: 1 min .. 5 min }
  tell: {}
initial: packing
states:
  packing:
    invoke:
      src: print_label
      input: { parcel: self.id, weight: context.weight }
      onDone: { target: packed, assign: { label: "event.output->>'label'" } }
      onSnapshot: { assign: { label: "event.snapshot->>'printed'" } }
      onError: { target: failed, assign: { failure: event.error.code } }
    on: { cancel: cancelled }
    after:
      1 day: cancelled
  packed:
    entry: { effect: tell, input: { label: context.label } }
  failed: { type: final }
  cancelled: { type: final }
"""
"""Retries after a minute, so that a test which never moves the clock sees one attempt, and gives it
more time than any machine stands still."""


@dataclass(frozen=True, slots=True)
class Parcels:
    """The machine in a database, as its clients and its owner use it."""

    dsn: str
    connection: psycopg.Connection

    def create(self, id: str, **input: Any) -> None:
        query = "select create_instance('parcel', %s, %s)"
        self.connection.execute(query, (id, json.dumps(input)))

    def send(self, id: str, type: str) -> None:
        query = "select send_event('parcel', %s, %s)"
        self.connection.execute(query, (id, json.dumps({"type": type})))

    def pass_time(self, by: str) -> None:
        self.connection.execute("select pawl.advance_clock(%s::interval)", (by,))

    def row(self, id: str) -> Mapping[str, Any]:
        """The state, the label and the failure of a parcel."""
        query = "select state[1], label, failure from pawl_parcel.instance where id = %s"
        found = self.connection.execute(query, (id,)).fetchone()
        assert found is not None
        return dict(zip(("state", "label", "failure"), found, strict=True))

    def state(self, id: str) -> str:
        return str(self.row(id)["state"])


def deploy_file(connection: psycopg.Connection, file: Path) -> None:
    """Deploy an example; it may migrate from versions that lie beside it."""
    definition = definitions.read(file)
    deploy(
        connection,
        compile_machine(definition.text, file.name, earlier=definitions.earlier(definition)),
    )


def deploy_parcel(connection: psycopg.Connection) -> None:
    deploy(connection, compile_machine(PARCEL, "parcel.machine.yaml"))


@pytest.fixture
def parcels(connection: psycopg.Connection, database: str) -> Parcels:
    """The machine, and a clock that stands still."""
    deploy_parcel(connection)
    connection.execute("select pawl.set_clock('2030-01-01 00:00+00')")
    return Parcels(database, connection)
