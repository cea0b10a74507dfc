"""What of XState's JSON becomes what of the syntax."""

import json
from typing import Any

import pytest

from pawlc import syntax
from pawlc.compile import check
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.model.resolve import resolve
from pawlc.parse.xstate import missing, parse, read_machine
from pawlc.source import Text

SOME: dict[str, Any] = {"a": {}, "b": {}}


def written(config: Any, impl: str | None = None) -> tuple[syntax.Machine, list[Diagnostic]]:
    text = config if isinstance(config, str) else json.dumps(config, indent=2, ensure_ascii=True)
    found, diagnostics = read_machine(text, "m.json", impl)
    assert found is not None
    return found, list(diagnostics)


def read(config: Any, impl: str | None = None) -> syntax.Machine:
    """A machine that is read without a complaint."""
    found, diagnostics = written(config, impl)
    assert diagnostics == []
    return found


def state(config: Any, **root: Any) -> syntax.State:
    """A state of this config, in a machine with two more."""
    return read({"initial": "s", "states": {"s": config, **SOME}, **root}).root.states[0]


def codes(config: Any, impl: str | None = None) -> list[str]:
    return [diagnostic.code for diagnostic in written(config, impl)[1]]


def of_state(config: Any) -> Any:
    return {"initial": "s", "states": {"s": config, **SOME}}


def values(texts: Any) -> list[str]:
    return [text.value for text in texts]


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "impl", "name", "id"),
    [
        ({"id": "order", "states": SOME}, None, "order", None),
        ({"id": "Order (v2)", "states": SOME}, None, "Order_v2", "Order (v2)"),
        ({"states": SOME}, None, "m", "(machine)"),
        ({"key": "order", "states": SOME}, None, "order", None),
        ({"id": "order", "states": SOME}, "machine: sale", "sale", "order"),
    ],
)
def test_a_machine_gets_a_name_for_sql_and_keeps_its_id(
    config: Any, impl: str | None, name: str, id: str | None
) -> None:
    machine = read({"initial": "a", **config}, impl)
    assert machine.name.value == name
    assert (machine.root.id.value if machine.root.id else None) == id


@pytest.mark.parametrize("key", ["config", "machine", "definition"])
def test_a_config_may_be_wrapped_in_an_object_of_a_tool(key: str) -> None:
    found = read({"tool": 1, key: {"id": "order", "initial": "a", "states": SOME}})
    assert found.name.value == "order"
    assert [state.key.value for state in found.root.states] == ["a", "b"]


def test_an_import_is_not_strict_unless_the_companion_says_so() -> None:
    assert not read(of_state({})).strict
    assert read(of_state({}), "strict: true").strict


def test_names_of_its_own_events_are_translated() -> None:
    found = state(
        {
            "on": {
                "xstate.done.actor.x": "a",
                "xstate.error.actor.x": "a",
                "xstate.done.state.(machine).s": "a",
                "xstate.after.10.(machine).s": "a",
                "xstate.error.*": "b",
                "mine": "b",
            }
        }
    )
    assert values(handler.descriptor for handler in found.on) == [
        "done.invoke.x",
        "error.invoke.x",
        "done.state.s",
        "after.10.s",
        "error.*",
        "mine",
    ]


def test_an_invoke_has_xstates_own_id() -> None:
    found = state({"invoke": [{"src": "x"}, {"src": "y", "id": "z"}]}, id="m")
    assert values(invoke.id for invoke in found.invoke) == ["0.m.s", "z"]


def test_the_companion_says_which_actors_are_machines() -> None:
    config = of_state({"invoke": [{"src": "rider", "id": "r"}, {"src": "print"}]})
    machine = read(config, "machines: { rider: courier }")
    child, effect = machine.root.states[0].invoke
    assert (child.src, child.machine and child.machine.value) == (None, "courier")
    assert (effect.src and effect.src.value, effect.machine) == ("print", None)


