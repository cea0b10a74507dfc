"""The second pass: expressions in their scopes, named things, delays, policies."""

import pytest

from pawlc.model.machine import Assign, Authorize, Exactly, Log, Prefix, PythonAssign, Raise, Ref
from tests.compiler.model.definitions import complaints, machine, resolved, state, transition

NAMED = """
machine: m
version: 1
context: { total: int not null default 0, due: timestamptz }
events: { pay: { amount: int not null }, other: {} }
guards:
  enough: event.amount >= context.total
  alias: enough
  over: { params: [limit], guard: "guards.enough and event.amount > params.limit" }
  round: guards.about
  about: guards.round
actions:
  note:
    params: [text]
    actions: [{ log: params.text }, { raise: other }]
  twice: [{ type: note, params: { text: 1 } }, { type: note, params: { text: 2 } }]
  endless: [endless]
delays:
  soon: interval '1 minute' * context.total
  at_due: context.due
  day_before: (context.due - interval '1 day')::timestamptz
initial: a
states:
  a:
    on: { pay: TRANSITION }
    after: { DELAY: a }
"""


def named(transition: str = "a", delay: str = "soon") -> str:
    return NAMED.replace("TRANSITION", transition).replace("DELAY", delay)


def sql(parts: tuple[str | Ref, ...]) -> str:
    """The parts with each name spelt out."""
    return "".join(part if isinstance(part, str) else f"{part.space}.{part.name}" for part in parts)


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ("enough", "event.amount >= context.total"),
        ("alias", "event.amount >= context.total"),
        ("not guards.enough", "not (event.amount >= context.total)"),
        (
            "{ type: over, params: { limit: context.total * 2 } }",
            "(event.amount >= context.total) and event.amount > (context.total * 2)",
        ),
    ],
)
def test_named_guards_are_written_out_where_they_are_used(guard: str, expected: str) -> None:
    found, problems = resolved(named(f"{{ guard: {guard} }}"))
    assert problems == ()
    condition = transition(found, "a --pay").guard
    assert condition is not None
    assert sql(condition.parts) == expected
    assert condition.type == "boolean"


@pytest.mark.parametrize(
    ("written", "code", "message"),
    [
        ("{ guard: { type: enuf } }", "PW312", "unknown guard `enuf`"),
        ("{ guard: guards.enuf }", "PW312", "unknown guard `enuf`"),
        ("{ guard: { type: over } }", "PW313", "guard `over` needs `limit`"),
        (
            "{ guard: { type: over, params: { limit: 1, x: 2 } } }",
            "PW313",
            "guard `over` has no parameter `x`",
        ),
        (
            "{ guard: guards.over }",
            "PW313",
            "guard `over` takes parameters and cannot be used inside an expression",
        ),
        (
            "{ guard: round }",
            "PW312",
            "guard `round` contains itself: `round` → `about` → `round`",
        ),
        ("{ actions: nota }", "PW312", "unknown action `nota`"),
        (
            "{ actions: endless }",
            "PW312",
            "action `endless` contains itself: `endless` → `endless`",
        ),
        ("{ actions: { effect: mail } }", "PW316", "unknown effect `mail`"),
        ("{ assign: { totl: 1 } }", "PW301", "the context has no field `totl`"),
        (
            "{ actions: { raise: { event: pay, data: { amout: 1 } } } }",
            "PW317",
            "event `pay` declares no field `amout`",
        ),
    ],
)
def test_what_does_not_exist_is_reported(written: str, code: str, message: str) -> None:
    _, problems = resolved(named(written))
    assert (code, message) in [(d.code, d.message) for d in problems]


def test_named_actions_are_written_out_in_order() -> None:
    found = machine(named("{ assign: { total: 3 }, actions: twice }"))
    done = transition(found, "a --pay").actions
    kinds = [type(action) for action in done]
    assert kinds == [Assign, Log, Raise, Log, Raise]
    assert [sql(a.value.parts) for a in done if isinstance(a, Log)] == ["(1)", "(2)"]


@pytest.mark.parametrize(
    ("delay", "deadline", "type", "expected"),
    [
        ("soon", False, "interval", "interval '1 minute' * context.total"),
        ("at_due", True, "timestamptz", "context.due"),
        (
            "day_before",
            True,
            "timestamptz",
            "(context.due - interval '1 day')::timestamptz",
        ),
        ("1500", False, "interval", "interval '1500 milliseconds'"),
        ("1 day 2:30", False, "interval", "interval '1 day 2:30'"),
        ("PT5M", False, "interval", "interval 'PT5M'"),
    ],
)
def test_a_delay_is_an_interval_or_a_deadline(
    delay: str, deadline: bool, type: str, expected: str
) -> None:
    (timer,) = state(machine(named(delay=delay)), "a").timers
    assert (timer.deadline, timer.delay.type, sql(timer.delay.parts)) == (deadline, type, expected)
    assert timer.name == f"after.{delay}.a"


