"""`v1_send`: lock, authorise, macrostep, store, answer. The hot path, everything in one place.

The order is DESIGN's: who is calling, the authorizer against the locked row, `event_id`, status,
`expected_seq`, the payload, the macrostep. Nothing is written before the macrostep is over.

Each event is a transaction, and PL/pgSQL prepares an expression anew in each transaction that
evaluates it, for half a microsecond: so what is mostly false is asked in one condition.
"""

from pawlc.lower import authorize, configuration, store
from pawlc.lower.frame import (
    BIGINT,
    JSONB,
    TEXT,
    TIME,
    blocks,
    cursors,
    guarded,
    name,
    protected,
    working,
)
from pawlc.lower.macrostep import macrostep
from pawlc.lower.plan import Plan
from pawlc.lower.target import (
    Body,
    Branch,
    Call,
    Function,
    If,
    Insert,
    Parameter,
    Return,
    Set,
    Variable,
)
from pawlc.lower.variables import own
from pawlc.sql import Sql, ident, literal, sql, text_array


def send(plan: Plan) -> Function:
    """Take an event; null if no instance of this version has the id."""
    body: Body = (
        store.read(plan, lock=True),
        If((Branch(sql("self.iid is null"), (Return(sql("null")),)),)),
        *configuration.unpack(plan),
        Set(own("now"), sql("pawl.now()")),
        guarded(plan, ident("event", "type"), (*_arrival(plan), *_macrostep(plan))),
        *protected(plan, store.assigned(plan), store.update(plan)),
        *store.write_commands(plan),
        store.write_journal(plan, ident("p_event"), ident("p_source")),
        Set(own("reply"), store.reply(plan, own("handled"))),
        If((Branch(sql("p_event_id is not null"), (_keep_reply(plan),)),)),
        Return(own("reply")),
    )
    return Function(
        name=name(plan, "send"),
        parameters=(
            Parameter(ident("p_id"), TEXT),
            Parameter(ident("p_event"), JSONB),
            Parameter(ident("p_event_id"), TEXT, sql("null")),
            Parameter(ident("p_expected_seq"), BIGINT, sql("null")),
            Parameter(ident("p_source"), TEXT, sql("null")),
        ),
        returns=JSONB,
        body=blocks(plan, _variables(plan), body),
        language="plpgsql",
        comment="Take an event: authorise, run, store, enqueue; null: no instance of this version",
    )


def _variables(plan: Plan) -> tuple[Variable, ...]:
    return (
        Variable(ident("tid"), sql("tid")),
        Variable(ident("iid"), BIGINT),
        Variable(ident("id"), TEXT, ident("p_id"), constant=True),
        Variable(ident("now"), TIME),
        Variable(ident("claims"), JSONB),
        *working(plan),
        *cursors(plan),
        Variable(ident("reply"), JSONB),
    )


def _macrostep(plan: Plan) -> Body:
    return (
        Set(own("seq"), sql("self.seq + 1")),
        *macrostep(plan, creates=False),
        *refuse_unhandled(plan, sql("self.handled or p_source is not null")),
        *store.check(plan, store.assigned(plan)),
        *configuration.pack(plan),
    )


def _arrival(plan: Plan) -> Body:
    """What only an event of a caller goes through, not one of a timer or an invoke.

    Those arrive at a running instance: `internal_event` has looked.
    """
    machine = literal(plan.machine.name)
    replay = (
        Set(
            own("reply"),
            sql("pawl.reply_for({}, self.iid, p_event_id, p_event, self.id)", machine),
        ),
        If((Branch(sql("self.reply is not null"), (Return(own("reply")),)),)),
    )
    special = sql(
        "p_event_id is not null or self.status <> 'running' or p_expected_seq <> self.seq"
    )
    found_special = (If((Branch(sql("p_event_id is not null"), replay),)), *in_time(plan))
    body = (
        Set(own("claims"), sql("pawl.quick_claims()")),
        *admitted(plan),
        If((Branch(special, found_special),)),
    )
    return (If((Branch(sql("p_source is null"), body),), forget_source(plan)),)


def admitted(plan: Plan) -> Body:
    """Refuse who may not send the event, and an event that nobody may.

    The authorizers of a strict machine admit declared events only.
    """
    refuse = _unless_known(plan)
    if plan.machine.strict:
        return authorize.send(plan, trusted=refuse)
    return (*authorize.send(plan), *refuse)


def _unless_known(plan: Plan) -> Body:
    """Refuse an event that is not declared, or that only the machine itself makes."""
    declared = text_array(authorize.declared(plan))
    machine = literal(plan.machine.name)
    if plan.machine.strict:
        unknown = sql("event.type is null or event.type <> all ({})", declared)
    else:
        unknown = sql(
            "jsonb_typeof(p_event -> 'type') is distinct from 'string'"
            " or event.type ~ '^(after|done|error|pawl)[.]'"
        )
    refuse = (
        Call(ident("pawl", "check_event"), (machine, ident("p_event"))),
        Call(ident("pawl", "raise_unknown_event"), (machine, ident("event", "type"), declared)),
    )
    return (If((Branch(unknown, refuse),)),)


def forget_source(plan: Plan) -> Body:
    """A timer that fires and an invoke that answers are no longer live."""
    lists = [n for n, used in (("timers", plan.timers), ("invokes", plan.invokes)) if used]
    return tuple(Set(own(live), sql("{} - p_source", own(live))) for live in lists)


def refuse_unhandled(plan: Plan, handled: Sql) -> Body:
    """In a strict chart, refuse what nothing takes."""
    if not plan.machine.strict:
        return ()
    arguments = (
        literal(plan.machine.name),
        own("id"),
        ident("event", "type"),
        configuration.stored(plan),
        sql("{}({})", name(plan, "accepts"), configuration.stored(plan)),
    )
    refuse = Call(ident("pawl", "raise_unhandled"), arguments)
    return (If((Branch(sql("not ({})", handled), (refuse,)),)),)


def in_time(plan: Plan, expected: bool = True) -> Body:
    """Refuse an event for an instance that is not running, or not where the caller thinks it is."""
    machine = literal(plan.machine.name)
    over = Call(ident("pawl", "raise_not_running"), (machine, own("id"), own("status")))
    stale = Call(
        ident("pawl", "raise_seq_mismatch"),
        (machine, own("id"), ident("p_expected_seq"), own("seq")),
    )
    running = If((Branch(sql("self.status <> 'running'"), (over,)),))
    if not expected:
        return (running,)
    return (running, If((Branch(sql("p_expected_seq <> self.seq"), (stale,)),)))


def _keep_reply(plan: Plan) -> Insert:
    values: dict[str, Sql] = {
        "machine": literal(plan.machine.name),
        "iid": own("iid"),
        "event_id": ident("p_event_id"),
        "event": ident("p_event"),
        "reply": own("reply"),
        "created_at": sql("clock_timestamp()"),
    }
    return Insert(ident("pawl", "event_key"), tuple((ident(n), v) for n, v in values.items()))
