"""PW456: what lies in the schema `auth`, which Supabase lets nobody open to pawl_owner."""

import re
from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import authorizers, expressions, states
from pawlc.diagnostics import Diagnostic
from pawlc.source import Text

_LITERAL = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|--[^\n]*", re.DOTALL)
_AUTH = re.compile(r"(?<![\w.\"])auth\s*\.\s*(\w+)", re.IGNORECASE)
_INSTEAD = {
    "uid": "write `(claims->>'sub')::uuid`",
    "jwt": "write `claims`",
    "role": "write `claims->>'role'`",
    "email": "write `claims->>'email'`",
}
_OTHERWISE = "keep the user's id in a field of your own; `claims->>'sub'` tells who calls"


def supabase_schemas(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about every function and table of `auth`."""
    for text in _written(machine):
        blank = _LITERAL.sub(lambda found: " " * len(found[0]), text.value)
        for found in _AUTH.finditer(blank):
            yield Diagnostic(
                "PW456",
                f"Supabase does not let `pawl_owner` use `auth.{found[1]}`",
                text.at(found.start(), len(found[0])),
                "in a schema of Supabase's own",
                _INSTEAD.get(found[1].lower(), _OTHERWISE),
            )


def _written(machine: syntax.Machine) -> Iterator[Text]:
    """All SQL of a definition, its columns included."""
    yield from (column.definition for column in machine.context)
    yield from (field.definition for event in machine.events for field in event.fields)
    yield from (part for index in machine.indexes for part in index)
    yield from expressions(machine)
    for state in states(machine):
        if state.authorize is not None:
            yield from authorizers(state.authorize)
