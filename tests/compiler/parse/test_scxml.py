"""What of SCXML becomes what of the syntax, and where its diagnostics point."""

import json

from pawlc import syntax
from pawlc.parse.scxml import parse

HEAD = '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0">'


def read(body: str) -> syntax.Machine:
    """A machine that is read without a complaint."""
    found, diagnostics = parse(f"{HEAD}\n{body}\n</scxml>", "m.scxml")
    assert found is not None
    assert diagnostics == ()
    return found


def test_an_attribute_leads_back_to_its_place_behind_references_too() -> None:
    machine = read('<state id="a"><transition cond="1 &lt; 2 and oops"/></state>')
    guard = machine.root.states[0].always[0].guard
    assert guard is not None
    assert str(guard) == "1 < 2 and oops"
    assert str(guard.at(10)) == "m.scxml:2:46"  # type: ignore[union-attr]


def test_each_word_of_an_event_is_a_handler() -> None:
    machine = read('<state id="a"><transition event="x y.* *" target="a"/></state>')
    assert [h.descriptor.value for h in machine.root.states[0].on] == ["x", "y.*", "*"]


def test_a_state_without_an_id_gets_a_name_that_nothing_else_has() -> None:
    machine = read('<state><state id="state1"/></state>')
    (outer,) = machine.root.states
    assert outer.key.value == "state2"


def test_the_first_value_of_data_gives_its_type() -> None:
    machine = read(
        '<datamodel><data id="n" expr="1.5"/><data id="t" expr="\'x\'"/><data id="j">[1]</data>'
        '</datamodel><state id="a"/>'
    )
    assert [c.definition.value for c in machine.context] == ["numeric", "text", "jsonb"]


def test_elements_of_other_namespaces_are_left_alone() -> None:
    machine = read('<state id="a" xmlns:e="urn:e" e:x="1"><e:note/></state>')
    assert machine.root.states[0].key.value == "a"


def test_a_document_type_is_refused_before_its_entities_grow() -> None:
    bomb = '<!DOCTYPE scxml [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>' + HEAD + "</scxml>"
    found, (problem,) = parse(bomb, "m.scxml")
    assert found is None
    assert problem.code == "PW070"


def test_a_file_that_holds_data_is_no_companion() -> None:
    text = f'{HEAD}<datamodel><data id="kept" src="archive.impl.yaml"/></datamodel><state id="a"/>'
    archive = "what: the data of a document\n"
    files = {"archive.impl.yaml": archive, "lamp.impl.yaml": "migrate: { 1: {} }\n"}
    for companion, migrations in ((files, 1), ({"archive.impl.yaml": archive}, 0)):
        machine, found = parse(f"{text}</scxml>", "lamp.2.scxml", json.dumps(companion))
        assert machine is not None
        assert (found, len(machine.migrate)) == ((), migrations)