@pytest.mark.parametrize(
    ("delay", "code"), [("sonn", "PW312"), ("5 fortnights", "PW111"), ("-5 s", "PW111")]
)
def test_what_is_no_delay_is_reported(delay: str, code: str) -> None:
    assert [code for code, _ in complaints(named(delay=delay))] == [code]


def test_effects_have_sane_policies_by_default() -> None:
    found = machine("""
machine: m
version: 1
effects:
  plain: {}
  own: { timeout: 1 min, retry: { attempts: 7, backoff: 2 s .. 1 h } }
""")
    policies = [(e.timeout, e.attempts, e.backoff_first, e.backoff_most) for e in found.effects]
    assert policies == [("30 s", 3, "1 s", "5 min"), ("1 min", 7, "2 s", "1 h")]


def test_an_effect_has_limits_only_if_they_are_written() -> None:
    plain, own = machine("""
machine: m
version: 1
effects:
  plain: {}
  own:
    heartbeat: 10 s
    start_within: 1 h
    priority: -3
    concurrency: 4
    rate: { limit: 100, per: 1 min, by: house }
    retry: { except: [declined, gone] }
""").effects
    assert (plain.heartbeat, plain.start_within, plain.priority) == (None, None, 0)
    assert (plain.slots, plain.rate, plain.not_retried) == (None, None, ())
    assert (own.heartbeat, own.start_within, own.priority) == ("10 s", "1 h", -3)
    assert (own.slots, own.slots_per) == (4, None)
    assert (own.rate, own.rate_per, own.rate_by) == (100, "1 min", "house")
    assert own.not_retried == ("declined", "gone")


AUTHORIZED = """
machine: m
version: 1
context: { owner: text }
events: { pay: { amount: int }, pay.back: { amount: int }, note: {} }
authorize:
  create: claims->>'sub' = context.owner
  read: READ
  send:
    pay, pay.*: claims->>'sub' = context.owner and event.amount > 0
    note: SEND
initial: a
states:
  a: { on: { pay: a, pay.back: a, note: a } }
"""


def authorized(read: str = "context.owner is null", send: str = "true") -> str:
    return AUTHORIZED.replace("READ", read).replace("SEND", send)


def test_send_rules_see_the_fields_of_every_event_they_match() -> None:
    rules: Authorize = machine(authorized()).authorize
    assert rules.create is not None
    assert [rule.patterns for rule in rules.send] == [
        (Exactly("pay"), Prefix("pay")),
        (Exactly("note"),),
    ]
    assert complaints(authorized(send="event.amount > 0")) == [("PW302", "11:11")]


def test_a_read_rule_sees_the_row_the_claims_and_the_time_but_no_event() -> None:
    assert complaints(authorized(read="now > $$today$$ and self.id = claims->>'sub'")) == []
    assert [code for code, _ in complaints(authorized(read="event.type = $$x$$"))] == ["PW308"]


def test_public_is_everything_unless_it_says_otherwise() -> None:
    text = "machine: m\nversion: 1\ncontext: { a: int, b: int }\ninput: [a]\n"
    assert machine(text).public == ("a", "b")
    assert machine(text + "public: [b]\n").public == ("b",)
    assert complaints(text + "public: [c]\n") == [("PW318", "5:10")]


PYTHON = """
machine: m
version: 1
context: { total: int, note: text }
events: { pay: { amount: int } }
initial: a
states:
  a:
    on:
      pay:
        guard: { python: affordable }
        actions: [{ python: remember }]
"""

COMPANION = """
def affordable(total, *, amount):
    return amount <= total

def remember(total):
    return {"note": str(total)}
"""


def test_companion_functions_become_calls_with_scalar_arguments() -> None:
    found = machine(PYTHON, COMPANION)
    move = transition(found, "a --pay")
    assert move.guard is not None
    assert sql(move.guard.parts) == "pawl_m.v1_affordable(context.total, event.amount)"
    (action,) = move.actions
    assert isinstance(action, PythonAssign)
    assert (action.function, action.fields) == ("remember", ("note",))
    assert [(f.name, f.returns) for f in found.python] == [
        ("affordable", "boolean"),
        ("remember", "jsonb"),
    ]


def test_a_function_cannot_be_guard_and_action() -> None:
    text = PYTHON.replace("python: affordable", "python: remember")
    assert [code for code, _ in complaints(text, COMPANION)] == ["PW324"]


def test_without_a_companion_python_is_refused() -> None:
    assert [code for code, _ in complaints(PYTHON)] == ["PW320", "PW320"]
