"""Expressions of the native form in the words of SCXML.

`context.total` is `total`, `event.amount` a part of `_event.data` cast to the declared type,
`in_state('a.b')` is `In('b')`. Named guards, actions' params and delays stand where they are used.
"""

import re
from collections.abc import Callable, Mapping
from typing import assert_never

from pawlc import syntax
from pawlc.expr import columns
from pawlc.expr.literals import OPAQUE, sql_text
from pawlc.expr.names import ident
from pawlc.model.machine import Column
from pawlc.source import Span, Text

Refuse = Callable[[str, str, Span, str, str], None]
"""Takes a code, a message, its place, a label, a hint."""

_PART = re.compile(
    rf"""{OPAQUE}
    |(?<![\w."])(?P<space>context|event|guards|params|sender)\s*\.\s*
        (?P<name>"(?:[^"]|"")+"|[A-Za-z_]\w*)(?P<deeper>\s*\.\s*\w)?
    |(?<![\w."])in_state\s*\(\s*'(?P<path>[^']*)'\s*\)
    |"(?:[^"]|"")*"|\w+""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_SELECT = re.compile(r"\bselect\b", re.IGNORECASE)
_ASKED = re.compile(r"(?:\A|[(,=]|\b(?:and|or|not|when|then|else))\s*\Z", re.IGNORECASE)
_SCALAR = re.compile(r"[a-z][a-z ]*(\([0-9, ]+\))?( with(out)? time zone)?", re.IGNORECASE)


class Expressions:
    """Writes expressions; `ids` are the states' ids by their paths."""

    def __init__(self, machine: syntax.Machine, ids: Mapping[str, str], refuse: Refuse) -> None:
        self.machine = machine
        self.ids = ids
        self.refuse = refuse
        self.fields = {column.name.value for column in machine.context}
        self.guards = {named.name.value: named for named in machine.guards}
        self.payloads = payloads(machine)

    def sql(self, written: Text, params: Mapping[str, str] | None = None) -> str:
        """An expression; `params` are what stands for `params.x` in it."""
        found, position, value = "", 0, written.value
        for match in _PART.finditer(value):
            found += value[position : match.start()]
            found += self._part(written, match, found, params or {})
            position = match.end()
        return found + value[position:]

    def _part(
        self, written: Text, match: re.Match[str], before: str, params: Mapping[str, str]
    ) -> str:
        if match["path"] is not None:
            id = self.ids.get(match["path"], match["path"])
            quoted = sql_text(id)
            return f"In({quoted})" if _ASKED.search(before) else f"in_state({quoted})"
        if match["space"] is None:
            return match[0]
        name = match["name"]
        name = name[1:-1].replace('""', '"') if name.startswith('"') else name
        deeper = match["deeper"] or ""
        at = written.at(match.start(), len(match[0]))
        match match["space"].lower():
            case "context":
                said = self._field(written, name)
            case "params" if name in params:
                said = f"({params[name]})"
            case "guards" if name in self.guards:
                said = f"({self.condition(self._named(name))})"
            case "event":
                return self._event(name, deeper, at)
            case space:
                hint = "write the condition without it, or keep the definition in YAML"
                message = f"SCXML has no word for `{space}.{name}`"
                self.refuse("PW970", message, at, "cannot be said", hint)
                said = "null"
        return said + deeper

    def _named(self, name: str) -> syntax.Guard:
        value = self.guards[name].value
        is_name = isinstance(value, Text) and value.value in self.guards
        return syntax.NamedRef(value) if is_name and isinstance(value, Text) else value

    def _field(self, written: Text, name: str) -> str:
        """A field by its bare name; a query's own tables may have a column of that name."""
        known = name if name in self.fields else name.lower()
        return f"context.{ident(known)}" if _SELECT.search(written.value) else ident(known)

    def _event(self, name: str, deeper: str, at: Span) -> str:
        if not deeper and name == "type":
            return "_event.name"
        if not deeper and name == "output":
            return "_event.data"
        column = self.payloads.get(name)
        if column is None or deeper:
            message = f"SCXML's events have no `event.{name}`"
            hint = "what an event carries is jsonb there, and only a declared field has a type"
            self.refuse("PW970", message, at, "cannot be said", hint)
            return "null"
        if column.type == "jsonb":
            return f"nullif(_event.data -> {sql_text(name)}, 'null')"
        return f"(_event.data ->> {sql_text(name)})::{column.type}"

    def condition(self, guard: syntax.Guard, params: Mapping[str, str] | None = None) -> str:
        """A guard; one that is null is none that holds."""
        match guard:
            case Text():
                return self.sql(guard, params)
            case syntax.NamedRef():
                given = {p.name.value: self.sql(p.value, params) for p in guard.params}
                named = self._named(guard.name.value)
                return self.condition(named, given)
            case syntax.Combined():
                asked = " is not true" if guard.operator == "not" else " is true"
                parts = (f"({self.condition(each, params)}){asked}" for each in guard.guards)
                return f" {guard.operator} ".join(parts)
            case syntax.PythonRef():
                self.python(guard)
                return "false"
            case _:
                assert_never(guard)

    def python(self, ref: syntax.PythonRef) -> None:
        """Refuse a function in Python."""
        message = f"SCXML does not call `{ref.function}`, which is Python"
        hint = "say it in SQL, or keep the definition in YAML"
        self.refuse("PW970", message, ref.function.span, "cannot be said", hint)


def payloads(machine: syntax.Machine) -> dict[str, Column]:
    """The fields of all events by name, where they have one scalar type and no default."""
    found: dict[str, list[Column | None]] = {}
    for event in machine.events:
        names = [field.name.value for field in event.fields]
        for field in event.fields:
            column, _ = columns.column(field.name, field.definition, "event", names)
            found.setdefault(field.name.value, []).append(column)
    return {name: one for name, same in found.items() if (one := _agreed(same)) is not None}


def _agreed(same: list[Column | None]) -> Column | None:
    first = same[0]
    types = {None if each is None else each.type for each in same}
    if first is None or len(types) > 1 or any(each and each.default for each in same):
        return None
    return first if _SCALAR.fullmatch(first.type) else None
