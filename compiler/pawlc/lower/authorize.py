"""The authorizers of create and send.

Rules are asked against the locked row, only when there are claims, or another instance sent the
event: a trusted caller without claims passes. A rule that reads a payload waits for the payload to
be checked; it stands in the event's own branch. Of several patterns that match an event, the most
specific counts, in the machine's rules and in those of each state; all that are left must admit.

A sender who may not read the instance either is told that it is absent (`refuse`): else anybody
could find out which ids exist. Whom `simulate_event` lets in may read (`deny`).
"""

from collections.abc import Callable

from pawlc.lower.payload import receive, source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.scope import Scope, reads_payload
from pawlc.lower.target import Body, Branch, Call, Comment, If, Return
from pawlc.lower.variables import own
from pawlc.model import events
from pawlc.model.machine import Expression, SendRule
from pawlc.model.rules import in_states
from pawlc.sql import Sql, boolean, ident, join, literal, sql

CLIENT = sql("self.claims is not null")
CLIENT_OR_INSTANCE = sql("self.claims is not null or cardinality(p_sender) = 2")
"""Who is asked: whoever has claims, and where messages arrive, an instance that is no kin.

`p_sender` is an array of a machine and an id; that of a parent or child has a third element, since
kin is not asked.
"""

Refuse = Callable[[Plan], Body]


def who(plan: Plan) -> Sql:
    """Who is asked where messages arrive; sessions of SCXML, which has no authorizers, may talk."""
    return CLIENT if plan.machine.errors == "event" else CLIENT_OR_INSTANCE


def create(plan: Plan) -> Body:
    """Refuse a creator whom `authorize.create` does not admit."""
    rule = plan.machine.authorize.create
    refusal = _denied(plan, sql("null"))
    if rule is None:
        return (If((Branch(CLIENT, refusal),)),)
    refused = sql("{} and ({}) is not true", CLIENT, Scope(plan, events.CREATION).sql(rule))
    return (_comment((rule,), "create"), If((Branch(refused, refusal),)))


def send(plan: Plan, asked: Sql, refuse: Refuse, trusted: Body = ()) -> Body:
    """Refuse a sender whom no rule admits, before the payload is looked at.

    `trusted` is done for a trusted caller instead.
    """
    branches = [
        Branch(_is_one_of(names), _unless(plan, rules, f"send {', '.join(names)}", refuse))
        for rules, names in _groups(plan).items()
    ]
    unknown = rules_for(plan, None) if not plan.machine.strict else ()
    refusal = _unless(plan, unknown, "send any other", refuse) if unknown else refuse(plan)
    later = _later(plan)
    if later:
        branches.append(Branch(sql("({}) is not true", _is_one_of(later)), refusal))
        otherwise: Body = ()
    else:
        otherwise = refusal
    inner: Body = (If(tuple(branches), otherwise),) if branches else otherwise
    return (If((Branch(asked, inner),), trusted),)


def after_payload(plan: Plan, name: str, asked: Sql, refuse: Refuse) -> Body:
    """Refuse a sender by a rule that reads the payload of this event.

    What the machine raises itself, while it processes what was sent, nobody sends.
    """
    rules = rules_for(plan, name)
    if not _reads_event(rules):
        return ()
    sent = sql("({}) and self.handled is null", asked) if plan.queue else asked
    return (If((Branch(sent, _unless(plan, rules, f"send {name}", refuse, name)),)),)


def by_payload(plan: Plan) -> Body:
    """Ask a rule that reads the payload before anything is told: a first reply, a status, a seq."""
    branches = tuple(
        Branch(
            _is_one_of([name]),
            (
                *receive(plan, name, ident("p_event")),
                *_unless(plan, rules_for(plan, name), f"send {name}", refuse, name),
            ),
        )
        for name in _later(plan)
    )
    return (If((Branch(CLIENT_OR_INSTANCE, (If(branches),)),)),) if branches else ()


def admits(plan: Plan) -> Body:
    """Return whether this caller may send the event, as far as its payload does not matter."""
    branches = [
        Branch(_is_one_of(names), (_comment(rules, what), Return(_admits(plan, rules))))
        for rules, names in _groups(plan).items()
        for what in (f"send {', '.join(names)}",)
    ]
    unknown = rules_for(plan, None) if not plan.machine.strict else ()
    other = _admits(plan, unknown) if unknown and not _reads_event(unknown) else boolean(False)
    later = _later(plan)
    if later and other != boolean(False):
        branches.append(Branch(_is_one_of(later), (Return(boolean(False)),)))
    return (If(tuple(branches), (Return(other),)),) if branches else (Return(other),)


