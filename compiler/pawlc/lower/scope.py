"""The variables of the generated functions, and expressions in terms of them.

Three labelled blocks, `self`, `context` and `event`, hold the variables, so an expression reads in
the generated code as it does in the definition.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pawlc.diagnostics import CompileError, Diagnostic
from pawlc.expr import names
from pawlc.lower import configuration
from pawlc.lower.plan import Plan
from pawlc.lower.target import Variable
from pawlc.model import events
from pawlc.model.machine import Column, Expression, Ref
from pawlc.sql import Sql, ident, literal, rendered_by, sql, typename

_NATIVE = ("text", "boolean", "bool", "integer", "int")
"""Types whose constants need no conversion where they are assigned."""


_NAME = sql('text collate "C"')
"""Names are compared by bytes: dispatch searches them by halves."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How expressions read at one place of the generated code.

    `event` is the event under way where the code knows it; None in eventless transitions, which
    follow several.
    """

    plan: Plan
    event: str | None = None

    def sql(self, expression: Expression) -> Sql:
        """The expression in terms of the generated function's variables."""
        for ref in expression.refs():
            if ref.space == "event" and self.event is None and self._is_ambiguous(ref.name):
                raise CompileError((_ambiguous(expression, ref),))
        return rendered_by(expression, self._name)

    def _name(self, ref: Ref) -> str:
        match ref.space:
            case "in_state":
                return configuration.in_state(self.plan, ref.name)
            case "event" if self.event is not None:
                name = variable(self.plan, self.event, ref.name)
                return ident("event", name) if name else names.plpgsql_name(ref)
            case _:
                return names.plpgsql_name(ref)

    def _is_ambiguous(self, name: str) -> bool:
        return len(_types(self.plan, name)) > 1


def payloads(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Every typed field of an event: (event, name as in a `Ref`, SQL type)."""
    returns = {effect.name: effect.returns or () for effect in plan.machine.effects}
    for event in plan.machine.events:
        for column in event.fields:
            yield event.name, column.name, column.type
    for state in plan.machine.states:
        for invoke in state.invokes:
            for column in () if invoke.child else returns[invoke.effect]:
                yield events.done_invoke(invoke.id), f"output.{column.name}", column.type


def _types(plan: Plan, name: str) -> tuple[str, ...]:
    """The types that events declare for a field of this name, in order."""
    return tuple(dict.fromkeys(type for _, field, type in payloads(plan) if field == name))


def variable(plan: Plan, event: str, name: str) -> str | None:
    """The variable of an event's field; None if the event declares no such field.

    Events share the variable of a field; where their types differ, the second type's is `<name>_2`.
    """
    for owner, field, type in payloads(plan):
        if owner == event and field == name:
            place = _types(plan, name).index(type)
            plain = name.replace("output.", "output_", 1)
            return plain if place == 0 else f"{plain}_{place + 1}"
    return None


def event_variables(plan: Plan, arrives: bool) -> tuple[Variable, ...]:
    """The variables of the `event` block; where none `arrives`, only its type is read."""
    if not arrives:
        return (Variable(ident("type"), _NAME),)
    found: dict[str, str] = {}
    for name in ("data", "output", "error", "snapshot", "scxml"):
        if reads_whole(plan, name):
            found[name] = "jsonb"
    for event, name, type in payloads(plan):
        found[variable(plan, event, name) or name] = type
    typed = (Variable(ident(name), typename(type)) for name, type in found.items())
    return (Variable(ident("type"), _NAME, sql("p_event ->> 'type'")), *typed)


def context_variables(columns: tuple[Column, ...]) -> tuple[Variable, ...]:
    """The variables of the `context` block."""
    return tuple(Variable(ident(c.name), typename(c.type)) for c in columns)


def reads_whole(plan: Plan, name: str) -> bool:
    """Whether anything reads `event.data`, `event.output` or `event.error` as jsonb."""
    uses = (used for space, used in plan.uses if space == "event")
    return any(used == name or (name == "error" and used.startswith("error.")) for used in uses)


def reads_payload(expression: Expression) -> bool:
    """Whether an expression needs more of the event than its type."""
    return any(ref.space == "event" and ref.name != "type" for ref in expression.refs())


def typed(plan: Plan, expression: Expression, type: str, event: str | None) -> Sql:
    """An expression as a value of a type.

    A constant is cast where it stands: PL/pgSQL would convert it from text at every run.
    """
    value = Scope(plan, event).sql(expression)
    is_null = expression.source.value.strip().lower() == "null"
    if expression.literal and not is_null and type not in _NATIVE:
        return sql("({})::{}", value, typename(type))
    return value


def _ambiguous(expression: Expression, ref: Ref) -> Diagnostic:
    return Diagnostic(
        "PW311",
        f"`event.{ref.name}` has different types in different events",
        expression.source.at(ref.offset, len("event.") + len(ref.name)),
        hint=f"give the fields called {literal(ref.name)} one type, or one of them another name",
    )
