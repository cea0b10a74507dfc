"""What deploy says of a definition in SCXML, and what it deploys with it."""

from __future__ import annotations

import json

import psycopg
import pytest

from pawl.deploy import steps
from pawl.deploy.deploy import deploy
from pawl.deploy.errors import DeployRefused
from pawl.deploy.versions import regenerate
from pawl.doctor.inquiries import drift
from pawlc.compile import Compiled, Earlier, compile_machine
from pawlc.diagnostics import CompileError
from pawlc.emit.columns import Change

SCXML = 'xmlns="http://www.w3.org/2005/07/scxml"'


def document(
    body: str,
    version: int = 1,
    files: dict[str, str] | None = None,
    earlier: dict[int, Earlier] | None = None,
) -> Compiled:
    text = (
        f'<scxml {SCXML} xmlns:pawl="https://pawl.dev/scxml" version="1.0" name="m"'
        f' pawl:version="{version}">\n{body}\n</scxml>'
    )
    impl = json.dumps(files) if files else None
    return compile_machine(text, "m.scxml", impl=impl, earlier=earlier)


def test_what_postgres_says_of_an_expression_is_a_warning_at_its_line(
    connection: psycopg.Connection,
) -> None:
    done = deploy(
        connection,
        document(
            '<datamodel><data id="n" expr="0"/></datamodel>\n'
            '<state id="a"><transition cond="n = nosuch(1)" target="b"/>\n'
            '<transition event="x"><assign location="n" expr="_event.data.n"/></transition>\n'
            '</state><state id="b"/>'
        ),
    )
    assert [(d.code, d.severity, d.span.start.line) for d in done.warnings] == [
        ("PW308", "warning", 3)
    ]
    assert done.warnings[0].message == "function nosuch(integer) does not exist"
    assert done.outcome == "created"


def test_an_expression_that_could_change_something_is_refused(
    connection: psycopg.Connection,
) -> None:
    connection.execute(
        "create function public.changes() returns boolean language sql volatile return true"
    )
    chart = document('<state id="a"><transition cond="public.changes()" target="a"/></state>')
    with pytest.raises(CompileError) as refused:
        deploy(connection, chart)
    assert [d.code for d in refused.value.diagnostics if d.severity == "error"] == ["PW306"]


KID = f'<scxml {SCXML} version="1.0"><final id="v{{}}"/></scxml>'


def test_a_session_takes_the_version_that_was_deployed_with_its_parent(
    connection: psycopg.Connection,
) -> None:
    body = '<state id="a"><transition event="go" target="b"/></state>'
    body += '<state id="b"><invoke id="kid" src="kid.scxml"/></state>'
    deploy(connection, document(body, 1, {"kid.scxml": KID.format(1)}))
    connection.execute("select create_instance('m', 'old')")
    deploy(connection, document(body, 2, {"kid.scxml": KID.format(2)}))
    connection.execute("select create_instance('m', 'new')")
    for name in ("old", "new"):
        connection.execute("select send_event('m', %s, '{\"type\": \"go\"}')", (name,))
    rows = connection.execute("select version, state from pawl_m_kid.instance order by version")
    assert rows.fetchall() == [(1, ["v1"]), (2, ["v2"])]


def test_a_session_that_begins_by_hand_takes_that_version_too(
    connection: psycopg.Connection,
) -> None:
    body = '<state id="a"/><state id="b"><invoke id="kid" src="kid.scxml"/></state>'
    for version in (1, 2):
        deploy(connection, document(body, version, {"kid.scxml": KID.format(version)}))
    connection.execute("select import_instance('m', 'old', 1, '{b}', '{}')")
    connection.execute("select import_instance('m', 'new', 2, '{b}', '{}')")
    rows = connection.execute("select version, state from pawl_m_kid.instance order by version")
    assert rows.fetchall() == [(1, ["v1"]), (2, ["v2"])]


def test_a_session_that_cannot_begin_by_hand_is_an_error_of_communication(
    connection: psycopg.Connection,
) -> None:
    body = '<state id="a"/><state id="b"><invoke id="kid" src="kid.scxml"/></state>'
    deploy(connection, document(body, 1, {"kid.scxml": KID.format(1)}))
    connection.execute(
        "create function pg_temp.no() returns trigger language plpgsql as"
        " $$ begin raise 'no room'; end $$"
    )
    connection.execute(
        "create trigger no before insert on pawl_m_kid.instance"
        " for each row execute function pg_temp.no()"
    )
    connection.execute("select import_instance('m', 'i', 1, '{b}', '{}')")
    told = connection.execute("select event ->> 'type' from pawl.message where machine = 'm'")
    assert told.fetchall() == [("error.communication",)]


