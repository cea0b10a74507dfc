"""Sessions that invoke sessions, in both engines: the interpreter and Postgres show the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pawlc.compile import compile_machine
from tests.conformance.sessions import InPostgres, Interpreted

SCXML = 'xmlns="http://www.w3.org/2005/07/scxml" version="1.0"'
HEAD = f'<scxml {SCXML} name="m" initial="a">'

Run = Callable[..., tuple[list[tuple[str, ...]], dict[str, Any]]]


def child(body: str, initial: str = "x") -> str:
    """A document inside `<content>`."""
    return f'<content><scxml {SCXML} initial="{initial}">{body}</scxml></content>'


@pytest.fixture
def run(shared_connection: psycopg.Connection[Any]) -> Run:
    """The leaves at first and after each event or wait, and the data; the engines must agree."""

    def both(
        body: str, steps: list[str | int], files: dict[str, str] | None = None
    ) -> tuple[list[tuple[str, ...]], dict[str, Any]]:
        impl = json.dumps(files) if files else None
        compiled = compile_machine(f"{HEAD}{body}</scxml>", "m.scxml", impl=impl)
        with shared_connection.transaction(force_rollback=True):
            interpreted = Interpreted(compiled, shared_connection)
            seen = []
            for engine in (interpreted, InPostgres(shared_connection, compiled)):
                trace = [engine.start()]
                for step in steps:
                    sends = isinstance(step, str)
                    trace.append(engine.send({"type": step}) if sends else engine.advance(step))
                seen.append(trace)
            assert seen[0] == seen[1]
            row = shared_connection.execute("select to_jsonb(i.*) from pawl_m.instance i")
            data: dict[str, Any] = row.fetchone()[0]  # type: ignore[index]
            for name, value in interpreted.snapshot.context.items():
                assert str(data[name]).lower() == str(value).lower(), name
        return seen[1], data

    return both


def test_a_session_ends_and_its_data_come_with_the_done_event(run: Run) -> None:
    answer = '<final id="x"><donedata><param name="n" expr="7"/></donedata></final>'
    trace, data = run(
        f"""
        <datamodel><data id="n" expr="0"/><data id="from"/></datamodel>
        <state id="a"><invoke id="kid">{child(answer)}</invoke>
          <transition event="done.invoke.kid" target="b">
            <assign location="n" expr="_event.data.n::numeric"/>
            <assign location="from" expr="_event.invokeid"/>
          </transition></state>
        <state id="b"/>
        """,
        [],
    )
    assert trace == [("b",)]
    assert (data["n"], data["from"]) == (7, "kid")


def test_arguments_are_evaluated_when_the_macrostep_is_over(run: Run) -> None:
    asks = """
      <datamodel><data id="n" expr="0"/></datamodel>
      <state id="x"><transition cond="n = 2" target="y"/></state>
      <final id="y"/>
    """
    trace, data = run(
        f"""
        <datamodel><data id="n" expr="1"/><data id="named"/></datamodel>
        <state id="a"><onentry><raise event="more"/></onentry>
          <invoke namelist="n" idlocation="named">{child(asks)}</invoke>
          <transition event="more"><assign location="n" expr="2"/></transition>
          <transition event="done.invoke" target="b"/></state>
        <state id="b"/>
        """,
        [],
    )
    assert trace == [("b",)]
    assert data["named"] == "a.1"


def test_a_state_that_is_left_in_the_same_macrostep_invokes_nothing(run: Run) -> None:
    tells = '<state id="x"><onentry><send target="#_parent" event="hello"/></onentry></state>'
    trace, _ = run(
        f"""
        <state id="a"><invoke>{child(tells)}</invoke><transition target="b"/></state>
        <state id="b"><transition event="hello" target="c"/></state>
        <state id="c"/>
        """,
        [1000],
    )
    assert trace == [("b",), ("b",)]


def test_what_a_cancelled_session_still_has_to_say_is_not_heard(run: Run) -> None:
    tells = """
      <state id="x"><onentry><send target="#_parent" event="late" delay="2s"/></onentry>
        <onexit><send target="#_parent" event="late"/></onexit></state>
    """
    trace, _ = run(
        f"""
        <state id="a"><invoke>{child(tells)}</invoke><transition event="go" target="b"/></state>
        <state id="b"><transition event="late" target="c"/></state>
        <state id="c"/>
        """,
        ["go", 3000],
    )
    assert trace == [("a",), ("b",), ("b",)]


def test_events_go_to_and_fro_by_the_ids_of_sessions(run: Run) -> None:
    answers = """
      <state id="x"><onentry><send target="#_parent" event="ready"/></onentry>
        <transition event="ask" target="y">
          <send event="answer" targetexpr="_event.origin" typeexpr="_event.origintype"/>
        </transition></state>
      <state id="y"/>
    """
    trace, data = run(
        f"""
        <datamodel><data id="who"/></datamodel>
        <state id="a"><invoke id="kid">{child(answers)}</invoke>
          <state id="a1">
            <transition event="ready" target="a2"><send event="ask" target="#_kid"/></transition>
          </state>
          <state id="a2"><transition event="answer" target="b">
            <assign location="who" expr="_event.invokeid"/></transition></state>
        </state>
        <state id="b"/>
        """,
        [],
    )
    assert trace == [("b",)]
    assert data["who"] == "kid"


def test_every_external_event_is_passed_on_as_it_is(run: Run) -> None:
    tells = """
      <state id="x">
        <transition event="copy"/>
        <transition event="*"><send target="#_parent" event="copy">
          <param name="name" expr="_event.name"/><param name="n" expr="_event.data.n"/>
        </send></transition>
      </state>
    """
    _, data = run(
        f"""
        <datamodel><data id="seen" expr="''"/></datamodel>
        <state id="a">
          <onentry><send event="soon" delay="1s"><param name="n" expr="3"/></send></onentry>
          <invoke autoforward="true">{child(tells)}</invoke>
          <transition event="soon"><raise event="inner"/></transition>
          <transition event="copy">
            <assign location="seen"
              expr="concat(seen, _event.data -&gt;&gt; 'name', _event.data -&gt;&gt; 'n', ' ')"/>
          </transition>
        </state>
        """,
        ["go", 1000],
    )
    assert data["seen"].startswith("go soon3 ")
    assert "inner" not in data["seen"]


def test_finalize_comes_before_the_transition_and_only_for_its_own_session(run: Run) -> None:
    def tells(n: int) -> str:
        return child(
            f'<final id="x"><onentry><send target="#_parent" event="told{n}">'
            f'<param name="n" expr="{n}"/></send></onentry></final>'
        )

    _, data = run(
        f"""
        <datamodel><data id="n" expr="0"/><data id="other" expr="0"/></datamodel>
        <state id="a">
          <invoke namelist="n">{tells(5)}<finalize/></invoke>
          <invoke>{tells(6)}<finalize>
            <assign location="other" expr="coalesce(_event.data.n::numeric, other)"/>
          </finalize></invoke>
          <transition event="told5" cond="n = 5 and other = 0" target="b"/>
        </state>
        <state id="b"/>
        """,
        [],
    )
    assert (data["n"], data["other"]) == (5, 0)


@pytest.mark.parametrize(
    ("invoke", "event"),
    [
        ('<invoke type="voicexml" src="machine:m"/>', "error.execution"),
        ('<invoke src="gone.scxml"/>', "error.communication"),
        ("<invoke srcexpr=\"'machine:nobody'\"/>", "error.communication"),
        ('<invoke src="machine:m" namelist="nothing"/>', "error.execution"),
        ('<invoke src="machine:m" idlocation="nothing"/>', "error.execution"),
    ],
)
def test_what_cannot_be_invoked_is_an_error_event(run: Run, invoke: str, event: str) -> None:
    trace, _ = run(
        f"""
        <state id="a">{invoke}<transition event="{event}" target="b"/></state>
        <state id="b"/>
        """,
        [],
    )
    assert trace == [("b",)]


def test_a_session_that_is_not_there_is_an_error_of_communication(run: Run) -> None:
    trace, data = run(
        """
        <datamodel><data id="named"/></datamodel>
        <state id="a"><onentry><send id="s" event="x" target="#_kid"/></onentry>
          <transition event="error.communication" target="b">
            <assign location="named" expr="_event.sendid"/></transition></state>
        <state id="b"/>
        """,
        [],
    )
    assert trace == [("b",)]
    assert data["named"] == "s"


def test_a_document_can_be_the_value_of_data(run: Run) -> None:
    trace, _ = run(
        f"""
        <datamodel><data id="doc"><scxml {SCXML}><final id="x"/></scxml></data></datamodel>
        <state id="a"><invoke><content expr="doc"/></invoke>
          <transition event="done.invoke" target="b"/></state>
        <state id="b"><onentry><assign location="doc" expr="'other'"/></onentry>
          <invoke><content expr="doc"/></invoke>
          <transition event="error.communication" target="c"/></state>
        <state id="c"/>
        """,
        [],
    )
    assert trace == [("c",)]


def test_files_beside_the_definition_are_invoked_and_read(run: Run) -> None:
    files = {
        "kid.scxml": f'<scxml {SCXML}><final id="x"/></scxml>',
        "list.json": "[1, 2]",
        "text.txt": " two\n words ",
        "script.txt": "y := 2;",
    }
    trace, data = run(
        """
        <datamodel><data id="list" src="list.json"/><data id="text" src="file:text.txt"/>
          <data id="gone" src="gone.txt"/></datamodel>
        <script src="script.txt"/>
        <state id="a"><transition event="error.execution" target="b"/></state>
        <state id="b"><invoke src="kid.scxml"/><invoke id="two" src="kid.scxml"/>
          <transition event="done.invoke.two" target="c"/></state>
        <state id="c"/>
        """,
        [],
        files,
    )
    assert trace == [("c",)]
    assert (data["list"], data["text"], data["y"]) == ([1, 2], "two words", 2)
    assert data["gone"] is None


def test_delayed_events_of_one_id_are_all_pending_and_cancelled_together(run: Run) -> None:
    trace, data = run(
        """
        <datamodel><data id="n" expr="0"/></datamodel>
        <state id="a">
          <onentry><send event="tick" id="t" delay="1s"/><send event="tick" id="t" delay="2s"/>
            <send event="tick" id="t 1.1" delay="9s"/></onentry>
          <transition event="tick"><assign location="n" expr="n + 1"/></transition>
          <transition event="again"><send event="tick" id="t" delay="1s"/>
            <send event="tick" id="t" delay="1s"/><cancel sendid="t"/></transition>
        </state>
        """,
        [3000, "again", 3000, 9000],
    )
    assert trace == [("a",)] * 5
    assert data["n"] == 3


def test_a_name_that_is_sent_twice_has_both_values(run: Run) -> None:
    _, data = run(
        """
        <datamodel><data id="got"/></datamodel>
        <state id="a">
          <onentry><send event="e"><param name="n" expr="2"/><param name="n" expr="3"/></send>
          </onentry>
          <transition event="e"><assign location="got" expr="_event.data.n"/></transition>
        </state>
        """,
        [],
    )
    assert data["got"] == [2, 3]


def test_every_element_does_in_both_engines_what_it_says(
    shared_connection: psycopg.Connection[Any],
) -> None:
    file = Path(__file__).parent / "everything.scxml"
    compiled = compile_machine(file.read_text(encoding="utf-8"), file.name)
    with shared_connection.transaction(force_rollback=True):
        interpreted = Interpreted(compiled, shared_connection)
        deployed = InPostgres(shared_connection, compiled)
        for engine in (interpreted, deployed):
            assert engine.start() == ("waiting.first",)
            assert engine.advance(1000) == ("waiting.second",)
            assert engine.send({"type": "go"}) == ("working.left.left_done", "working.right")
            assert engine.send({"type": "back"}) == ("waiting.second",)
            assert engine.send({"type": "go"}) == ("working.left.left_done", "working.right")
            assert engine.send({"type": "stop"}) == ("over",)
        row = shared_connection.execute("select output from pawl_everything.instance").fetchone()
    assert row == ({"sum": 26},)
    assert interpreted.snapshot.output == {"sum": 26}


def test_a_cancelled_session_leaves_its_states(run: Run) -> None:
    kid = """
      <state id="x">
        <invoke id="grandkid"><content>
          <scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0">
            <state id="y"><onexit>
              <send event="gone" targetexpr="'#_scxml_m_other/i/other/1'"/></onexit></state>
          </scxml></content></invoke>
        <state id="z"><onexit>
          <send event="left" targetexpr="'#_scxml_m_other/i/other/1'"/></onexit></state>
      </state>
    """
    other = """
      <datamodel><data id="seen" expr="''"/></datamodel>
      <state id="x">
        <transition event="tell"><send target="#_parent" event="seen">
          <param name="seen" expr="seen"/></send></transition>
        <transition event="*"><assign location="seen" expr="concat(seen, _event.name, ' ')"/>
        </transition>
      </state>
    """
    trace, data = run(
        f"""
        <datamodel><data id="seen"/></datamodel>
        <parallel id="a">
          <state id="left" initial="b">
            <state id="b"><invoke id="kid">{child(kid)}</invoke>
              <transition event="go" target="c"/></state>
            <state id="c"/>
          </state>
          <state id="right"><invoke id="other">{child(other)}</invoke>
            <transition event="ask"><send event="tell" target="#_other"/></transition>
            <transition event="seen"><assign location="seen" expr="_event.data.seen"/></transition>
          </state>
        </parallel>
        """,
        ["go", "ask"],
    )
    assert trace[-1] == ("a.left.c", "a.right")
    assert data["seen"] == "left gone "


def test_a_computed_address_can_be_a_file_beside_the_definition(run: Run) -> None:
    trace, _ = run(
        """
        <datamodel><data id="place" expr="'nowhere'"/></datamodel>
        <state id="a"><onentry><assign location="place" expr="'file:kid.scxml'"/></onentry>
          <invoke srcexpr="place"/><transition event="done.invoke" target="b"/></state>
        <state id="b"/>
        """,
        [],
        {"kid.scxml": f'<scxml {SCXML}><final id="x"/></scxml>'},
    )
    assert trace == [("b",)]


def test_the_done_event_is_the_last_that_comes(run: Run) -> None:
    answers = """
      <final id="x"><onentry><send target="#_parent" event="first"/></onentry>
        <onexit><send target="#_parent" event="second"/></onexit></final>
    """
    _, data = run(
        f"""
        <datamodel><data id="seen" expr="''"/></datamodel>
        <state id="a"><invoke id="kid">{child(answers)}</invoke>
          <transition event="*"><assign location="seen" expr="concat(seen, _event.name, ' ')"/>
          </transition></state>
        """,
        [],
    )
    assert data["seen"] == "first second done.invoke.kid "


def test_a_document_that_is_assigned_is_invoked_as_it_is_then(run: Run) -> None:
    trace, _ = run(
        f"""
        <datamodel><data id="doc" expr="1"/></datamodel>
        <state id="a"><onentry><assign location="doc">
            <scxml {SCXML}><final id="x"/></scxml></assign></onentry>
          <invoke><content expr="doc"/></invoke>
          <transition event="done.invoke" target="b"/></state>
        <state id="b"/>
        """,
        [],
    )
    assert trace == [("b",)]


def test_what_the_invoked_document_does_not_declare_is_not_given_to_it(run: Run) -> None:
    asks = """
      <state id="x"><transition cond="n is not null" target="bad"/>
        <transition target="good"/></state>
      <final id="good"><donedata><content expr="'good'"/></donedata></final>
      <final id="bad"><donedata><content expr="'bad'"/></donedata></final>
    """
    _, data = run(
        f"""
        <datamodel><data id="n" expr="1"/><data id="said"/></datamodel>
        <state id="a"><invoke namelist="n">{child(asks)}</invoke>
          <transition event="done.invoke" target="b">
            <assign location="said" expr="_event.data"/></transition></state>
        <state id="b"/>
        """,
        [],
    )
    assert data["said"] == "good"
