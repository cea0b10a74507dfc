"""The authorizers one by one, as conditions on a row: which of them do examples ever satisfy?

In: a machine. Out: for each rule that depends on who asks its place and an SQL condition on a row
of the instance table, for the claims that are set. Rules that read what no example has, the event's
payload or its sender, are left out, and those that are a constant, which say what they mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pawlc.emit.access import reading
from pawlc.model.machine import Expression, Machine
from pawlc.sql import Sql, ident, literal, sql


@dataclass(frozen=True, slots=True)
class Rule:
    """An authorizer: what it is for, its expression, and where it applies and holds."""

    name: str
    expression: Expression
    applies: Sql
    holds: Sql


def rules(machine: Machine) -> Iterator[Rule]:
    """All of them, in the order of the definition's keys."""
    everywhere = sql("true")
    found = machine.authorize
    for name, rule in (("create", found.create), ("read", found.read)):
        if rule is not None and _can_be_asked(rule):
            yield Rule(name, rule, everywhere, reading(machine, rule))
    for send in found.send:
        if _can_be_asked(send.rule):
            row = ident(machine.schema, "instance")
            inside = sql("pawl.in_state({}.state, {})", row, literal(send.path))
            applies = inside if send.path else everywhere
            yield Rule("send", send.rule, applies, reading(machine, send.rule))


def reads_payload(rule: Expression) -> bool:
    """Whether a rule needs more of an event than its type."""
    return any(ref.space == "event" and ref.name != "type" for ref in rule.refs())


def _can_be_asked(rule: Expression) -> bool:
    return not rule.literal and all(
        ref.space not in ("event", "sender", "old") for ref in rule.refs()
    )