def test_the_same_definition_again_changes_nothing(connection: psycopg.Connection) -> None:
    body = '<state id="a"><invoke src="kid.scxml"/></state>'
    deploy(connection, document(body, 1, {"kid.scxml": KID.format(1)}))
    assert deploy(connection, document(body, 1, {"kid.scxml": KID.format(1)})).outcome == (
        "unchanged"
    )
    rows = connection.execute("select machine, version from pawl.version order by machine")
    assert rows.fetchall() == [("m", 1), ("m_kid", 1)]


def test_sessions_and_instances_of_other_machines_talk(connection: psycopg.Connection) -> None:
    desk = compile_machine(
        "machine: desk\ncontext: { n: int }\n"
        "events: { ask: { n: int not null } }\nauthorize: { send: { ask: 'true' } }\n"
        "initial: a\nstates:\n  a:\n    on:\n      ask:\n        assign: { n: event.n }\n"
        '        actions:\n          - send: { event: told, to: { machine: m, id: "$$i$$" },'
        " data: { n: event.n + 1 } }\n",
        "desk.machine.yaml",
    )
    deploy(connection, desk)
    deploy(
        connection,
        document(
            '<datamodel><data id="got"/><data id="who"/></datamodel>'
            '<state id="a"><transition event="go">'
            '<send event="ask" target="#_scxml_desk/d"><param name="n" expr="4"/></send>'
            '<send event="ask" target="#_scxml_desk/nobody" id="lost"/></transition>'
            '<transition event="told"><assign location="got" expr="_event.data.n"/>'
            '<assign location="who" expr="_event.origin"/></transition>'
            '<transition event="error.communication" cond="_event.sendid = \'lost\'" target="b"/>'
            '</state><state id="b"/>'
        ),
    )
    for machine, name in (("desk", "d"), ("m", "i")):
        connection.execute("select create_instance(%s, %s)", (machine, name))
    connection.execute("select send_event('m', 'i', '{\"type\": \"go\"}')")
    delivered(connection)
    row = connection.execute("select state, got, who from pawl_m.instance").fetchone()
    assert row == (["b"], 5, "#_scxml_desk/d")
    assert connection.execute("select count(*) from pawl.dead_letter").fetchone() == (0,)


def test_what_is_deployed_with_a_document_is_checked_and_made_anew_with_it(
    connection: psycopg.Connection,
) -> None:
    chart = document('<state id="a"><invoke src="kid.scxml"/></state>', 1, {"kid.scxml": KID})
    deploy(connection, chart)
    assert list(drift(connection)) == []
    connection.execute("update pawl.version set sql = 'other' where machine = 'm_kid'")
    assert ['"m_kid"' in found.message for found in drift(connection)] == [True]
    regenerate(connection, chart)
    assert list(drift(connection)) == []


FAMILY = """\
<datamodel><data id="n" expr="0"/>{data}</datamodel>
<state id="a"><invoke id="kid"><content>
<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0">
<datamodel><data id="m" expr="0"/>{data}</datamodel><state id="v"/>
</scxml></content></invoke></state>"""
ADDED = FAMILY.format(data='<data id="more" expr="1"/>')


def current(connection: psycopg.Connection) -> list[tuple[str, int]]:
    rows = connection.execute("select name, current_version from pawl.machine order by name")
    return rows.fetchall()


