"""`v1_begin`: the timers and invokes of the state in which an instance was put by hand.

The row in, its live timers and invokes and their commands out. No action runs and nothing is
written: `pawl.begin_state` does that. There is no event, so what reads one is null.
"""

from dataclasses import replace

from pawlc.lower import actions, configuration, flat, store
from pawlc.lower.frame import BIGINT, JSONB, TEXT, TIME, after, blocks, guarded, name
from pawlc.lower.payload import source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.target import (
    Body,
    Branch,
    Function,
    If,
    Parameter,
    Set,
    Statement,
    Variable,
)
from pawlc.lower.variables import field, own
from pawlc.model.machine import Expression, Invoke, State, Timer
from pawlc.sql import Sql, ident, jsonb, sql, text_array

_IDS = sql("text[]")
_EFFECTS, _TIMERS = sql("pawl.effect_command[]"), sql("pawl.timer_command[]")


def begin(plan: Plan) -> tuple[Function, ...]:
    """The function, for a machine in which a state can begin something."""
    if not any(state.timers or state.invokes for state in plan.machine.states):
        return ()
    observed = plan.observed_children
    told = (Set(ident("p_observed"), text_array(observed)),) if observed else ()
    told_parameter = (Parameter(ident("p_observed"), _IDS, mode="out"),) if observed else ()
    family = tuple(i.id for i in plan.sessions if i.session is not None and i.session.is_family)
    if plan.sessions:
        told = (*told, Set(ident("p_family"), text_array(family)))
        told_parameter = (*told_parameter, Parameter(ident("p_family"), _IDS, mode="out"))
    state, working = configuration.column(plan, ident("p_row"))
    reads: Body = (
        Set(working, state),
        *(Set(field(c.name), ident("p_row", c.column)) for c in plan.machine.context),
    )
    body: Body = (
        *configuration.unpack(plan),
        guarded(plan, sql("null"), tuple(_states(plan))),
        Set(ident("p_live_timers"), own("timers")),
        Set(ident("p_live_invokes"), own("invokes")),
        Set(ident("p_children"), text_array(plan.children)),
        *told,
        Set(ident("p_effects"), own("started")),
        Set(ident("p_timers"), own("due")),
    )
    made = Function(
        name=name(plan, "begin"),
        parameters=(
            Parameter(ident("p_row"), store.instance(plan)),
            Parameter(ident("p_now"), TIME),
            Parameter(ident("p_live_timers"), JSONB, mode="out"),
            Parameter(ident("p_live_invokes"), JSONB, mode="out"),
            Parameter(ident("p_children"), _IDS, mode="out"),
            *told_parameter,
            Parameter(ident("p_effects"), _EFFECTS, mode="out"),
            Parameter(ident("p_timers"), _TIMERS, mode="out"),
        ),
        returns=None,
        body=blocks(plan, _variables(plan), after(reads, body), arrives=False),
        language="plpgsql",
        comment="The timers and invokes of the state in which an instance was put by hand",
    )
    return (made,)


def _variables(plan: Plan) -> tuple[Variable, ...]:
    return (
        Variable(ident("id"), TEXT, ident("p_row", "id"), constant=True),
        Variable(ident("now"), TIME, ident("p_now"), constant=True),
        Variable(ident("seq"), BIGINT, ident("p_row", "seq"), constant=True),
        Variable(ident("claims"), JSONB),
        *configuration.variables(plan),
        Variable(ident("timers"), JSONB, jsonb({})),
        Variable(ident("invokes"), JSONB, jsonb({})),
        Variable(ident("started"), _EFFECTS),
        Variable(ident("due"), _TIMERS),
    )


def _states(plan: Plan) -> list[Statement]:
    """What each active state begins, in document order."""
    body: list[Statement] = []
    for state in plan.machine.states:
        if begun := _begun(plan, state):
            active = Branch(_is_active(plan, state), begun)
            body += [If((active,))] if state.path else begun
    return body


def _is_active(plan: Plan, state: State) -> Sql:
    if plan.masks:
        return configuration.conf(plan).has_any(1 << state.index)
    return flat.is_active(state)


def _begun(plan: Plan, state: State) -> Body:
    body: list[Statement] = []
    for timer in state.timers:
        body.append(source_comment(timer.span, f"timer {timer.name}"))
        body += actions.set_timer(plan, _without_event(timer), None)
    for invoke in filter(_is_known, state.invokes):
        body.append(source_comment(invoke.span, f"invoke {invoke.id}"))
        body += actions.start(plan, _input_without_event(invoke), None)
    return tuple(body)


def _is_known(invoke: Invoke) -> bool:
    """Whether what is invoked is known: in SCXML it can be computed, or not be there."""
    asked = invoke.session
    return asked is None or (asked.source is None and asked.fails is None)


def _without_event(timer: Timer) -> Timer:
    return replace(timer, delay=_known(timer.delay))


def _input_without_event(invoke: Invoke) -> Invoke:
    known = tuple((name, _known(value)) for name, value in invoke.input)
    return replace(invoke, input=known, session=None)


def _known(expression: Expression) -> Expression:
    """An expression, or null if it reads the event."""
    if all(ref.space != "event" for ref in expression.refs()):
        return expression
    return replace(expression, parts=("null",), origins=())