def test_events_are_sent_to_children_and_to_the_parent() -> None:
    found = state(
        {
            "entry": [
                {"type": "xstate.sendTo", "params": {"to": "r", "event": {"type": "GO", "n": 1}}},
                {"type": "xstate.sendParent", "event": "HERE", "delay": 1000, "id": "late"},
            ]
        }
    )
    to_child, to_parent = found.entry
    assert isinstance(to_child, syntax.Send)
    assert isinstance(to_parent, syntax.Send)
    assert to_child.to.invoke is not None
    assert (to_child.to.invoke.value, to_child.event.value) == ("r", "GO")
    assert values(pair.value for pair in to_child.data) == ["1"]
    assert to_parent.to == syntax.Receiver()
    assert to_parent.delay is not None
    assert to_parent.id is not None
    assert (to_parent.event.value, to_parent.delay.value, to_parent.id.value) == (
        "HERE",
        "1000",
        "late",
    )


def test_a_machine_may_say_how_long_a_macrostep_is() -> None:
    assert read(of_state({})).microsteps == 1000
    assert read({**of_state({}), "options": {"maxIterations": 10}}).microsteps == 10


def test_a_route_is_a_transition_of_the_root() -> None:
    inner = {"x": {"id": "here", "route": {"guard": "open", "reenter": True}}, "y": {"route": {}}}
    machine = read(of_state({"initial": "x", "states": inner}), "guards: { open: 'true' }")
    (handler,) = machine.root.on
    assert handler.descriptor.value == "xstate.route"
    (route,) = handler.transitions
    assert route.reenter
    assert route.targets is not None
    assert values(route.targets) == ["#here"]
    assert isinstance(route.guard, syntax.Combined)
    asked, own = route.guard.guards
    assert isinstance(asked, Text)
    assert asked.value == "event.data->>'to' = '#here'"
    assert isinstance(own, syntax.NamedRef)


# --- transitions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "targets"),
    [
        ("a", [["a"]]),
        ({"target": ["a", "#x.b"]}, [["a", "#x.b"]]),
        ([{"target": "a"}, "b"], [["a"], ["b"]]),
        ({}, [None]),
        ({"target": None}, [None]),
        ({"target": []}, [None]),
        ("", [None]),
        ([], []),
        ([{"target": "a", "order": 2}, {"target": "b", "order": 1}], [["b"], ["a"]]),
    ],
)
def test_a_transition_in_all_its_shapes(config: Any, targets: list[list[str] | None]) -> None:
    (handler,) = state({"on": {"E": config}}).on
    found = [t.targets and values(t.targets) for t in handler.transitions]
    assert found == targets


def test_reenter_descriptions_and_delays() -> None:
    after = {"1000": {"target": "a", "reenter": True, "description": "late"}, "soon": "b"}
    found = state({"after": after})
    assert values(one.delay for one in found.after) == ["1000", "soon"]
    (late,) = found.after[0].transitions
    assert late.reenter
    assert late.description is not None
    assert late.description.value == "late"


def test_an_initial_transition_has_actions() -> None:
    inner = {"initial": {"target": "x", "actions": "act"}, "states": {"x": {}}}
    found = state(inner)
    assert found.initial is not None
    assert values(found.initial.targets) == ["x"]
    assert len(found.initial.actions) == 1


def test_history_may_be_true() -> None:
    inner = {"initial": "x", "states": {"x": {}, "h": {"type": "history", "history": True}}}
    history = state(inner).states[1].history
    assert history is not None
    assert history.value == "shallow"


def test_a_state_with_history_and_no_states_is_a_history_state() -> None:
    inner = {"initial": "x", "states": {"x": {}, "h": {"history": "deep"}}}
    found = state({**inner, "history": "deep"})
    assert found.type is None
    assert found.states[1].type is not None
    assert found.states[1].type.value == "history"


def test_a_tag_may_be_written_twice() -> None:
    assert values(state({"tags": ["busy", "new", "busy"]}).tags) == ["busy", "new"]


def test_a_handler_of_a_timers_event_comes_before_the_timers_own_transition() -> None:
    by_name = {"xstate.after.1000.m.s": {"target": "b"}}
    config = of_state({"after": {"1000": {"target": "a"}}, "on": by_name})
    machine, _ = resolve(read({**config, "id": "m"}))
    assert machine is not None
    s = machine.states[1]
    assert [machine.states[t].path for arc in s.transitions for t in arc.targets] == ["b", "a"]


