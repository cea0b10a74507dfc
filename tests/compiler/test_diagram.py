"""Diagrams: every state and transition of the chart is in the picture, at its place."""

from pathlib import Path

from pawlc import diagram
from pawlc.model.machine import Machine
from pawlc.model.resolve import resolve
from pawlc.parse.yaml import parse

ORDER = Path(__file__).parents[2] / "examples" / "food_delivery" / "order.machine.yaml"

KITCHEN = """\
machine: kitchen
version: 2
context: { n: int not null default 0 }
events: { go: {}, back: {}, x: {} }
initial: working
states:
  working:
    type: parallel
    states:
      cook:
        initial: cold
        states:
          cold: { on: { go: { target: hot, guard: context.n > 3 } } }
          hot: { on: { go: done } }
          done: { type: final }
      end:
        initial: a
        states:
          a: { on: { x: b } }
          b: { on: { back: '#kitchen.idle' } }
          h: { type: history, history: deep }
    onDone: idle
  idle:
    on: { go: working, x: working.end.h }
on: { x: .idle }
"""


def machine(text: str) -> Machine:
    syntax, found = parse(text, "m.machine.yaml")
    assert syntax is not None
    resolved, complaints = resolve(syntax)
    assert not (*found, *complaints)
    return resolved


def test_mermaid_of_the_order_shows_events_timers_and_effects_by_the_names_in_the_chart() -> None:
    lines = diagram.mermaid(machine(ORDER.read_text())).splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert "  [*] --> offered" in lines
    assert "  offered : invoke offer_to_restaurant" in lines
    assert "  courier_offered : entry / offer_to_courier" in lines
    assert "  offered --> rejected : after 5 minutes" in lines
    assert "  preparing --> dispatching : after prep_time" in lines
    assert "  dispatching --> courier_offered : find_courier done" in lines
    assert "  dispatching --> rejected : find_courier failed" in lines
    assert "  delivered --> [*]" in lines


def test_mermaid_nests_states_and_declares_an_arrow_where_both_its_ends_are() -> None:
    assert diagram.mermaid(machine(KITCHEN)) == (
        "stateDiagram-v2\n"
        "  [*] --> working\n"
        '  state "working" as working {\n'
        '    state "cook" as working_cook {\n'
        "      [*] --> working_cook_cold\n"
        "      working_cook_cold : cold\n"
        "      working_cook_hot : hot\n"
        "      working_cook_done : done\n"
        "      working_cook_cold --> working_cook_hot : go [context.n #gt; 3]\n"
        "      working_cook_hot --> working_cook_done : go\n"
        "      working_cook_done --> [*]\n"
        "    }\n"
        "    --\n"
        '    state "end" as working_end {\n'
        "      [*] --> working_end_a\n"
        "      working_end_a : a\n"
        "      working_end_b : b\n"
        "      working_end_h : H*\n"
        "      working_end_a --> working_end_b : x\n"
        "    }\n"
        "  }\n"
        "  idle : idle\n"
        "  working_end_b --> idle : back\n"
        "  working --> idle : done\n"
        "  idle --> working : go\n"
        "  idle --> working_end_h : x\n"
        "  working --> idle : x (from any state)\n"
    )


def test_mermaid_gives_words_of_its_own_and_clashing_paths_other_names() -> None:
    text = diagram.mermaid(
        machine(
            "machine: m\nversion: 1\nevents: { go: {} }\ninitial: end\nstates:\n"
            "  end: { on: { go: a_b } }\n  a_b: { on: { go: a } }\n"
            "  a: { initial: b, states: { b: {} } }\n"
        )
    )
    assert "  [*] --> end_1\n  end_1 : end\n" in text
    assert "  end_1 --> a_b : go\n  a_b --> a : go\n" in text
    assert "    [*] --> a_b_4\n    a_b_4 : b\n" in text


def test_dot_cuts_an_edge_at_the_border_of_the_composite_state_it_belongs_to() -> None:
    lines = [line.strip() for line in diagram.dot(machine(KITCHEN)).splitlines()]
    assert lines[0] == 'digraph "kitchen" {'
    assert 'label="kitchen v2"; style="rounded"' in lines
    assert 's10 -> a1 [label="go", lhead=cluster_1]' in lines
    assert 'a1 -> s10 [label="done", ltail=cluster_1]' in lines
    assert 's8 -> s10 [label="back"]' in lines
    assert 's9 [label="H*", shape=circle, style=""]' in lines
    assert 's5 [label="done", peripheries=2]' in lines


def test_a_diagram_has_an_arrow_for_every_target_of_every_transition() -> None:
    for text in (ORDER.read_text(), KITCHEN):
        found = machine(text)
        targets = sum(max(1, len(t.targets)) for t in found.transitions())
        assert len(diagram.arrows(found)) == targets
        labelled = [line for line in diagram.dot(found).splitlines() if "-> " in line]
        assert sum("label=" in line for line in labelled) == targets