def test_a_family_that_was_ended_in_the_middle_goes_on_and_switches_together(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(connection, document(FAMILY.format(data="")))
    prepare, seen = steps.prepare, []

    def ended(connection: psycopg.Connection, compiled: Compiled, change: Change) -> None:
        seen.append(compiled.machine.name)
        if compiled.machine.name == "m":
            raise KeyboardInterrupt
        prepare(connection, compiled, change)

    with monkeypatch.context() as patched:
        patched.setattr(steps, "prepare", ended)
        with pytest.raises(KeyboardInterrupt):
            deploy(connection, document(ADDED, 2))
    assert seen == ["m_kid", "m"]
    assert current(connection) == [("m", 1), ("m_kid", 1)]
    connection.execute("select create_instance('m', 'old')")
    done = deploy(connection, document(ADDED, 2))
    assert (done.machine, done.outcome, done.added) == ("m", "updated", ("more",))
    assert current(connection) == [("m", 2), ("m_kid", 2)]
    connection.execute("select create_instance('m', 'new')")
    rows = connection.execute("select version, more from pawl_m_kid.instance order by version")
    assert rows.fetchall() == [(1, None), (2, 1)]
    left = "select count(*) from pawl.machine where preparing is not null"
    assert connection.execute(left).fetchone() == (0,)


def test_a_family_gives_way_to_a_transaction_that_uses_one_of_its_tables(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOCK_WAIT", "10 ms")
    monkeypatch.setattr(steps, "PATIENCE", 0.0)
    with (
        psycopg.connect(database, autocommit=True) as deployer,
        psycopg.connect(database, autocommit=True) as reader,
    ):
        deploy(deployer, document(FAMILY.format(data="")))
        with reader.transaction():
            reader.execute("select from pawl_m_kid.instance")
            with pytest.raises(DeployRefused) as refused:
                deploy(deployer, document(ADDED, 2))
        assert (refused.value.code, refused.value.detail) == ("table_locked", {"machine": "m_kid"})
        assert current(deployer) == [("m", 1), ("m_kid", 1)]
        assert deploy(deployer, document(ADDED, 2)).outcome == "updated"


def test_a_further_version_may_invoke_what_the_first_did_not(
    connection: psycopg.Connection,
) -> None:
    deploy(connection, document('<datamodel><data id="n" expr="0"/></datamodel><state id="a"/>'))
    assert deploy(connection, document(ADDED, 2)).outcome == "updated"
    assert current(connection) == [("m", 2), ("m_kid", 2)]


ERRAND = """\
<datamodel><data id="n" expr="0"/>{data}</datamodel>
<state id="{busy}"><invoke id="kid"><content>
<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0">
<state id="open">
<onentry><send target="#_parent" event="begun"/></onentry>
<transition event="pay" target="shut"/></state>
<final id="shut"/>
</scxml></content></invoke>
<transition event="begun"><assign location="n" expr="n + 1"/></transition>
<transition event="money"><send target="#_kid" event="pay"/></transition>
<transition event="done.invoke.kid" target="over"/></state>
<state id="over"/>"""


def test_a_session_goes_on_when_its_parent_is_migrated(connection: psycopg.Connection) -> None:
    first = document(ERRAND.format(data="", busy="busy"))
    deploy(connection, first)
    connection.execute("select create_instance('m', 'i')")
    delivered(connection)
    companion = "migrate:\n  1:\n    states: { busy: waiting }\n    context: { more: old.n + 1 }\n"
    body = ERRAND.format(data='<data id="more" expr="0"/>', busy="waiting")
    second = document(body, 2, {"m.impl.yaml": companion}, {1: Earlier(first.machine, first.hash)})
    deploy(connection, second)
    moved = connection.execute("select after, reason from pawl.migrate_instances('m', 1, 2)")
    assert moved.fetchall() == [(["waiting"], None)]
    connection.execute("select send_event('m', 'i', '{\"type\": \"money\"}')")
    delivered(connection)
    rows = connection.execute("select version, state, n, more from pawl_m.instance").fetchall()
    assert rows == [(2, ["over"], 1, 2)]
    kids = connection.execute("select version, status from pawl_m_kid.instance").fetchall()
    assert kids == [(1, "done")]


def test_a_session_whose_state_is_gone_ends(connection: psycopg.Connection) -> None:
    first = document(ERRAND.format(data="", busy="busy"))
    deploy(connection, first)
    connection.execute("select create_instance('m', 'i')")
    companion = "migrate:\n  1:\n    states: { busy: over }\n"
    body = '<datamodel><data id="n" expr="0"/></datamodel><state id="over"/>'
    second = document(body, 2, {"m.impl.yaml": companion}, {1: Earlier(first.machine, first.hash)})
    deploy(connection, second)
    connection.execute("select pawl.migrate_instances('m', 1, 2)")
    delivered(connection)
    kids = connection.execute("select status from pawl_m_kid.instance").fetchall()
    assert kids == [("stopped",)]


def delivered(connection: psycopg.Connection) -> None:
    """Deliver messages until there are none."""
    while connection.execute("select pawl.deliver_messages()").fetchone() != (0,):
        pass