@pytest.mark.parametrize(
    ("root", "code"),
    [
        ({"type": "parallel", "initial": "a", "states": SOME}, "PW207"),
        (of_state({"target": "a"}), "PW114"),
        (of_state({"type": "history", "on": {"E": "a"}}), "PW208"),
    ],
)
def test_what_xstate_passes_over_is_a_warning(root: Any, code: str) -> None:
    found = check(json.dumps(root), "m.json")[1]
    assert [(d.code, d.severity) for d in found if d.code == code] == [(code, Severity.WARNING)]


def test_events_may_be_named_like_errors_but_not_like_the_machines_own() -> None:
    def raising(event: str) -> list[str]:
        raised = {"type": "xstate.raise", "params": {"event": {"type": event}}}
        on = {"E": {"actions": raised}, event: "a"}
        return [d.code for d in check(json.dumps(of_state({"on": on})), "m.json")[1]]

    assert "PW221" not in raising("error.network")
    assert "PW221" in raising("error.invoke.x")


# --- guards -----------------------------------------------------------------------------------


def guard(config: Any, **root: Any) -> syntax.Guard | None:
    return state({"on": {"E": {"target": "a", "guard": config}}}, **root).on[0].transitions[0].guard


def test_a_guard_is_a_name_with_params() -> None:
    found = guard({"type": "is ok?", "params": {"n": 1.50, "text": "it's", "all": [1]}})
    assert isinstance(found, syntax.NamedRef)
    assert found.name.value == "is ok?"
    assert [(p.name.value, p.value.value) for p in found.params] == [
        ("n", "1.5"),
        ("text", "'it''s'"),
        ("all", "'[1]'::jsonb"),
    ]


def test_a_parameter_that_nobody_asks_for_is_a_warning() -> None:
    config = of_state(
        {
            "entry": {"type": "greet", "params": {"name": "x", "loud": True}},
            "on": {"E": {"target": "a", "guard": {"type": "ready", "params": {"n": 1}}}},
        }
    )
    impl = "guards: { ready: 'true' }\nactions: { greet: { params: [name], actions: [] } }"
    found, complaints = written(config, impl)
    assert [(d.code, d.severity) for d in complaints] == [("PW313", Severity.WARNING)] * 2
    (greet,) = found.root.states[0].entry
    assert isinstance(greet, syntax.NamedRef)
    assert [p.name.value for p in greet.params] == ["name"]


def test_combinators_nest() -> None:
    inner = {"type": "not", "guards": ["x"]}
    found = guard({"type": "xstate.and", "guards": [inner, {"type": "or", "guards": ["y", "z"]}]})
    assert isinstance(found, syntax.Combined)
    assert found.operator == "and"
    assert [part.operator for part in found.guards if isinstance(part, syntax.Combined)] == [
        "not",
        "or",
    ]


def test_a_guard_of_the_companion_may_be_called_and() -> None:
    config = of_state({"on": {"E": {"target": "a", "guard": {"type": "and"}}}})
    found = read(config, "guards: { and: 'true' }").root.states[0].on[0].transitions[0].guard
    assert isinstance(found, syntax.NamedRef)


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        ("s.x", "in_state('s.x')"),
        ("#m.s", "in_state('s')"),
        ({"s": {"p": "x", "q": {}}}, "in_state('s.p.x') and in_state('s.q')"),
    ],
)
def test_state_in_becomes_in_state(value: Any, sql: str) -> None:
    found = guard({"type": "stateIn", "stateValue": value}, id="m")
    assert isinstance(found, Text)
    assert found.value == sql


def test_an_expression_is_sql_at_its_place() -> None:
    found = guard("{{ event.data->>'n' = '1' }}", queryLanguage="sql")
    assert isinstance(found, Text)
    assert found.value == "event.data->>'n' = '1'"
    assert found.at(0).start.column == found.span.start.column


