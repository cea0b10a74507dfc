"""`v1_simulate`, `v1_enabled` and `v1_admits`: what would happen, without writing."""

from collections.abc import Callable

from pawlc.lower import authorize, choose, configuration, parallel, store
from pawlc.lower.actions import build_object
from pawlc.lower.company import is_alone
from pawlc.lower.frame import JSONB, TEXT, TIME, after, blocks, guarded, name, nobody, system
from pawlc.lower.plan import Plan, matching
from pawlc.lower.reduce import load
from pawlc.lower.scope import Scope, reads_payload
from pawlc.lower.select import Candidates, Selection, select
from pawlc.lower.send import admitted, in_time, refuse_unhandled
from pawlc.lower.target import (
    Block,
    Body,
    Branch,
    Comment,
    Function,
    Handler,
    If,
    Parameter,
    Return,
    Select,
    Set,
    Statement,
    Variable,
)
from pawlc.lower.variables import field, own
from pawlc.model.machine import Transition
from pawlc.sql import Sql, boolean, ident, literal, sql


def simulate(plan: Plan) -> Function:
    """The reply that an event would get, and the commands it would give; null: no instance."""
    state, working = configuration.column(plan, ident("self", "instance"))
    commands = tuple(
        (
            literal(name),
            sql("coalesce(to_jsonb({}), '[]'::jsonb)", ident("self", "step", f"p_{name}")),
        )
        for name in ("effects", "timers", "messages", "log")
    )
    reduced = sql("{}(self.instance, p_event, null, self.now, self.claims)", name(plan, "reduce"))
    reply = store.reply(plan, ident("self", "step", "p_handled"))
    loaded: Body = (
        *configuration.unpack_if_any(plan),
        Set(own("claims"), sql("pawl.claims()")),
        guarded(plan, ident("event", "type"), (*admitted(plan), *in_time(plan, expected=False))),
        Set(own("step"), reduced),
        Set(own("instance"), ident("self", "step", "p_instance")),
        Set(working, state),
        *((Set(own("status"), ident("self", "instance", "status")),) if plan.masks else ()),
        *refuse_unhandled(plan, ident("self", "step", "p_handled")),
        Set(own("seq"), sql("self.seq + 1")),
        *(Set(field(c.name), ident("self", "instance", c.column)) for c in store.assigned(plan)),
        *_output(plan),
        Return(sql("{} || {}", reply, build_object(commands))),
    )
    body: Body = (
        _whole_row(plan),
        If((Branch(sql("self.instance is null"), (Return(sql("null")),)),)),
        *after(load(plan, own("instance")), loaded),
    )
    return Function(
        name=name(plan, "simulate"),
        parameters=(Parameter(ident("p_id"), TEXT), Parameter(ident("p_event"), JSONB)),
        returns=JSONB,
        body=blocks(plan, _variables(plan), body),
        language="plpgsql",
        comment="What an event would do, with its commands; null: no instance of this version",
    )


def _whole_row(plan: Plan) -> Select:
    return Select(
        columns=(sql("i.*"),),
        into=(own("instance"),),
        source=sql("{} i", store.instance(plan)),
        where=sql("i.id = p_id and i.version = {}", plan.machine.version),
    )


def _row(plan: Plan) -> Body:
    return (store.read(plan, lock=False),)


def _output(plan: Plan) -> Body:
    if plan.machine.output is None:
        return ()
    return (Set(own("output"), ident("self", "instance", "output")),)


def _variables(plan: Plan) -> tuple[Variable, ...]:
    return (
        Variable(ident("id"), TEXT),
        Variable(ident("now"), TIME, sql("pawl.now()"), constant=True),
        Variable(ident("claims"), JSONB),
        Variable(ident("instance"), store.instance(plan)),
        Variable(ident("step"), sql("record")),
        *nobody(),
        *system(plan),
    )


Arm = Callable[[Transition], Body]


