"""`pawl authz`: the truth table of who may do what, as Postgres answers it."""

from __future__ import annotations

import json
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


# --- other rules for what is deployed ----------------------------------------------------------


def test_the_rules_of_a_deployed_version_are_replaced_at_once_and_journalled(
    online: Pawl, ticket: Path, connection: psycopg.Connection
) -> None:
    online("deploy", str(ticket))
    online("create", "ticket", "t", "author=ann")
    changed(ticket, "take: claims->>'team' = 'staff'", "take: claims->>'sub' = 'eve'")
    changed(ticket, "context.author or claims->>'team' = 'staff' and in_state('open')", "'eve'")
    before = rules(connection)
    dry = online("authz", str(ticket), "--replace", "--dry-run")
    assert (dry.code, "nothing was changed" in dry.err) == (0, True)
    assert rules(connection) == before
    run = online("authz", str(ticket), "--replace", "--json")
    assert run.code == 0
    assert run.json == [
        {
            "rule": "read",
            "before": "claims->>'sub' = context.author or claims->>'team' = 'staff'"
            " and in_state('open')",
            "after": "claims->>'sub' = 'eve'",
        },
        {
            "rule": "send take",
            "before": "claims->>'team' = 'staff'",
            "after": "claims->>'sub' = 'eve'",
        },
    ]
    after = rules(connection)
    assert (before, after) == (("staff", "ann"), ("eve", "eve"))
    row = connection.execute(
        "select iid, caller, event ->> 'type', event -> 'after' ->> 'send take',"
        " event ->> 'to' = (select hash from pawl.version)"
        " from pawl.journal where machine = 'ticket' order by iid limit 1"
    ).fetchone()
    assert row == (0, "postgres", "pawl.authorize", "claims->>'sub' = 'eve'", True)
    assert Path("versions/ticket.1.machine.yaml").read_text() == ticket.read_text()
    assert connection.execute("select count(*) from history('ticket', 't')").fetchone() == (1,)


def rules(connection: psycopg.Connection) -> tuple[str, str]:
    """Who may take the ticket `t`, and who may read it, of staff, ann and eve."""
    callers = {"staff": {"sub": "bob", "team": "staff"}, "ann": {"sub": "ann"}}
    callers["eve"] = {"sub": "eve"}
    takes, reads = [], []
    for name, claims in callers.items():
        with connection.transaction(force_rollback=True):
            connection.execute("set local role pawl_owner")
            connection.execute(
                "select set_config('request.jwt.claims', %s, true)", (json.dumps(claims),)
            )
            take, read = connection.execute(
                'select pawl_ticket.v1_admits(id, \'{"type": "take"}\'),'
                " pawl_ticket.admits_reader(iid) from pawl_ticket.instance"
            ).fetchall()[0]
            takes += [name] * take
            reads += [name] * (read and name != "staff")
    return ", ".join(takes), ", ".join(reads)


def test_the_new_text_is_the_version_from_then_on(online: Pawl, ticket: Path) -> None:
    online("deploy", str(ticket))
    changed(ticket, "take: claims->>'team' = 'staff'", "# more\n    take: claims ? 'sub'")
    refused = online("deploy", str(ticket), "--json")
    assert (refused.code, refused.error["code"]) == (1, "version_exists")
    online("authz", str(ticket), "--replace")
    assert online("deploy", str(ticket), "--json").json[0]["outcome"] == "unchanged"
    assert online("authz", str(ticket), "--replace", "--json").json == []
    ticket.write_text(TICKET)
    assert online("deploy", str(ticket), "--json").error["code"] == "version_exists"


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        ("price: int not null default 1", "price: int not null default 2", "context"),
        ("take: busy, bid", "take: closed, bid", "states"),
        ("  close: {}\n", "  close: { why: text }\n", "events"),
        ("version: 1", "version: 1\nreply: none", "reply"),
        ("version: 1", "version: 1\npublic: [author]", "public"),
        ("version: 1", "version: 2", None),
    ],
)
def test_nothing_else_is_replaced(
    online: Pawl, ticket: Path, before: str, after: str, differs: str | None
) -> None:
    online("deploy", str(ticket))
    changed(ticket, before, after)
    run = online("authz", str(ticket), "--replace", "--json")
    code = "version_absent" if differs is None else "version_exists"
    assert (run.code, run.error["code"]) == (1, code)
    assert differs is None or f"`{differs}`" in run.error["message"]


def test_rules_that_postgres_refuses_replace_nothing(
    online: Pawl, ticket: Path, connection: psycopg.Connection
) -> None:
    online("deploy", str(ticket))
    hash = connection.execute("select hash from pawl.version").fetchone()
    changed(ticket, "take: claims->>'team' = 'staff'", "take: context.price > 'x'::date")
    run = online("authz", str(ticket), "--replace")
    assert (run.code, "error[PW3" in run.err) == (1, True)
    assert connection.execute("select hash from pawl.version").fetchone() == hash
    assert online("authz", "ticket", "--replace").code == 2
    assert online("authz", str(ticket), "--dry-run").code == 2


def test_running_instances_of_an_older_version_get_their_rules_replaced_too(
    online: Pawl, ticket: Path, connection: psycopg.Connection
) -> None:
    online("deploy", str(ticket))
    online("create", "ticket", "t", "author=ann")
    old = Path("old.machine.yaml")
    old.write_text(TICKET.replace("take: claims->>'team' = 'staff'", "take: claims ? 'sub'"))
    changed(ticket, "version: 1", "version: 2")
    online("deploy", str(ticket))
    assert rules(connection) == ("staff", "ann")
    assert online("authz", str(old), "--replace").code == 0
    assert rules(connection) == ("staff, ann, eve", "ann")
    online("create", "ticket", "u", "author=ann")
    reply = connection.execute(
        "select send_event('ticket', 'u', '{\"type\": \"take\"}') -> 'state'"
    )
    assert reply.fetchone() == (["busy"],), "the current version is as it was"
    assert online("versions", "ticket", "--json").json[1]["current"] is True


def test_a_version_without_functions_has_no_rules_to_replace(online: Pawl, ticket: Path) -> None:
    online("deploy", str(ticket))
    old = Path("old.machine.yaml")
    old.write_text(TICKET.replace("take: claims->>'team' = 'staff'", "take: claims ? 'sub'"))
    changed(ticket, "version: 1", "version: 2")
    online("deploy", str(ticket))
    assert online("versions", "collect", "ticket").code == 0
    refused = online("authz", str(old), "--replace", "--json")
    assert (refused.code, refused.error["code"]) == (1, "version_absent")
    changed(ticket, "take: claims->>'team' = 'staff'", "take: claims ? 'sub'")
    assert online("authz", str(ticket), "--replace").code == 0
