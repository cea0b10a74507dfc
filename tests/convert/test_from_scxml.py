"""A document of SCXML, written in YAML, goes the same way in Postgres; or YAML cannot say it.

The documents are those that the cases of YAML become, and those of the outside suites where they
are. What is refused of those stands in `refused.txt`; `PAWL_REFUSED=rewrite` writes it anew.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pawlc.compile import compile_machine
from pawlc.diagnostics import Severity
from pawlc.model.alike import differences
from pawlc.parse import parse
from pawlc.write.convert import Converted, convert
from tests.conformance import scxml, suites
from tests.conformance.sessions import InPostgres
from tests.convert.test_scxml import CASES, IGNORED, seen_here, seen_there, written
from tests.semantics.database import Deployed
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.scenario import Case, perform

LISTED = Path(__file__).with_name("refused.txt")
REFUSED: dict[str, str] = {
    "named_guards/with_params": "YAML has no word for `_event.data`",
    "output/of_the_machine": "YAML cannot tell which event has the field `bonus` here",
    "send/later": "YAML has no address of a session",
    "send/messages": "YAML has no address of a session",
    "types/arrays_json_times": "YAML has no word for `_event.data`",
}
"""Cases that become SCXML, and what YAML has no words for on the way back."""
BACK = [case for case in CASES if case.name not in REFUSED]
ALL = suites.files(suites.DEFAULT) if suites.DEFAULT.is_dir() else ()
DOCUMENTS = tuple(file for file in ALL if scxml.is_document(file[1]))
needs_suites = pytest.mark.skipif(not DOCUMENTS, reason=suites.ABSENT)


def native(text: str, files: str | None = None) -> tuple[Converted | None, tuple[str, ...]]:
    """A document in YAML, or what is refused."""
    machine, _ = parse(text, "m.scxml", files)
    assert machine is not None
    made, found = convert(machine, "yaml")
    errors = (d for d in found if d.severity is Severity.ERROR)
    return made, tuple(dict.fromkeys(f"{d.code} {d.message}" for d in errors))


@pytest.mark.parametrize("case", BACK, ids=lambda case: case.name)
def test_a_case_goes_the_same_way_by_way_of_scxml(
    case: Case, shared_connection: psycopg.Connection[Any]
) -> None:
    text, _, _ = written(case)
    assert text is not None
    made, refused = native(text)
    assert made is not None, refused
    compiled = compile_machine(made.text, "m.machine.yaml")
    machine = compile_machine(case.definition.read_text("utf-8"), case.definition.name).machine
    source = Interpreted(machine, evaluate)
    with shared_connection.transaction(force_rollback=True):
        target = Deployed(shared_connection, compiled)
        for step in case.steps:
            before, after = perform(source, step.action), perform(target, step.action)
            if before.error is not None and before.error not in IGNORED:
                return
            place = f"{case.name}/scenario.yaml:{step.line}\n{made.text}"
            assert seen_there(after) == seen_here(machine, before), place


@pytest.mark.parametrize("case", [c for c in CASES if c.name in REFUSED], ids=lambda c: c.name)
def test_what_yaml_cannot_say_of_a_case_is_refused(case: Case) -> None:
    text, _, _ = written(case)
    assert text is not None
    made, refused = native(text)
    assert made is None
    assert REFUSED[case.name] in refused[0]


@cache
def accepted() -> tuple[scxml.Document, ...]:
    """The documents of the suites that compile."""
    found = (scxml.document(*file) for file in DOCUMENTS)
    return tuple(one for one in found if one.reason is None and one.name != scxml.REFUSED)


@needs_suites
def test_what_yaml_cannot_say_of_the_suites_is_listed() -> None:
    lines = []
    for one in accepted():
        made, refused = native(one.text, one.files)
        if made is None:
            lines.append(f"{one.suite}/{one.group}/{one.name}: {'; '.join(refused)}\n")
    if os.environ.get("PAWL_REFUSED") == "rewrite":
        LISTED.write_text("".join(lines), "utf-8")
    assert "".join(lines) == LISTED.read_text("utf-8")


@needs_suites
@pytest.mark.parametrize("part", range(8))
def test_a_document_of_the_suites_goes_the_same_way(
    part: int, shared_connection: psycopg.Connection[Any]
) -> None:
    for one in accepted()[part::8]:
        made, _ = native(one.text, one.files)
        if made is None:
            continue
        compiled = compile_machine(made.text, "m.machine.yaml")
        with shared_connection.transaction(force_rollback=True):
            why = scxml.judge(one, compiled, InPostgres, shared_connection)
        assert why is None, f"{one.suite}/{one.group}/{one.name}: {why}\n{one.text}\n{made.text}"


@pytest.mark.parametrize("case", BACK, ids=lambda case: case.name)
def test_a_document_is_the_same_machine_in_json(case: Case) -> None:
    text, _, _ = written(case)
    assert text is not None
    machine, _ = parse(text, "m.scxml")
    assert machine is not None
    made, found = convert(machine, "xstate")
    assert [d for d in found if d.severity is Severity.ERROR] == []
    assert made is not None
    yaml, _ = native(text)
    assert yaml is not None
    one = compile_machine(made.text, "m.json", impl=made.companion).machine
    other = compile_machine(yaml.text, "m.machine.yaml").machine
    assert differences(one, other, ()) == ()


def test_an_initial_transition_takes_back_an_event_in_yaml_too() -> None:
    made, refused = native(
        """<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="gate" initial="a">
  <state id="a">
    <onentry><send event="late" id="t" delay="5s"/></onentry>
    <transition event="late" target="b"/>
  </state>
  <state id="b">
    <initial><transition target="c"><cancel sendid="t"/></transition></initial>
    <state id="c"/>
  </state>
</scxml>"""
    )
    assert made is None
    assert refused == ("PW974 in YAML a second event `t` takes the place of the first",)


BRANCHES = """<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="till">
  <datamodel>
    <data id="n" expr="0"/><data id="kind" expr="'none'"/><data id="seen">[]</data>
  </datamodel>
  <state id="open">
    <transition event="add">
      <if cond="n &lt; 2">
        <assign location="kind" expr="'few'"/><assign location="n" expr="n + _event.data.by::int"/>
      <elseif cond="n &lt; 10"/>
        <assign location="seen" expr="seen || to_jsonb(n)"/><assign location="n" expr="n * 2"/>
      <else/>
        <assign location="seen" expr="'over'"/>
      </if>
      <if cond="n = 8"><assign location="kind" expr="'some'"/></if>
    </transition>
  </state>
</scxml>"""


def test_branches_that_only_assign_are_one_assignment(
    shared_connection: psycopg.Connection[Any],
) -> None:
    made, refused = native(BRANCHES)
    assert made is not None, refused
    with shared_connection.transaction(force_rollback=True):
        shown = added(Deployed(shared_connection, compile_machine(BRANCHES, "m.scxml")))
    with shared_connection.transaction(force_rollback=True):
        compiled = compile_machine(made.text, "m.machine.yaml")
        assert added(Deployed(shared_connection, compiled)) == shown
    assert shown[-1] == {"n": 16, "kind": "some", "seen": "over"}


def added(till: Deployed) -> list[dict[str, Any]]:
    """What a till holds after each of four events."""
    till.create({})
    return [dict(till.send({"type": "add", "by": 4}).context) for _ in range(4)]


def test_a_branch_that_reads_what_it_assigned_is_refused() -> None:
    text = BRANCHES.replace('expr="n + _event.data.by::int"', 'expr="n + length(kind)"')
    made, refused = native(text)
    assert made is None
    assert refused == ("PW973 YAML has no `if` among its actions",)
