"""Expressions and guards in their scopes: `guards.`, `params.` and named guards come together here.

In: a `World` (what holds in the whole definition), a scalar and the `Scope` of its place. Out: an
`Expression`; complaints go to `report`. A named guard is resolved anew wherever it is used, since
the place decides which events it may read; `report` may therefore hold a complaint several times.
Reported here: PW312, PW313; the rest comes from `expr`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.expr import sql
from pawlc.expr.scope import EventScope, Scope
from pawlc.model import failing, python
from pawlc.model.machine import Column, Effect, Event, Expression, Origin, Ref
from pawlc.model.python import Companion
from pawlc.source import Span, Text
from pawlc.suggest import did_you_mean

_GUARDS = re.compile(r"\bguards\b", re.IGNORECASE)

Report = list[Diagnostic]


@dataclass(frozen=True, slots=True)
class World:
    """What holds everywhere in a definition. `paths` are those that `in_state` may name."""

    machine: syntax.Machine
    context: Mapping[str, Column]
    events: Mapping[str, Event]
    effects: Mapping[str, Effect]
    paths: frozenset[str]
    companion: Companion

    def scope(self, event: EventScope | None) -> Scope:
        """The scope of a place that this event can lead to."""
        types = {name: column.type for name, column in self.context.items()}
        if self.machine.reading == "xstate":
            return Scope(context=types, event=event, states=self.paths)
        return Scope(
            context=types,
            event=event,
            states=self.paths,
            bare={name: ("context", name) for name in types},
            system=failing.system(self.machine.session, self.machine.name),
        )


def expression(
    world: World,
    text: Text,
    scope: Scope,
    type: str | None,
    report: Report,
    open: tuple[str, ...] = (),
) -> Expression | None:
    """Resolve an expression. `open` are the named guards that it is part of."""
    guards = {
        named.name.value: _mentioned_guard(world, named, text, scope, report, open)
        for named in (world.machine.guards if _GUARDS.search(text.value) else ())
    }
    found, problems = sql.resolve(text, replace(scope, guards=guards), type)
    if found is None and world.machine.reading == "scxml":
        return failing.failing(text, problems, type, report)
    report.extend(problems)
    return found


def pairs(
    world: World,
    written: tuple[syntax.Pair, ...],
    scope: Scope,
    report: Report,
    types: Mapping[str, str] | None = None,
) -> tuple[tuple[str, Expression], ...]:
    """Resolve named expressions; `types` says what SQL type each name wants."""
    found = (
        (p.name.value, expression(world, p.value, scope, (types or {}).get(p.name.value), report))
        for p in written
    )
    return tuple((name, value) for name, value in found if value is not None)


def guard(
    world: World,
    written: syntax.Guard,
    scope: Scope,
    report: Report,
    open: tuple[str, ...] = (),
) -> Expression | None:
    """Resolve a guard, written out or by name."""
    match written:
        case Text():
            return expression(world, written, scope, "boolean", report, open)
        case syntax.NamedRef():
            named = entry(written.name, world.machine.guards, "guard", report)
            if named is None or not params_match(written, named, "guard", report):
                return None
            inner = replace(scope, params=dict(pairs(world, written.params, scope, report)))
            return _named_guard(world, named, written.name.span, inner, report, open)
        case syntax.PythonRef():
            return python.guard(world.companion, written, scope, report)
        case syntax.Combined():
            return _combined(world, written, scope, report, open)
        case _:
            assert_never(written)


def _combined(
    world: World,
    written: syntax.Combined,
    scope: Scope,
    report: Report,
    open: tuple[str, ...],
) -> Expression | None:
    """Guards joined; each is asked `is true`, so that `not` of a null is true, as in XState."""
    found = [guard(world, each, scope, report, open) for each in written.guards]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    asked = " is not true" if written.operator == "not" else " is true"
    parts: list[str | Ref] = []
    origins: list[Origin] = []
    for number, each in enumerate(known):
        here = Origin(each.source, 0)
        before = f" {written.operator} (" if number else "("
        parts += [before, *each.parts, ")" + asked]
        origins += [here, *(each.origins or (here,) * len(each.parts)), here]
    return Expression(
        source=known[0].source,
        parts=tuple(parts),
        type="boolean",
        literal=all(each.literal for each in known),
        origins=tuple(origins),
    )


def _mentioned_guard(
    world: World,
    named: syntax.Named,
    text: Text,
    scope: Scope,
    report: Report,
    open: tuple[str, ...],
) -> Expression:
    """What `guards.<name>` stands for; one that is not mentioned, or wrong, gets a stand-in."""
    name = named.name.value
    stand_in = Expression(named.name, ("null",), "boolean")
    mention = re.search(rf'\bguards\s*\.\s*"?{re.escape(name)}(?![\w-])', text.value, re.IGNORECASE)
    if mention is None:
        return stand_in
    span = text.at(mention.start(), len(mention.group()))
    if named.params:
        report.append(_needs_params(named, span))
        return stand_in
    inner = replace(scope, params={})
    return _named_guard(world, named, span, inner, report, open) or stand_in


def _named_guard(
    world: World,
    named: syntax.Named,
    span: Span,
    scope: Scope,
    report: Report,
    open: tuple[str, ...],
) -> Expression | None:
    """The body of an entry of `guards:`, which must not lead back to itself.

    One that is called what it says, as a converted definition has them, is SQL.
    """
    name = named.name.value
    if name in open:
        report.append(circle("guard", (*open[open.index(name) :], name), span))
        return None
    value: syntax.Guard = named.value
    others = (g.name.value for g in world.machine.guards if g is not named)
    if isinstance(value, Text) and value.value in others:
        value = syntax.NamedRef(value)
    return guard(world, value, scope, report, (*open, name))


# --- entries of named sections ----------------------------------------------------------------

Entry = TypeVar("Entry", syntax.Named, syntax.NamedActions)


def entry(name: Text, section: Sequence[Entry], kind: str, report: Report) -> Entry | None:
    """Look a name up in `guards:`, `actions:` or `delays:`."""
    for candidate in section:
        if candidate.name.value == name.value:
            return candidate
    known = [candidate.name.value for candidate in section]
    hint = did_you_mean(name.value, known) or f"declare it under `{kind}s:`"
    report.append(Diagnostic("PW312", f"unknown {kind} `{name}`", name.span, hint=hint))
    return None


def params_match(
    ref: syntax.NamedRef, named: syntax.Named | syntax.NamedActions, kind: str, report: Report
) -> bool:
    """Whether exactly the declared parameters are given."""
    declared = [param.value for param in named.params]
    given = [pair.name.value for pair in ref.params]
    before = len(report)
    for pair in ref.params:
        if pair.name.value not in declared:
            message = f"{kind} `{named.name}` has no parameter `{pair.name}`"
            hint = did_you_mean(pair.name.value, declared)
            report.append(Diagnostic("PW313", message, pair.name.span, hint=hint))
    missing = [param for param in declared if param not in given]
    if missing:
        names = ", ".join(f"`{param}`" for param in missing)
        message = f"{kind} `{named.name}` needs {names}"
        hint = f"write `{{ type: {named.name}, params: {{ {missing[0]}: … }} }}`"
        report.append(Diagnostic("PW313", message, ref.name.span, hint=hint))
    return len(report) == before


def circle(kind: str, names: tuple[str, ...], span: Span) -> Diagnostic:
    """The complaint about a named entry that contains itself."""
    chain = " → ".join(f"`{name}`" for name in names)
    message = f"{kind} `{names[0]}` contains itself: {chain}"
    return Diagnostic("PW312", message, span, "comes round to itself")


def _needs_params(named: syntax.Named, span: Span) -> Diagnostic:
    message = f"guard `{named.name}` takes parameters and cannot be used inside an expression"
    hint = f"write `guard: {{ type: {named.name}, params: … }}`"
    return Diagnostic("PW313", message, span, hint=hint)
