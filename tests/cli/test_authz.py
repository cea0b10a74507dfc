"""`pawl authz`: the truth table of who may do what, as Postgres answers it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Pawl

TICKET = """\
machine: ticket
version: 1
context: { author: text not null, taker: text, price: int not null default 1 }
input: [author]
events:
  take: {}
  close: {}
  bid: { price: int not null }
authorize:
  create: claims->>'sub' = context.author
  read: claims->>'sub' = context.author or claims->>'team' = 'staff' and in_state('open')
  send:
    take: claims->>'team' = 'staff'
    close: claims->>'sub' in (context.author, context.taker)
    bid: event.price < (claims->>'limit')::int
samples:
  claims:
    ann: { sub: ann }
    staff: { sub: bob, team: staff }
    stranger: { sub: eve }
  contexts:
    new: { author: ann }
    taken: { author: ann, taker: bob }
initial: open
states:
  open: { on: { take: busy, bid: {} } }
  busy: { on: { close: closed } }
  closed: { type: final }
"""

TABLE = """\
context  may         in            ann      staff    stranger
new      create                    yes      no       no
new      read        open          yes      yes      no
new      read        busy, closed  yes      no       no
new      send take   open          no       yes      no
new      send close  busy          yes      no       no
new      send bid    open          payload  payload  payload
taken    create                    yes      no       no
taken    read        open          yes      yes      no
taken    read        busy, closed  yes      no       no
taken    send take   open          no       yes      no
taken    send close  busy          yes      yes      no
taken    send bid    open          payload  payload  payload
"""


@pytest.fixture
def ticket(online: Pawl) -> Path:
    file = Path("ticket.machine.yaml")
    file.write_text(TICKET)
    return file


def changed(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


@pytest.mark.smoke
def test_the_table_is_made_for_the_samples_and_nothing_is_left(
    online: Pawl, ticket: Path, connection: psycopg.Connection
) -> None:
    run = online("authz", str(ticket))
    assert (run.code, run.out, run.err) == (0, TABLE, "")
    assert connection.execute("select count(*) from pawl.machine").fetchone() == (0,)
    assert connection.execute("select to_regnamespace('pawl_authz_preview')").fetchone() == (None,)


def test_a_deployed_machine_is_asked_by_its_name(online: Pawl, ticket: Path) -> None:
    online("deploy", str(ticket))
    ticket.unlink()
    assert online("authz", "ticket").out == TABLE
    run = online("authz", "tickets")
    assert (run.code, "unknown_machine" in run.err) == (1, True)


def test_a_version_that_is_deployed_may_be_tried_with_other_rules(
    online: Pawl, ticket: Path
) -> None:
    online("deploy", str(ticket))
    changed(ticket, "take: claims->>'team' = 'staff'", "take: claims ? 'sub'")
    assert (
        "new      send take   open          yes      yes      yes"
        in online("authz", str(ticket)).out
    )


def test_a_program_gets_every_answer(online: Pawl, ticket: Path) -> None:
    told = online("authz", str(ticket), "--json").json
    assert (told["machine"], told["warnings"]) == ("ticket", [])
    assert told["rows"][1] == {
        "context": "new",
        "action": "read",
        "event": None,
        "states": [["open"]],
        "may": {"ann": True, "staff": True, "stranger": False},
    }
    assert told["rows"][5]["may"] == {"ann": None, "staff": None, "stranger": None}


def test_rules_that_hold_for_nobody_or_everybody_are_pointed_at(online: Pawl, ticket: Path) -> None:
    changed(ticket, "claims->>'team' = 'staff'\n", "claims->>'taem' = 'staff'\n")
    changed(ticket, "close: claims->>'sub' in (context.author, context.taker)", "close: true")
    changed(ticket, "create: claims->>'sub' = context.author", "create: claims ? 'sub'")
    run = online("authz", str(ticket))
    assert run.code == 0
    lines = [line.strip() for line in run.err.splitlines()]
    found = [line for line in lines if line.startswith(("warning", "-->"))]
    assert found == [
        "warning[PW452]: every sample satisfies this rule of `create`",
        "--> ticket.machine.yaml:10:11",
        "warning[PW451]: no sample satisfies this rule of `send`",
        "--> ticket.machine.yaml:13:11",
    ]
    (first, second) = online("authz", str(ticket), "--json").json["warnings"]
    assert (first["code"], second["code"]) == ("PW452", "PW451")


def test_a_rule_that_fails_says_so_where_it_was_asked(online: Pawl, ticket: Path) -> None:
    changed(ticket, "claims->>'sub' = context.author or", "(claims->>'sub')::int = 1 or")
    run = online("authz", str(ticket))
    assert run.code == 0
    assert 'error: invalid input syntax for type integer: "ann"' in run.out


def test_rules_in_states_are_asked_there(online: Pawl) -> None:
    file = Path("gate.machine.yaml")
    file.write_text(
        TICKET.partition("samples:")[0]
        .replace("machine: ticket", "machine: gate")
        .replace("in_state('open')", "in_state('door.open')")
        .replace("  bid: { price: int not null }\n", "")
        .replace("    bid: event.price < (claims->>'limit')::int\n", "")
        + "samples: { claims: { ann: { sub: ann }, staff: { team: staff } },"
        " contexts: { a: { author: ann } } }\n"
        "type: parallel\nstates:\n"
        "  door:\n    initial: open\n    states:\n"
        "      open: { on: { take: shut } }\n"
        "      shut:\n        authorize: { send: { take: claims->>'sub' = 'ann' } }\n"
        "        on: { take: open }\n"
        "  lamp: { initial: dark, states: { dark: { on: { close: lit } }, lit: {} } }\n"
    )
    run = online("authz", str(file))
    table = [" ".join(line.split()) for line in run.out.splitlines()]
    assert "a send take door.open + lamp.dark, door.open + lamp.lit no yes" in table
    assert "a send take door.shut + lamp.dark, door.shut + lamp.lit no no" in table


def test_a_machine_that_answers_nobody_has_its_table_too(online: Pawl, ticket: Path) -> None:
    changed(ticket, "version: 1", "version: 1\nreply: none")
    assert online("authz", str(ticket)).out == TABLE


def test_without_samples_there_is_nothing_to_ask(online: Pawl, ticket: Path) -> None:
    changed(ticket, "    ann: { sub: ann }\n", "")
    changed(ticket, "author: ann, taker: bob", "taker: bob")
    run = online("authz", str(ticket), "--json")
    assert (run.code, run.error["code"]) == (1, "bad_sample")
    assert run.error["message"].startswith("the sample `taken` of `ticket` is no instance: field")
    ticket.write_text(TICKET.replace(TICKET[TICKET.index("samples") : TICKET.index("initial")], ""))
    run = online("authz", str(ticket), "--json")
    assert (run.code, run.error["code"]) == (1, "no_samples")
