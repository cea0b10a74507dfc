"""The authorizers of create and send.

Rules are asked against the locked row, only when there are claims, or another instance sent the
event: a trusted caller without claims passes. A rule that reads a payload waits for the payload to
be checked; it stands in the event's own branch. Of several patterns that match an event, the most
specific counts, in the machine's rules and in those of each state; all that are left must admit.
"""

from pawlc.lower.payload import source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.scope import Scope, reads_payload
from pawlc.lower.target import Body, Branch, Call, Comment, If
from pawlc.lower.variables import own
from pawlc.model import events
from pawlc.model.machine import Expression, SendRule
from pawlc.model.rules import in_states
from pawlc.sql import Sql, ident, join, literal, sql

CLIENT = sql("self.claims is not null")
CLIENT_OR_INSTANCE = sql("self.claims is not null or cardinality(p_sender) = 2")
"""Who is asked: whoever has claims, and where messages arrive, an instance that is no kin."""


def create(plan: Plan) -> Body:
    """Refuse a creator whom `authorize.create` does not admit."""
    rule = plan.machine.authorize.create
    deny = _deny(plan, sql("null"))
    if rule is None:
        return (If((Branch(CLIENT, deny),)),)
    refused = sql("{} and ({}) is not true", CLIENT, Scope(plan, events.CREATION).sql(rule))
    return (_comment((rule,), "create"), If((Branch(refused, deny),)))


def send(plan: Plan, asked: Sql, trusted: Body = ()) -> Body:
    """Refuse a sender whom no rule admits, before the payload is looked at.

    `trusted` is done for a trusted caller instead.
    """
    groups: dict[tuple[Expression, ...], list[str]] = {}
    for name in declared(plan):
        rules = rules_for(plan, name)
        if rules and not _reads_event(rules):
            groups.setdefault(rules, []).append(name)
    later = [n for n in declared(plan) if _reads_event(rules_for(plan, n))]
    branches = [
        Branch(_is_one_of(names), _unless(plan, rules, f"send {', '.join(names)}"))
        for rules, names in groups.items()
    ]
    unknown = rules_for(plan, None) if not plan.machine.strict else ()
    deny = _unless(plan, unknown, "send any other") if unknown else _deny_any(plan)
    if later:
        branches.append(Branch(sql("not ({})", _is_one_of(later)), deny))
        otherwise: Body = ()
    else:
        otherwise = deny
    inner: Body = (If(tuple(branches), otherwise),) if branches else otherwise
    return (If((Branch(asked, inner),), trusted),)


def after_payload(plan: Plan, name: str, asked: Sql) -> Body:
    """Refuse a sender by a rule that reads the payload of this event.

    What the machine raises itself, while it processes what was sent, nobody sends.
    """
    rules = rules_for(plan, name)
    if not _reads_event(rules):
        return ()
    sent = sql("({}) and self.handled is null", asked) if plan.queue else asked
    return (If((Branch(sent, _unless(plan, rules, f"send {name}", name)),)),)


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


def _unless(plan: Plan, rules: tuple[Expression, ...], what: str, name: str | None = None) -> Body:
    refused = sql("({}) is not true", _all(plan, rules, name))
    return (
        _comment(rules, what),
        If((Branch(refused, _deny(plan, ident("event", "type"))),)),
    )


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


def _deny_any(plan: Plan) -> Body:
    """Deny what is not even an event as such."""
    form = Call(ident("pawl", "check_event"), (literal(plan.machine.name), ident("p_event")))
    return (form, *_deny(plan, ident("event", "type")))


def _deny(plan: Plan, event: Sql) -> Body:
    arguments = (literal(plan.machine.name), own("id"), event)
    return (Call(ident("pawl", "raise_denied"), arguments),)
