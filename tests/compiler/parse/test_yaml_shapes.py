"""What the native form's keys and shorthands become; nothing that is wrong here raises."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.parse.yaml import parse
from pawlc.source import Text

ORDER = Path(__file__).parents[3] / "examples" / "food_delivery" / "order.machine.yaml"


def machine(body: str) -> syntax.Machine:
    """A machine named m with these keys, which must be right."""
    found, diagnostics = parse(f"machine: m\n{body}", "m.machine.yaml")
    assert diagnostics == ()
    assert found is not None
    return found


def state(body: str) -> syntax.State:
    """A state with these keys, one a line, which must be right."""
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    return machine(f"guards: {{ rich: context.a > 1 }}\nstates:\n  s:\n{lines}").root.states[0]


def complaints(body: str) -> list[tuple[str, int, int]]:
    """The codes, lines and columns of what is wrong with these keys of a machine."""
    return [_place(d) for d in parse(f"machine: m\n{body}", "m.machine.yaml")[1]]


def _place(found: Diagnostic) -> tuple[str, int, int]:
    return found.code, found.span.start.line, found.span.start.column


def values(found: tuple[Text, ...] | None) -> list[str] | None:
    """The texts of names."""
    return None if found is None else [text.value for text in found]


def test_the_order_of_the_example_is_read_whole() -> None:
    found, diagnostics = parse(ORDER.read_text(encoding="utf-8"), ORDER.name)
    assert diagnostics == ()
    assert found is not None
    assert (found.name.value, found.version, found.strict) == ("order", 1, True)
    assert [str(column.name) for column in found.context][:3] == [
        "customer_id",
        "restaurant_id",
        "total",
    ]
    assert str(found.context[2].definition) == "numeric(10,2) not null check (total > 0)"
    assert values(found.public) == ["total", "prep_minutes", "courier_id", "reason"]
    assert [str(s.key) for s in found.root.states] == [
        "offered",
        "preparing",
        "dispatching",
        "courier_offered",
        "delivering",
        "delivered",
        "rejected",
    ]


def test_the_effects_of_the_order_have_their_policies() -> None:
    found, _ = parse(ORDER.read_text(encoding="utf-8"), ORDER.name)
    assert found is not None
    offer, find, courier = found.effects
    assert (str(offer.timeout), str(offer.attempts)) == ("30 s", "5")
    assert offer.backoff is not None
    assert (str(offer.backoff.first), str(offer.backoff.most)) == ("2 s", "5 min")
    assert find.returns is not None
    assert str(find.returns[0].definition) == "uuid not null"
    assert (courier.returns, courier.timeout, courier.attempts) == (None, None, None)


def test_the_courier_offer_of_the_order_assigns_and_emits() -> None:
    found, _ = parse(ORDER.read_text(encoding="utf-8"), ORDER.name)
    assert found is not None
    asked, offer = found.root.states[3].entry
    assert isinstance(asked, syntax.Assign)
    assert str(asked.fields[0].value) == "array_append(context.asked, context.courier_id)"
    assert isinstance(offer, syntax.EmitEffect)
    assert [str(pair.name) for pair in offer.input] == ["order_id", "courier_id"]


def test_the_authorizers_of_the_order_have_their_patterns() -> None:
    found, _ = parse(ORDER.read_text(encoding="utf-8"), ORDER.name)
    assert found is not None
    assert found.authorize is not None
    assert [values(rule.patterns) for rule in found.authorize.send] == [
        ["accept", "reject"],
        ["courier.*", "complete"],
    ]


def test_a_target_alone_is_a_transition() -> None:
    (handler,) = state("on: { go: there }").on
    (found,) = handler.transitions
    assert values(found.targets) == ["there"]
    assert (found.guard, found.actions, found.reenter) == (None, (), False)


def test_a_transition_object_keeps_assign_before_its_actions() -> None:
    body = "on:\n  go: { target: [a, b], actions: [{ log: now }], assign: { x: 1 }, reenter: true }"
    (found,) = state(body).on[0].transitions
    assert values(found.targets) == ["a", "b"]
    assert [type(action) for action in found.actions] == [syntax.Assign, syntax.Log]
    assert found.reenter


def test_an_empty_transition_stays_and_an_empty_list_is_left_to_the_ancestors() -> None:
    stay, bubble = state("on: { stay: {}, bubble: [] }").on
    assert [t.targets for t in stay.transitions] == [None]
    assert bubble.transitions == ()


def test_a_list_is_candidates_in_order() -> None:
    body = "on:\n  go:\n    - { guard: context.a > 1, target: x }\n    - y"
    first, second = state(body).on[0].transitions
    assert isinstance(first.guard, Text)
    assert (values(first.targets), values(second.targets)) == (["x"], ["y"])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("rich", syntax.NamedRef),
        ("poor", Text),
        ("guards.rich and true", Text),
        ("{ type: rich, params: { n: 1 } }", syntax.NamedRef),
        ("{ python: in_stock }", syntax.PythonRef),
    ],
)
def test_a_guard_is_named_only_when_guards_has_the_name(written: str, expected: type) -> None:
    (found,) = state(f"always: {{ guard: {written}, target: x }}").always
    assert isinstance(found.guard, expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("greet", syntax.NamedRef),
        ("{ type: greet, params: { n: 1 } }", syntax.NamedRef),
        ("{ assign: { a: 1 } }", syntax.Assign),
        ("{ raise: ping }", syntax.Raise),
        ("{ raise: { event: ping, data: { a: 1 }, delay: 5, id: x } }", syntax.Raise),
        ("{ effect: mail, input: { a: 1 } }", syntax.EmitEffect),
        ("{ log: context.a }", syntax.Log),
        ("{ python: price }", syntax.PythonRef),
        ("{ send: { event: x, to: { machine: m, id: a } } }", syntax.Send),
        ("{ cancel: x }", syntax.Cancel),
    ],
)
def test_each_kind_of_action_stands_alone_or_in_a_list(written: str, expected: type) -> None:
    found = state(f"entry: {written}\nexit: [{written}]")
    assert isinstance(found.entry[0], expected)
    assert [type(action) for action in found.exit] == [expected]


def test_a_delayed_raise_keeps_all_that_it_says() -> None:
    (found,) = state("entry: { raise: { event: p, data: { a: 1 }, delay: 5, id: x } }").entry
    assert isinstance(found, syntax.Raise)
    assert (str(found.event), str(found.data[0].name), str(found.delay), str(found.id)) == (
        "p",
        "a",
        "5",
        "x",
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("null", "null"),
        ("~", "null"),
        ("True", "true"),
        ("false", "false"),
        ("42", "42"),
        ("-1.5", "-1.5"),
        ("0x10", "16"),
        ("0o17", "15"),
        ("now", "now"),
        ('"null"', "null"),
        ("$$no answer$$", "$$no answer$$"),
    ],
)
def test_scalars_become_sql(written: str, expected: str) -> None:
    (found,) = state(f"entry: {{ assign: {{ a: {written} }} }}").entry
    assert isinstance(found, syntax.Assign)
    assert str(found.fields[0].value) == expected


def test_keys_are_never_booleans_or_numbers() -> None:
    found = state("on: { on: x, yes: x, null: x }\nafter: { 1000: x, 5 minutes: x }")
    assert [str(handler.descriptor) for handler in found.on] == ["on", "yes", "null"]
    assert [str(after.delay) for after in found.after] == ["1000", "5 minutes"]


def test_an_invoke_is_one_or_several() -> None:
    (one,) = state("invoke: { src: f, id: i, input: { a: 1 }, onDone: x, onError: [y, z] }").invoke
    assert (str(one.src), str(one.id), len(one.on_done), len(one.on_error)) == ("f", "i", 1, 2)
    assert len(state("invoke: [{ src: f }, { machine: g }]").invoke) == 2


def test_initial_is_a_name_or_has_actions() -> None:
    short = state("initial: a").initial
    long = state("initial: { target: a, actions: [greet] }").initial
    assert short is not None
    assert long is not None
    assert values(short.targets) == values(long.targets) == ["a"]
    assert (len(short.actions), len(long.actions)) == (0, 1)


def test_output_is_an_expression_or_names() -> None:
    assert str(state("type: final\noutput: context.a").output) == "context.a"
    named = state("type: final\noutput: { a: context.a, b: 1 }").output
    assert isinstance(named, tuple)
    assert [str(pair.name) for pair in named] == ["a", "b"]


def test_tags_are_one_or_several_and_meta_is_kept_as_json() -> None:
    found = state('tags: busy\nmeta: { a: [1, 1.5, yes, true, null, "2"], b: é }')
    assert values(found.tags) == ["busy"]
    assert found.meta == '{"a": [1, 1.5, "yes", true, null, "2"], "b": "é"}'


def test_named_sections_have_parameters() -> None:
    found = machine(
        "guards:\n"
        "  a: context.x > 1\n"
        "  b: { params: [n], guard: context.x > params.n }\n"
        "  c: { python: f }\n"
        "delays:\n"
        "  d: interval '1 min'\n"
        "  e: { params: [n], delay: params.n * interval '1 min' }\n"
        "actions:\n"
        "  f: { assign: { x: 1 } }\n"
        "  g: [{ log: now }, f]\n"
        "  h: { params: [n], actions: { assign: { x: params.n } } }\n"
    )
    assert [(str(g.name), values(g.params)) for g in found.guards] == [
        ("a", []),
        ("b", ["n"]),
        ("c", []),
    ]
    assert isinstance(found.guards[2].value, syntax.PythonRef)
    assert [values(d.params) for d in found.delays] == [[], ["n"]]
    assert [len(a.actions) for a in found.actions] == [1, 2, 1]
    assert values(found.actions[2].params) == ["n"]


def test_what_is_left_out_has_its_default() -> None:
    found = machine("states: { a: }")
    assert (found.version, found.strict, found.public, found.authorize) == (1, True, None, None)
    assert found.root.states[0].on == ()


def test_a_machine_says_how_long_its_history_is_kept() -> None:
    assert str(machine("retention: 90 days\nstates: { a: {} }").retention) == "90 days"


def test_reply_is_state_or_none() -> None:
    assert machine("states: { a: {} }").reply == "state"
    assert machine("reply: state\nstates: { a: {} }").reply == "state"
    assert machine("reply: none\nstates: { a: {} }").reply == "none"
    for wrong in ("nothing", "true", "[none]"):
        found = complaints(f"reply: {wrong}\nstates: {{ a: {{}} }}")
        assert [code for code, *_ in found] == ["PW103"]


def test_others_may_follow_only_where_it_is_said() -> None:
    assert machine("realtime: true\nstates: { a: {} }").realtime
    assert not machine("states: { a: {} }").realtime


def test_samples_hold_values_of_json_and_no_sql() -> None:
    found = machine(
        "samples:\n  claims: { ann: { sub: 17, id: '17', a: [x, null], b: true } }\n"
        "  contexts: { of_ann: { owner: ann, total: 1.5 } }\nstates: { a: {} }"
    ).samples
    assert [(s.name.value, s.value) for s in (*found.claims, *found.contexts)] == [
        ("ann", '{"sub": 17, "id": "17", "a": ["x", null], "b": true}'),
        ("of_ann", '{"owner": "ann", "total": 1.5}'),
    ]
    assert values(found.contexts[0].keys) == ["owner", "total"]
    for wrong in ("samples: [a]", "samples: { claims: { ann: a-1 } }"):
        found_codes = [code for code, *_ in complaints(f"{wrong}\nstates: {{ a: {{}} }}")]
        assert found_codes == ["PW103"], wrong
    assert complaints("samples: { callers: {} }\nstates: { a: {} }")[0][0] == "PW101"


def test_an_index_is_an_expression_or_a_list_of_them() -> None:
    found = machine("indexes: [context.a, [context.b, lower(context.c)]]\nstates: { a: {} }")
    assert [values(index) for index in found.indexes] == [
        ["context.a"],
        ["context.b", "lower(context.c)"],
    ]


def test_one_backoff_is_first_and_largest() -> None:
    (effect,) = machine("effects: { f: { retry: { backoff: 2 s } } }").effects
    assert effect.backoff is not None
    assert effect.backoff.first == effect.backoff.most


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("effects: { f: { retry: { backoff: 2 s .. } } }", ("PW110", 2, 35)),
        ("states: { a: { history: long } }", ("PW103", 2, 25)),
        ("states: { a: { entry: { raise: [x] } } }", ("PW103", 2, 32)),
        ("states: { a: { entry: { raise: { data: {} } } } }", ("PW102", 2, 32)),
        ("states: { a: { entry: { effect: f, params: {} } } }", ("PW108", 2, 36)),
        ("states: { a: { invoke: { id: x } } }", ("PW102", 2, 24)),
        ("states: { a: { invoke: { src: f, machine: g } } }", ("PW108", 2, 24)),
        ("states: { a: { always: { guard: { params: {} } } } }", ("PW102", 2, 33)),
        ("states: { a: { initial: { actions: [] } } }", ("PW102", 2, 25)),
        ("states: { a: { on: { go: null } } }", ("PW104", 2, 26)),
        ("states: { a: { on: { go: [[a]] } } }", ("PW103", 2, 27)),
        ("context: { a: }", ("PW104", 2, 14)),
        ("context: { a: [int] }", ("PW103", 2, 15)),
        ("context: { a-b: int }", ("PW224", 2, 12)),
        ("events: { a b: {} }", ("PW224", 2, 11)),
        ("guards: { a: { params: [x] } }", ("PW102", 2, 11)),
        ("guards: { a: { x: 1 } }", ("PW101", 2, 16)),
        ("guards: { a: { guard: { type: b } } }", ("PW103", 2, 23)),
        ("delays: { a: { delay: { type: b } } }", ("PW103", 2, 23)),
        ("authorize: { send: true }", ("PW103", 2, 20)),
        ("authorize: { send: { a b: true } }", ("PW112", 2, 22)),
        ("authorize: { update: true }", ("PW101", 2, 14)),
        ("guards: { a: off }", ("PW017", 2, 14)),
        ("version: -1", ("PW105", 2, 10)),
        ("strict: 1", ("PW106", 2, 9)),
        ("strict: [true]", ("PW103", 2, 9)),
        ("guards: { a: context.b #>> '{x}' }", ("PW009", 2, 24)),
        ("guards: { a: f(1, g(2, 3)), b: true }", ("PW010", 2, 17)),
        ("guards: { a: $$no, never$$ = context.b }", ("PW010", 2, 18)),
        ("guards: { a: array[1] = context.b }", ("PW010", 2, 19)),
        ("input: [f(1, 2)]", ("PW010", 2, 12)),
        ("guards:\n  a: *b", ("PW011", 3, 6)),
        ("guards:\n  a: 'x' || 'y'", ("PW012", 3, 6)),
        ("guards:\n  a: 'x'::text = context.b", ("PW012", 3, 6)),
        ("guards: { a: 'x' = context.b }", ("PW012", 2, 14)),
        ("guards: { a: x: y }", ("PW013", 2, 15)),
        ("guards:\n  a: @x", ("PW001", 3, 6)),
        ("guards: [", ("PW001", 2, 9)),
    ],
)
def test_a_mistake_is_told_once_and_in_its_place(body: str, expected: tuple[str, int, int]) -> None:
    assert complaints(body) == [expected]


def test_a_usual_comment_after_sql_is_no_mistake() -> None:
    (found,) = machine("guards:\n  a: context.b > 1   # why\nstates: {}").guards
    assert str(found.value) == "context.b > 1"


def test_a_split_value_is_put_together_for_what_follows() -> None:
    found, diagnostics = parse(
        "machine: m\ncontext: { a: numeric(10,2) not null, b: int }", "m.yaml"
    )
    assert [d.code for d in diagnostics] == ["PW010"]
    assert found is not None
    assert [str(column.definition) for column in found.context] == ["numeric(10,2) not null", "int"]


def test_many_mistakes_are_told_in_one_run() -> None:
    codes = [
        code for code, *_ in complaints("verson: 2\nstrict: yes\nstates: { a: { onn: {} }, b: 1 }")
    ]
    assert codes == ["PW101", "PW017", "PW101", "PW103"]


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    found, diagnostics = parse(text, "m.yaml")
    assert found is not None or diagnostics


_FRAGMENTS = st.sampled_from(
    (
        *("machine: m", "states:", "a:", "on:", "{", "}", "[", "]", ",", ": ", "\n", "\n  "),
        *("\n    ", "- ", "*", "&a ", "*a", "!t ", "'", '"', "|", ">", "#", " #", "\t", "<<: "),
        *("? ", "---\n", "guard: ", "entry: ", "assign: ", "raise: ", "invoke: ", "after: ", "x"),
        *("1", "null", "%", "authorize: ", "send: ", "effects: ", "retry: ", "backoff: ", "..."),
        *("1 s .. 2", "context: ", "\\", "\u732b", "\r", "\x85"),
    )
)


@given(st.lists(_FRAGMENTS, max_size=40).map("".join))
def test_no_heap_of_fragments_raises(text: str) -> None:
    for body in (text, f"machine: m\n{text}"):
        found, diagnostics = parse(body, "m.yaml")
        assert found is not None or diagnostics
        lines = body.replace("\r", "\n").split("\n")
        for diagnostic in diagnostics:
            assert 1 <= diagnostic.span.start.line <= len(lines) + 1


_LINES = ORDER.read_text(encoding="utf-8").split("\n")


@given(st.integers(0, len(_LINES) - 1), st.integers(0, 60), _FRAGMENTS)
def test_no_slip_of_the_keyboard_raises(line: int, column: int, fragment: str) -> None:
    lines = list(_LINES)
    lines[line] = lines[line][:column] + fragment + lines[line][column:]
    found, diagnostics = parse("\n".join(lines), "order.machine.yaml")
    assert found is not None or diagnostics


def test_a_hostile_depth_ends_soon() -> None:
    for text in ("{" * 100_000, "- " * 100_000, "a: " + "[" * 100_000):
        assert "PW008" in {d.code for d in parse(text, "m.yaml")[1]}