def enabled(plan: Plan) -> Function:
    """The events that this caller could send now; null: no such instance."""
    body: list[Statement] = [
        If((Branch(sql("self.iid is null"), (Return(sql("null")),)),)),
        *configuration.unpack(plan),
        If((Branch(_tells_nothing(plan), (Return(sql("'{{}}'::text[]")),)),)),
    ]
    for event in authorize.declared(plan):
        body += _possible(plan, event)
    variables = (
        Variable(ident("iid"), sql("bigint")),
        Variable(ident("id"), TEXT, ident("p_id"), constant=True),
        Variable(ident("now"), TIME, sql("pawl.now()"), constant=True),
        Variable(ident("claims"), JSONB, sql("pawl.claims()"), constant=True),
        *system(plan),
        Variable(ident("handled"), sql("boolean")),
        *(parallel.answered(plan).variables() if plan.accompanied else ()),
        Variable(ident("possible"), sql("boolean")),
        Variable(ident("events"), sql("text[]"), sql("'{{}}'::text[]")),
    )
    return Function(
        name=name(plan, "enabled"),
        parameters=(Parameter(ident("p_id"), TEXT),),
        returns=sql("text[]"),
        body=blocks(
            plan, variables, after(_row(plan), (*body, Return(own("events")))), arrives=False
        ),
        language="plpgsql",
        comment="The events that this caller could send now; null: no instance of this version",
        volatility="stable",
    )


def _tells_nothing(plan: Plan) -> Sql:
    """Whether the list is empty; with `reply: none` it would tell the state to who may not read."""
    over = sql("self.status <> 'running'")
    if plan.machine.reply == "state":
        return over
    reads = ident(plan.machine.schema, "admits_reader")
    return sql("{} or self.claims is not null and not {}(self.iid)", over, reads)


def admits(plan: Plan) -> Function:
    """Whether this caller may send an event, as far as its payload does not matter."""
    body: Body = (
        If((Branch(sql("self.iid is null"), (Return(sql("null")),)),)),
        *configuration.unpack(plan),
        Block(None, (), authorize.admits(plan), Handler(sql("others"), (Return(boolean(False)),))),
    )
    variables = (
        Variable(ident("iid"), sql("bigint")),
        Variable(ident("id"), TEXT, ident("p_id"), constant=True),
        Variable(ident("now"), TIME, sql("pawl.now()"), constant=True),
        Variable(ident("claims"), JSONB, sql("pawl.claims()"), constant=True),
        *nobody(),
        *system(plan),
    )
    return Function(
        name=name(plan, "admits"),
        parameters=(Parameter(ident("p_id"), TEXT), Parameter(ident("p_event"), JSONB)),
        returns=sql("boolean"),
        body=blocks(plan, variables, after(_row(plan), body)),
        language="plpgsql",
        comment="Whether this caller may send an event, whatever its payload; null: no instance of"
        " this version",
        volatility="stable",
    )


def _possible(plan: Plan, event: str) -> Body:
    """A guard that reads the payload, or fails, counts as possible; an authorizer must admit."""
    candidates = tuple(matching(plan.machine, event))
    if not candidates:
        return ()

    def arm(transition: Transition) -> Body:
        takes = bool(transition.targets or transition.actions)
        return (Set(own("handled"), boolean(True)), Set(own("possible"), boolean(takes)))

    def guard(transition: Transition) -> Sql | None:
        if transition.guard is None or reads_payload(transition.guard):
            return None
        return Scope(plan, event).sql(transition.guard)

    asked: Body = (
        Set(own("handled"), boolean(False)),
        Set(own("possible"), boolean(False)),
        Set(ident("event", "type"), literal(event)),
        *_asked(plan, candidates, guard, arm),
    )
    if any(guard(t) is not None for _, transitions in candidates for t in transitions):
        fails = Handler(sql("others"), (Set(own("possible"), boolean(True)),))
        asked = (Block(None, (), asked, fails),)
    found = Set(own("events"), sql("array_append(self.events, {})", literal(event)))
    return (
        Comment(event),
        *asked,
        *_admitted(plan, event),
        If((Branch(own("possible"), (found,)),)),
    )


def _asked(plan: Plan, candidates: tuple[Candidates, ...], guard: choose.Guard, arm: Arm) -> Body:
    if not plan.masks:
        return select(Selection(own("handled"), guard, arm), candidates)
    by_leaf = not plan.machine.regions_first
    alone = is_alone(plan.machine.states, candidates, by_leaf)
    reset = () if alone else parallel.answered(plan).empty()

    def either(transition: Transition, alone: bool, rivals: bool) -> Body:
        return arm(transition)

    return (*reset, *choose.select(plan, candidates, guard, either, by_leaf, own("handled")))


def _admitted(plan: Plan, event: str) -> Body:
    """What the authorizer says; an event whose authorizer fails would be refused."""
    admitted = authorize.admitted(plan, event)
    if admitted is None:
        return ()
    asked = Set(own("possible"), sql("self.possible and ({})", admitted))
    refused = Handler(sql("others"), (Set(own("possible"), boolean(False)),))
    return (Block(None, (), (asked,), refused),)