def _admits(plan: Plan, rules: tuple[Expression, ...]) -> Sql:
    return sql("({}) is true", _all(plan, rules, None))


def _groups(plan: Plan) -> dict[tuple[Expression, ...], list[str]]:
    """The events whose rules read no payload, by their rules."""
    groups: dict[tuple[Expression, ...], list[str]] = {}
    for name in declared(plan):
        rules = rules_for(plan, name)
        if rules and not _reads_event(rules):
            groups.setdefault(rules, []).append(name)
    return groups


def _later(plan: Plan) -> list[str]:
    """The events whose rules wait for the payload."""
    return [name for name in declared(plan) if _reads_event(rules_for(plan, name))]


def admitted(plan: Plan, name: str) -> Sql | None:
    """When this caller may send an event whose payload is not known yet; None: always."""
    rules = rules_for(plan, name)
    if _reads_event(rules):
        return None
    if not rules:
        return sql("self.claims is null")
    return sql("self.claims is null or {}", _all(plan, rules, name))


def declared(plan: Plan) -> tuple[str, ...]:
    """The names of the events that callers can send."""
    return tuple(event.name for event in plan.machine.events)


def rules_for(plan: Plan, name: str | None) -> tuple[Expression, ...]:
    """The rules that must admit an event; None: one that nothing names."""
    levels: dict[str, list[tuple[tuple[int, int], Expression]]] = {}
    for rule in plan.machine.authorize.send:
        for rank in _ranks(rule, name):
            levels.setdefault(rule.path, []).append((rank, rule.rule))
    found = [(path, rule) for path, ranked in levels.items() for rule in _most_specific(ranked)]
    if all(not path for path, _ in found):
        return tuple(rule for _, rule in found)
    joined = in_states(found)
    return () if joined is None else (joined,)


def _most_specific(ranked: list[tuple[tuple[int, int], Expression]]) -> tuple[Expression, ...]:
    best = min(rank for rank, _ in ranked)
    return tuple(dict.fromkeys(rule for rank, rule in ranked if rank == best))


def _ranks(rule: SendRule, name: str | None) -> list[tuple[int, int]]:
    asked = "" if name is None else name
    return [events.priority(p) for p in rule.patterns if events.matches(p, asked)]


def _reads_event(rules: tuple[Expression, ...]) -> bool:
    return any(reads_payload(rule) for rule in rules)


def _unless(
    plan: Plan,
    rules: tuple[Expression, ...],
    what: str,
    refuse: Refuse,
    name: str | None = None,
) -> Body:
    refused = sql("({}) is not true", _all(plan, rules, name))
    return (_comment(rules, what), If((Branch(refused, refuse(plan)),)))


def _comment(rules: tuple[Expression, ...], what: str) -> Comment:
    """The line of the first rule; an error in a later one is told there too."""
    return source_comment(rules[0].source.span, f"authorize {what}")


def _all(plan: Plan, rules: tuple[Expression, ...], name: str | None) -> Sql:
    scope = Scope(plan, name or events.CREATION)
    return (
        join(" and ", [sql("({})", scope.sql(rule)) for rule in rules])
        if len(rules) > 1
        else (scope.sql(rules[0]))
    )


def _is_one_of(names: list[str]) -> Sql:
    if len(names) == 1:
        return sql("event.type = {}", literal(names[0]))
    return sql("event.type in ({})", join(", ", [literal(name) for name in names]))


def refuse(plan: Plan) -> Body:
    """Deny the sender, or whoever may not even know that the instance exists."""
    arguments = (own("iid"), own("id"), ident("p_event"), ident("p_sender"))
    return (Call(ident(plan.machine.schema, "refuse"), arguments),)


def deny(plan: Plan) -> Body:
    """Deny a sender who may read the instance."""
    return _denied(plan, ident("event", "type"))


def _denied(plan: Plan, event: Sql) -> Body:
    arguments = (literal(plan.machine.name), own("id"), event)
    return (Call(ident("pawl", "raise_denied"), arguments),)
