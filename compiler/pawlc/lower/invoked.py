"""Sessions that an SCXML document invokes (W3C SCXML 6.4, 6.5).

Entering a state only notes its invokes in `self.invoking`: they begin when the macrostep has come
to rest, if the state is still active. Before an external event is processed, what its sender's
`<finalize>` says is done, and sessions that want every event get it.
"""

import hashlib

from pawlc.lower import actions, flat, parallel, session
from pawlc.lower.payload import source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.scope import Scope
from pawlc.lower.target import Body, Branch, Call, If, Set, Statement
from pawlc.lower.variables import field, own
from pawlc.model.machine import Invoke
from pawlc.sql import Sql, boolean, ident, jsonb, literal, sql

_EXTERNAL = sql("coalesce(self.cause #>> '{{_event,type}}', 'external') = 'external'")


def begin(plan: Plan) -> Body:
    """Begin what the states invoke that were entered and not left again."""
    if not plan.sessions:
        return ()
    found: list[Statement] = []
    for invoke in plan.sessions:
        noted = sql("{} = any (self.invoking)", literal(invoke.id))
        found.append(source_comment(invoke.span, f"invoke {invoke.id}"))
        found.append(If((Branch(noted, _begun(plan, invoke)),)))
    found.append(Set(own("invoking"), sql("null")))
    resting = sql(
        "self.status = 'running' and self.invoking is not null"
        " and coalesce(cardinality(self.queue), 0) = 0"
    )
    return (If((Branch(resting, tuple(found)),)),)


def _begun(plan: Plan, invoke: Invoke) -> Body:
    """Evaluate the arguments; an error among them is an event, and nothing begins."""
    asked = invoke.session
    assert asked is not None
    if asked.fails is not None:
        return session.attempt(session.fail(asked.fails))
    scope = Scope(plan)
    body: list[Statement] = []
    if asked.type is not None:
        body.append(Call(ident("pawl", "scxml_invokes"), (scope.sql(asked.type),)))
    machine = literal(invoke.effect)
    if asked.source is not None:
        machine = own("child")
        body.append(Set(machine, _computed(invoke, scope.sql(asked.source))))
    if asked.idlocation is not None:
        types = {column.name: column.type for column in plan.machine.context}
        id = literal(invoke.id)
        stored = sql("to_jsonb({}::text)", id) if types[asked.idlocation] == "jsonb" else id
        body.append(Set(field(asked.idlocation), stored))
    given = actions.values(plan, invoke.input, None)
    command = sql("row({}, {}, {})::pawl.effect_command", machine, literal(invoke.id), given)
    body.append(actions.append("started", command))
    live = sql("{} || jsonb_build_object({}, self.seq)", own("invokes"), literal(invoke.id))
    body.append(Set(own("invokes"), live))
    if asked.type is None and asked.source is None and not invoke.input:
        return tuple(body)
    return session.attempt(tuple(body))


def _computed(invoke: Invoke, source: Sql) -> Sql:
    assert invoke.session is not None
    documents = invoke.session.documents
    if documents is None:
        return sql("pawl.scxml_machine({}, {})", source, jsonb(dict(invoke.session.files)))
    known = {hashlib.md5(text.encode()).hexdigest(): machine for text, machine in documents}
    return sql("pawl.scxml_document({}, {})", source, jsonb(known))


def arrive(plan: Plan) -> Body:
    """What an event of a child, or any external one, does before a transition is chosen."""
    found: list[Statement] = []
    for invoke in plan.sessions:
        asked = invoke.session
        if asked is not None and asked.finalize:
            ours = sql("self.cause #>> '{{_event,invokeid}}' = {}", literal(invoke.id))
            doing = (
                *session.receive(plan, own("cause")),
                *actions.run(plan, asked.finalize, None),
            )
            found.append(If((Branch(ours, doing),)))
    return (*found, *forward(plan, _EXTERNAL))


def forward(plan: Plan, condition: Sql | None = None) -> Body:
    """Pass an external event on to the sessions that get every one."""
    found: list[Statement] = []
    for invoke in plan.sessions:
        if invoke.session is not None and invoke.session.forwards:
            live = sql("{} ? {}", own("invokes"), literal(invoke.id))
            asked = live if condition is None else sql("{} and {}", live, condition)
            message = sql(
                "row(null, null, pawl.scxml_forwarded(self.cause), null, false, {})"
                "::pawl.message_command",
                literal(invoke.id),
            )
            found.append(If((Branch(asked, (actions.append("messages", message),)),)))
    return tuple(found)


def over(plan: Plan) -> Sql:
    """Whether a message comes from a child that was cancelled (W3C SCXML 6.4.3)."""
    return sql(
        "p_sender[4] is not null and self.invokes ->> p_sender[4] is distinct from p_sender[5]"
    )


def stopped(plan: Plan) -> tuple[Branch, ...]:
    """The parent has left the state that invoked this session: what is active is left too."""
    if plan.masks:
        leaving: Body = parallel.exit_actions(plan)
    else:
        leaving = flat.exit_actions(plan)
    lists = (("timers", "due", plan.timers), ("invokes", "started", plan.invokes))
    body: list[Statement] = [*leaving, Set(own("status"), literal("stopped"))]
    for live, commands, used in lists:
        if used:
            body += (Set(own(live), jsonb({})), Set(own(commands), sql("null")))
    return (Branch(sql("p_sender[3] = 'stop'"), (*body, Set(own("handled"), boolean(True)))),)
