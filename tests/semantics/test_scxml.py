"""Documents of SCXML in both engines: the interpreter and Postgres show the same, step by step."""

from typing import Any

import psycopg
import pytest

from pawlc.compile import compile_machine
from tests.conformance.sessions import InPostgres, Interpreted

HEAD = '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="m" initial="a">'

Steps = list[str | int]


def both(
    connection: psycopg.Connection[Any], body: str, steps: Steps
) -> tuple[list[tuple[str, ...]], dict[str, Any]]:
    """The leaves at first and after each event or wait, and the context; the engines must agree."""
    compiled = compile_machine(f"{HEAD}{body}</scxml>", "m.scxml")
    with connection.transaction(force_rollback=True):
        interpreted = Interpreted(compiled, connection)
        deployed = InPostgres(connection, compiled)
        seen = []
        for engine in (interpreted, deployed):
            trace = [engine.start()]
            for step in steps:
                taken = engine.send({"type": step}) if isinstance(step, str) else None
                trace.append(taken if taken is not None else engine.advance(int(step)))
            seen.append(trace)
        assert seen[0] == seen[1]
        row = connection.execute("select to_jsonb(i.*) from pawl_m.instance i").fetchone()
        assert row is not None
        for name, value in interpreted.snapshot.context.items():
            shown = row[0][name]
            assert str(shown).lower() == str(value).lower(), name
    return seen[1], row[0]


@pytest.fixture
def run(shared_connection: psycopg.Connection[Any]) -> Any:
    return lambda body, steps: both(shared_connection, body, steps)


def test_an_error_ends_its_block_and_is_an_event_that_comes_in_its_turn(run: Any) -> None:
    trace, context = run(
        """
        <datamodel><data id="x" expr="0"/></datamodel>
        <state id="a">
          <onentry><raise event="first"/><assign location="x" expr="1"/>
            <assign location="x" expr="1 / 0"/><assign location="x" expr="2"/></onentry>
          <transition event="first" target="b"/>
        </state>
        <state id="b"><transition event="error.execution" target="c"/></state>
        <state id="c"/>
        """,
        [],
    )
    assert trace == [("c",)]
    assert context["x"] == 1


def test_a_condition_that_is_no_sql_is_false_and_an_error(run: Any) -> None:
    trace, _ = run(
        """
        <state id="a"><transition cond="1 +" target="c"/><transition target="b"/></state>
        <state id="b"><transition event="error" target="d"/></state>
        <state id="c"/><state id="d"/>
        """,
        [],
    )
    assert trace == [("d",)]


def test_the_external_queue_waits_for_the_internal_one(run: Any) -> None:
    trace, context = run(
        """
        <datamodel><data id="seen" expr="''"/></datamodel>
        <state id="a">
          <onentry><send event="out"/><send event="in" target="#_internal"/></onentry>
          <transition event="*"><assign location="seen" expr="seen || _event.name"/></transition>
        </state>
        """,
        [],
    )
    assert trace == [("a",)]
    assert context["seen"] == "inout"


def test_a_delayed_event_comes_at_its_time_and_can_be_cancelled(run: Any) -> None:
    trace, _ = run(
        """
        <state id="a">
          <onentry><send event="one" id="x" delay="1s"/><send event="two" delay="2s"/></onentry>
          <transition event="stop"><cancel sendid="x"/></transition>
          <transition event="one" target="b"/><transition event="two" target="c"/>
        </state>
        <state id="b"/><state id="c"/>
        """,
        ["stop", 1500, 500],
    )
    assert trace == [("a",), ("a",), ("a",), ("c",)]


def test_a_document_may_cancel_what_it_never_sends(run: Any) -> None:
    trace, _ = run(
        """
        <state id="a"><transition event="stop" target="b"><cancel sendid="x"/></transition></state>
        <state id="b"/>
        """,
        ["stop"],
    )
    assert trace == [("a",), ("b",)]


def test_foreach_runs_over_the_array_as_it_was(run: Any) -> None:
    _, context = run(
        """
        <datamodel><data id="list">[1, 2, 3]</data><data id="sum" expr="0"/></datamodel>
        <state id="a"><onentry>
          <foreach array="list" item="it" index="at">
            <assign location="list" expr="list || it"/>
            <if cond="at = to_jsonb(1)"><assign location="sum" expr="sum + 10"/>
              <else/><assign location="sum" expr="sum + it::numeric"/></if>
          </foreach>
        </onentry></state>
        """,
        [],
    )
    assert context["sum"] == 14
    assert context["list"] == [1, 2, 3, 1, 2, 3]


def test_a_history_without_memory_runs_its_default_content(run: Any) -> None:
    trace, context = run(
        """
        <datamodel><data id="n" expr="0"/></datamodel>
        <state id="a"><transition event="go" target="h"/></state>
        <state id="p" initial="p1">
          <history id="h"><transition target="p2">
            <assign location="n" expr="n + 1"/></transition></history>
          <state id="p1"/><state id="p2"/>
          <transition event="back" target="a"/>
        </state>
        """,
        ["go", "back", "go"],
    )
    assert trace == [("a",), ("p.p2",), ("a",), ("p.p2",)]
    assert context["n"] == 1


def test_late_binding_gives_data_a_value_when_its_state_is_entered(run: Any) -> None:
    _, context = run(
        """ <state id="a"><transition event="go" target="b"/></state>
        <state id="b"><datamodel><data id="x" expr="5"/></datamodel></state>
        """,
        ["go"],
    )
    assert context["x"] == 5


def test_an_endless_circle_of_errors_is_cut(shared_connection: psycopg.Connection[Any]) -> None:
    document = f'{HEAD}<state id="a"><transition cond="1 / 0 = 1" target="a"/></state></scxml>'
    compiled = compile_machine(document, "m.scxml")
    with shared_connection.transaction(force_rollback=True):
        deployed = InPostgres(shared_connection, compiled)
        assert deployed.database.create({}).error == "endless_loop"