def test_combined_guards_ask_is_true() -> None:
    config = {"type": "or", "guards": ["x", {"type": "not", "guards": ["y"]}]}
    machine = read(
        of_state({"on": {"E": {"target": "a", "guard": config}}}),
        "guards: { x: 'null', y: event.data->>'y' = '1' }",
    )
    resolved, problems = resolve(machine)
    assert problems == ()
    found = resolved.states[1].transitions[0].guard
    assert found is not None
    text = "".join(part if isinstance(part, str) else f"<{part.name}>" for part in found.parts)
    assert text == "(null) is true or ((<data>->>'y' = '1') is not true) is true"


# --- actions ----------------------------------------------------------------------------------


def entry(config: Any, **root: Any) -> list[syntax.Action]:
    return list(state({"entry": config}, **root).entry)


def test_built_ins_in_both_spellings() -> None:
    raised = {"event": {"type": "E", "n": 1}, "delay": 10, "id": "later"}
    for shape in ({"params": raised}, raised):
        (action,) = entry({"type": "xstate.raise", **shape})
        assert isinstance(action, syntax.Raise)
        assert action.event.value == "E"
        assert [(p.name.value, p.value.value) for p in action.data] == [("n", "1")]
        assert (action.delay and action.delay.value, action.id and action.id.value) == (
            "10",
            "later",
        )


def test_assign_log_and_cancel() -> None:
    assign, log, cancel = entry(
        [
            {"type": "core.assign", "assignments": {"n": "{{ context.n + 1 }}", "j": "text"}},
            {"type": "xstate.log", "params": {"message": "hello"}},
            {"type": "xstate.cancel", "params": {"sendId": "later"}},
        ],
        context={"n": 0, "j": {}},
        queryLanguage="sql",
    )
    assert isinstance(assign, syntax.Assign)
    assert [p.value.value for p in assign.fields] == ["context.n + 1", "'\"text\"'::jsonb"]
    assert isinstance(log, syntax.Log)
    assert log.value.value == "'hello'"
    assert isinstance(cancel, syntax.Cancel)
    assert cancel.id.value == "later"


def test_a_transition_may_assign() -> None:
    config = {"target": "a", "actions": "first", "context": {"n": 5}}
    (transition,) = state({"on": {"E": config}}, context={"n": 0}).on[0].transitions
    assert [type(action) for action in transition.actions] == [syntax.NamedRef, syntax.Assign]


@pytest.mark.parametrize("name", ["emit", "spawnChild", "stopChild", "enqueueActions", "forwardTo"])
def test_other_built_ins_are_refused_by_name(name: str) -> None:
    assert codes(of_state({"entry": {"type": f"xstate.{name}"}})) == ["PW907"]


# --- context and the companion ----------------------------------------------------------------


def test_types_are_inferred_from_first_values() -> None:
    context = {"n": 1, "f": 0.5, "t": "it's", "b": False, "o": {"x": None}, "nothing": None}
    found = read({**of_state({}), "context": context})
    assert [(c.name.value, c.definition.value) for c in found.context] == [
        ("n", "numeric default 1"),
        ("f", "numeric default 0.5"),
        ("t", "text default 'it''s'"),
        ("b", "boolean default false"),
        ("o", "jsonb default '{\"x\": null}'::jsonb"),
        ("nothing", "jsonb default null"),
    ]


def test_a_field_that_is_assigned_another_kind_of_value_is_json() -> None:
    again = {"type": "xstate.assign", "params": {"assignments": {"n": "many", "s": "x", "b": None}}}
    config = {**of_state({"entry": again}), "context": {"n": 1, "s": "", "b": True}}
    machine = read(config)
    assert [column.definition.value for column in machine.context] == [
        "jsonb default '1'::jsonb",
        "text default ''",
        "boolean default true",
    ]
    (assign,) = machine.root.states[0].entry
    assert isinstance(assign, syntax.Assign)
    assert values(pair.value for pair in assign.fields)[0] == "'\"many\"'::jsonb"


def test_the_companion_gives_types_and_fields() -> None:
    impl = "context: { n: int not null, t: text default 'x', more: date }"
    found = read({**of_state({}), "context": {"n": 1, "t": "y"}}, impl)
    assert [(c.name.value, c.definition.value) for c in found.context] == [
        ("n", "int not null default 1"),
        ("t", "text default 'x'"),
        ("more", "date"),
    ]


