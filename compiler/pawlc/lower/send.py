"""`v1_send`: lock, authorise, macrostep, store, answer. The hot path, everything in one place.

The order is DESIGN's: who is calling, the authorizer against the locked row, `event_id`, status,
`expected_seq`, the payload, the macrostep. Nothing is written before the macrostep is over.

Each event is a transaction, and PL/pgSQL prepares an expression anew in each transaction that
evaluates it, for half a microsecond: so what is mostly false is asked in one condition.
"""

from functools import partial

from pawlc.lower import authorize, configuration, invoked, store
from pawlc.lower.frame import (
    BIGINT,
    JSONB,
    TEXT,
    TIME,
    after,
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
from pawlc.model import events
from pawlc.sql import Sql, boolean, ident, literal, sql, text_array

_OF_MACHINES = (
    "^((done[.](state|invoke)|error[.](invoke|send)|snapshot[.]invoke)([.]|$)|(after|pawl)[.])"
)
"""Events that only a machine sends itself: `check.descriptors.MADE`, but for what is XState's."""

_OF_SCXML = "^(after|done|error|pawl)[.]"
"""The same in SCXML, which has more of them."""

_LARGEST = 1048576
"""Bytes of the largest event, as `pawl.check_size` has it."""


def send(plan: Plan) -> Function:
    """Take an event; null if no instance of this version has the id."""
    body: Body = (
        If((Branch(sql("self.iid is null"), (Return(sql("null")),)),)),
        *configuration.unpack(plan),
        Set(own("now"), sql("pawl.now()")),
        guarded(plan, ident("event", "type"), (*_arrival(plan), *_macrostep(plan)), sent=True),
        *protected(plan, store.assigned(plan), store.update(plan)),
        *store.stop_children(plan),
        *store.write_commands(plan),
        store.write_journal(plan, ident("p_event"), sent=True),
        *store.post_messages(plan),
        *store.answer(plan, store.reply(plan, _handled(plan)), partial(Set, own("reply"))),
        *_last(plan),
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
            Parameter(ident("p_sender"), sql("text[]"), sql("null")),
        ),
        returns=JSONB,
        body=blocks(plan, _variables(plan), after((store.read(plan, lock=True),), body)),
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
        Variable(ident("sender_machine"), TEXT, sql("p_sender[1]"), constant=True),
        Variable(ident("sender_id"), TEXT, sql("p_sender[2]"), constant=True),
        *working(plan, ident("p_sender")),
        *cursors(plan),
        Variable(ident("reply"), JSONB),
    )


def _macrostep(plan: Plan) -> Body:
    return (
        Set(own("seq"), sql("self.seq + 1")),
        *_taken(plan),
        *store.check(plan, store.assigned(plan)),
        *configuration.pack(plan),
    )


def _taken(plan: Plan) -> Body:
    """The macrostep; a strict machine refuses what nothing takes, unless it comes from itself."""
    refusal = _unhandled(plan) if plan.machine.strict else ()
    if plan.loops or plan.masks:
        refused = sql("not (self.handled or p_source is not null)")
        last = (If((Branch(refused, refusal),)),) if refusal else ()
        if plan.machine.errors == "event":
            return (If(invoked.stopped(plan), macrostep(plan, creates=False)),)
        return (*macrostep(plan, creates=False), *last)
    return macrostep(plan, creates=False, refusal=refusal)


def _handled(plan: Plan) -> Sql:
    """What the reply says: a strict machine has refused what it does not take."""
    return boolean(True) if plan.machine.strict else own("handled")


def _arrival(plan: Plan) -> Body:
    """Who is calling, and what only a caller's or another instance's event goes through.

    A timer's or an invoke's arrives at a running instance: `internal_event` has looked.
    """
    ours = sql("p_source is null and p_sender is null")
    called, own_event = sql("p_source is null"), sql("p_source is not null")
    forgotten = forget_source(plan)
    if plan.machine.errors == "event":  # other sessions may call their events as they like
        source = _unless_known(plan, ours)
        source += (If((Branch(own_event, forgotten),)),) if forgotten else ()
    elif forgotten:
        source = (If((Branch(called, _unless_known(plan)),), forgotten),)
    else:
        source = _unless_known(plan, called)
    special = sql(
        "p_source is null and (p_event_id is not null or self.status <> 'running'"
        " or p_expected_seq <> self.seq or pg_column_size(p_event) > {})",
        _LARGEST,
    )
    late = If((Branch(invoked.over(plan), (Return(store.reply(plan, boolean(False))),)),))
    return (
        *((late,) if plan.sessions else ()),
        Set(own("claims"), sql("case when {} then pawl.quick_claims() end", ours)),
        *_admitted_or(plan, source, authorize.who(plan), authorize.refuse),
        If((Branch(special, _special(plan)),)),
    )


