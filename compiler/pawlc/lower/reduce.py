"""`v1_reduce`: the macrostep as a pure function.

What `create`, `simulate`, dry runs and replay use.
"""

from pawlc.lower import configuration, store
from pawlc.lower.frame import JSONB, TEXT, TIME, after, blocks, guarded, name, nobody, working
from pawlc.lower.macrostep import macrostep
from pawlc.lower.plan import Plan
from pawlc.lower.send import forget_source
from pawlc.lower.target import Body, Branch, Function, If, Parameter, Set, Statement, Variable
from pawlc.lower.variables import field, own
from pawlc.sql import Sql, ident, join, sql

_ROW = ident("p_instance")


def reduce(plan: Plan) -> Function:
    """A row and an event in, the next row and its commands out; a row without a state is begun."""
    body: Body = (
        *configuration.unpack_if_any(plan),
        Set(own("seq"), sql("self.seq + 1")),
        guarded(plan, ident("event", "type"), _macrostep(plan)),
        *_keep(plan),
    )
    variables = (
        Variable(ident("id"), TEXT),
        Variable(ident("now"), TIME, ident("p_now"), constant=True),
        Variable(ident("claims"), JSONB, ident("p_claims"), constant=True),
        *nobody(),
        *working(plan, sql("null")),
    )
    return Function(
        name=name(plan, "reduce"),
        parameters=(
            Parameter(_ROW, store.instance(plan), mode="inout"),
            Parameter(ident("p_event"), JSONB),
            Parameter(ident("p_source"), TEXT),
            Parameter(ident("p_now"), TIME),
            Parameter(ident("p_claims"), JSONB),
            Parameter(ident("p_handled"), sql("boolean"), mode="out"),
            Parameter(ident("p_effects"), sql("pawl.effect_command[]"), mode="out"),
            Parameter(ident("p_timers"), sql("pawl.timer_command[]"), mode="out"),
            Parameter(ident("p_messages"), sql("pawl.message_command[]"), mode="out"),
            Parameter(ident("p_log"), sql("text[]"), mode="out"),
        ),
        returns=None,
        body=blocks(plan, variables, after(load(plan, _ROW), body)),
        language="plpgsql",
        comment="The macrostep, pure: a row and an event in, the next row and its commands out",
    )


def _macrostep(plan: Plan) -> Body:
    return (
        *_forgetting(plan),
        *macrostep(plan, creates=True),
        *store.check(plan, plan.machine.context),
    )


def _forgetting(plan: Plan) -> Body:
    body = forget_source(plan)
    return (If((Branch(sql("p_source is not null"), body),)),) if body else ()


def _system(plan: Plan) -> tuple[str, ...]:
    return tuple(n for n in store.needed(plan) if n != "iid")


def load(plan: Plan, row: Sql) -> Body:
    """Take a row apart into the variables of a macrostep."""

    def column(name: str) -> Sql:
        return sql("{}.{}", row, ident(name))

    state, working = configuration.column(plan, row)
    return (
        Set(own("id"), column("id")),
        Set(working, state),
        *(Set(own(n), column(n)) for n in _system(plan)),
        *(Set(field(c.name), column(c.column)) for c in plan.machine.context),
    )


def _keep(plan: Plan) -> Body:
    def column(name: str) -> Sql:
        return sql("{}.{}", _ROW, ident(name))

    body: list[Statement] = [
        *configuration.pack(plan),
        Set(column("state"), configuration.stored(plan)),
        *(Set(column(n), own(n)) for n in _system(plan)),
        Set(column("updated_at"), own("now")),
        *(Set(column(c.column), field(c.name)) for c in store.assigned(plan)),
        Set(ident("p_handled"), own("handled")),
    ]
    if commands := [own(array) for array in store.effect_arrays(plan)]:
        body.append(Set(ident("p_effects"), join(" || ", commands)))
    if plan.timers:
        body.append(Set(ident("p_timers"), own("due")))
    if plan.messages:
        body.append(Set(ident("p_messages"), own("messages")))
    if plan.log:
        body.append(Set(ident("p_log"), own("log")))
    return tuple(body)