def test_all_that_is_missing_is_one_diagnostic() -> None:
    config = of_state(
        {
            "entry": ["x", {"type": "xstate.raise", "event": "E", "delay": "later"}],
            "invoke": {"src": "load"},
            "on": {"E": {"guard": {"type": "not", "guards": ["y"]}, "target": "a"}},
            "after": {"soon": "a", "PT5M": "b", "10": "b"},
        }
    )
    found, diagnostics = parse(json.dumps(config), "m.json", "actions: { x: [] }")
    assert [d.code for d in diagnostics] == ["PW327"]
    assert found is not None
    lacking = {section: values(names) for section, names in missing(found).by_section()}
    assert lacking == {"guards": ["y"], "delays": ["soon", "later"], "effects": ["load"]}


def test_actions_of_the_companion_may_lack_one_too() -> None:
    found = read(of_state({"entry": "x"}), "actions: { x: [y] }")
    assert values(ref.name for ref in missing(found).actions) == ["y"]


# --- JSON itself ------------------------------------------------------------------------------


def test_escapes_lead_back_to_the_file() -> None:
    text = '{"initial": "s", "states": {"s": {"entry": ["a\\ud83d\\udee1\\n\\"b"]}}}'
    found, _ = written(text)
    (action,) = found.root.states[0].entry
    assert isinstance(action, syntax.NamedRef)
    assert action.name.value == 'a🛡\n"b'
    begin = text.index("a\\ud83d")
    assert action.name.at(0).start.column == begin + 1
    assert action.name.at(1).start.column == begin + 2
    assert action.name.at(2).start.column == begin + 14
    assert action.name.at(3).start.column == begin + 16
    assert action.name.at(4).start.column == begin + 18


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "PW006"),
        ("[]", "PW007"),
        ("{", "PW018"),
        ('{"a": 1,}', "PW018"),
        ("{'a': 1}", "PW018"),
        ('{"a": undefined}', "PW018"),
        ('{"a": 01}', "PW018"),
        ('{"a": "b\nc"}', "PW018"),
        ('{"a": 1} {"b": 2}', "PW018"),
        ('{"id": "\\ud83d"}', "PW015"),
        ("[" * 300, "PW008"),
    ],
)
def test_what_is_not_a_machine_in_json(text: str, code: str) -> None:
    found, diagnostics = parse(text, "m.json")
    assert found is None
    assert [diagnostic.code for diagnostic in diagnostics] == [code]


def test_a_key_that_is_written_twice_is_reported() -> None:
    assert codes('{"initial": "a", "initial": "b", "states": {"a": {}, "b": {}}}') == ["PW003"]


def test_a_null_byte_cannot_be_stored() -> None:
    assert codes({**of_state({}), "context": {"t": "a\0b"}}) == ["PW015"]


def test_unknown_keys_are_warnings_since_xstate_ignores_them() -> None:
    _, diagnostics = written(of_state({"on": {"E": {"gaurd": "x", "target": "a"}}}))
    assert [(d.code, d.severity, d.hint) for d in diagnostics] == [
        ("PW101", Severity.WARNING, "did you mean `guard`?")
    ]


def test_a_version_that_is_no_number_is_said_to_be_one() -> None:
    assert read({**of_state({}), "version": "3"}).version == 3
    assert codes({**of_state({}), "version": "1.2.0"}) == ["PW105"]
    assert codes({**of_state({}), "version": "1.2.0"}, "version: 4") == []


def test_a_target_may_escape_the_dots_of_an_id() -> None:
    inner = {"on": {"E": "#x\\.y", "F": "#x\\.y.in"}}
    outer = {"id": "x.y", "initial": "in", "states": {"in": {}}}
    machine = read({"initial": "s", "states": {"s": inner, "t": outer}})
    resolved, problems = resolve(machine)
    assert problems == ()
    assert [t.targets for t in resolved.states[1].transitions] == [(2,), (3,)]