def _special(plan: Plan) -> Body:
    """What is asked of an event after the authorizer, where one look has told that it matters."""
    machine = literal(plan.machine.name)
    too_large = sql("pg_column_size(p_event) > {}", _LARGEST)
    check = Call(ident("pawl", "check_event"), (machine, ident("p_event")))
    first = sql("pawl.reply_for({}, self.iid, p_event_id, p_event, self.id)", machine)
    replay = (
        Set(own("reply"), first),
        If((Branch(sql("self.reply is not null"), store.answer(plan, own("reply"), Return)),)),
    )
    return (
        *authorize.by_payload(plan),
        If((Branch(too_large, (check,)),)),
        If((Branch(sql("p_event_id is not null"), replay),)),
        *in_time(plan),
    )


def admitted(plan: Plan) -> Body:
    """Refuse who may not send the event, and an event that nobody may.

    The authorizers of a strict machine admit declared events only.
    """
    return _admitted_or(plan, _unless_known(plan), authorize.CLIENT, authorize.deny)


def _admitted_or(plan: Plan, known: Body, asked: Sql, refuse: authorize.Refuse) -> Body:
    if plan.machine.strict:
        return authorize.send(plan, asked, refuse, trusted=known)
    return (*authorize.send(plan, asked, refuse), *known)


def _unless_known(plan: Plan, when: Sql | None = None) -> Body:
    """Refuse an event that is not declared, or that only the machine itself makes."""
    declared = text_array(authorize.declared(plan))
    machine = literal(plan.machine.name)
    if plan.machine.strict:
        unknown = sql("event.type is null or event.type <> all ({})", declared)
    else:
        unknown = sql(
            "jsonb_typeof(p_event -> 'type') is distinct from 'string' or event.type ~ {}",
            literal(_OF_MACHINES if plan.machine.errors == "fail" else _OF_SCXML),
        )
    refuse = (
        Call(ident("pawl", "check_event"), (machine, ident("p_event"))),
        Call(ident("pawl", "raise_unknown_event"), (machine, ident("event", "type"), declared)),
    )
    asked = unknown if when is None else sql("{} and ({})", when, unknown)
    return (If((Branch(asked, refuse),)),)


def forget_source(plan: Plan) -> Body:
    """A timer that fires and an invoke that answers are no longer live; one that tells a snapshot
    goes on, whether or not anything takes its snapshots."""
    lists = [n for n, used in (("timers", plan.timers), ("invokes", plan.invokes)) if used]
    forgotten = tuple(Set(own(live), sql("{} - p_source", own(live))) for live in lists)
    if not plan.invokes:
        return forgotten
    goes_on = sql("not starts_with(event.type, {})", literal(events.snapshot_invoke("") + "."))
    return (If((Branch(goes_on, forgotten),)),)


def refuse_unhandled(plan: Plan, handled: Sql) -> Body:
    """In a strict chart, refuse what nothing takes."""
    if not plan.machine.strict:
        return ()
    return (If((Branch(sql("not ({})", handled), _unhandled(plan)),)),)


def _unhandled(plan: Plan) -> Body:
    arguments = (
        literal(plan.machine.name),
        own("id"),
        ident("event", "type"),
        configuration.stored(plan),
        sql("{}({})", name(plan, "accepts"), configuration.stored(plan)),
    )
    return (Call(ident("pawl", "raise_unhandled"), arguments),)


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


def _last(plan: Plan) -> Body:
    """What is done for few events, asked in one condition: keep the reply, tell the parent."""
    keep = If((Branch(sql("p_event_id is not null"), (_keep_reply(plan),)),))
    if not plan.can_end:
        return (keep,)
    ended = sql("self.status <> 'running'")
    return (
        If(
            (
                Branch(
                    sql("p_event_id is not null or {}", ended),
                    (keep, store.tell_parent(plan, ended)),
                ),
            )
        ),
    )


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
