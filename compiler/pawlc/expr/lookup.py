"""What a name of an expression means, by the scope of its place (DESIGN, section 2).

In: the words of a column reference. Out: a `Ref`, the expression that `guards.` or `params.` stands
for, a complaint, None for what belongs to a query's own tables, or how that is better written.

A bare column of a query that is called like one of our variables is qualified. Postgres would take
the column while there is one; were it dropped, `org_id = context.org_id` would silently compare the
context with itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pawlc.diagnostics import Diagnostic
from pawlc.expr.names import ident, literal
from pawlc.expr.scope import EventScope, Scope
from pawlc.expr.walk import Query
from pawlc.model.machine import Expression, Ref
from pawlc.source import Span
from pawlc.suggest import closest

SPACES = frozenset({"context", "event", "self", "sender", "guards", "params", "old"})
SELF = ("id", "machine", "version", "seq")
SENDER = ("id", "machine")
ERROR = {"code": "text", "message": "text", "attempts": "integer", "data": "jsonb"}


@dataclass(frozen=True, slots=True)
class Word:
    """A part of a name: as Postgres folds it, and as written. `*` is the word of a star."""

    name: str
    raw: str

    def among(self, names: Iterable[str]) -> str | None:
        """The one of `names` that is meant: unquoted, a camelCase field may be written as it is.

        >>> Word("customerid", "customerId").among(["customerId"])
        'customerId'
        """
        known = tuple(names)
        if self.name in known:
            return self.name
        return self.raw if self.raw in known else None


@dataclass(frozen=True, slots=True)
class Name:
    """A column reference and where it stands."""

    words: tuple[Word, ...]
    span: Span
    offset: int

    def __str__(self) -> str:
        return ".".join(word.raw for word in self.words)


Meaning = Ref | Expression | Diagnostic | str | None


def lookup(name: Name, scope: Scope, query: Query) -> Meaning:
    """The meaning of a column reference."""
    first = name.words[0].name
    if first in scope.system:
        return _system(name, scope.system[first])
    if len(name.words) == 1:
        return _bare(name, scope, query)
    match first:
        case "context":
            return _context(name, scope)
        case "event":
            return _event(name, scope)
        case "self":
            return _self(name, scope)
        case "sender" if scope.sender or not query.tables:
            return _sender(name, scope)
        case "guards" | "params":
            return _named(name, scope.guards if first == "guards" else scope.params)
        case "claims":
            hint = f"claims are JSON: `claims->>'{name.words[1].name}'`"
            return _unknown(name, f"`{name}` is not a name", hint)
        case "old" if scope.old:
            return _old(name, scope)
        case "old":
            return _unknown(name, "`old` exists in a migration only")
        case _:
            return _qualified(name, scope, query)


def _bare(name: Name, scope: Scope, query: Query) -> Meaning:
    word = name.words[0]
    if (field := word.among(scope.bare)) is not None:
        space, meant = scope.bare[field]
        return Ref("context" if space == "context" else "event", meant, name.offset)
    match word.name:
        case "now" if scope.now:
            return Ref("now", "", name.offset)
        case "claims" if scope.claims:
            return Ref("claims", "", name.offset)
        case "now" | "claims":
            return _unknown(name, f"`{word.name}` does not exist here")
        case space if space in SPACES:
            return _unknown(name, f"`{space}` is not a value", _WHOLE.get(space))
        case _ if query.tables or word.name == "*":
            return _column(name, scope, query)
        case _:
            return _undeclared(name, scope)


EVENT_TEXTS = ("name", "type", "sendid", "origin", "origintype", "invokeid")
"""The fields of `_event` that are texts; the other one is `data` (W3C SCXML 5.10.1)."""


def _system(name: Name, variable: Expression) -> Meaning:
    """A system variable of SCXML; `_event.data.a` is the `a` of the event's data."""
    words = [word.raw.strip('"') for word in name.words[1:]]
    if not words:
        return variable
    if name.words[0].name != "_event" or (words[0] in EVENT_TEXTS and len(words) > 1):
        return _unknown(name, f"`{name}` does not exist")
    if words == ["data"]:
        parts = ("nullif(", *variable.parts, " -> 'data', 'null')")
        return replace(variable, parts=parts, origins=())
    last = "->>" if words[0] in EVENT_TEXTS else "->"
    path = [f" -> {literal(word)}" for word in words[:-1]] + [f" {last} {literal(words[-1])}"]
    return replace(variable, parts=(*variable.parts, *path), origins=())


def _column(name: Name, scope: Scope, query: Query) -> Diagnostic | str | None:
    """A bare column of a query's tables, qualified where a variable has the same name."""
    word = name.words[0].name
    event = scope.event or EventScope()
    fields = {*scope.context, *event.fields, *event.partial, *event.conflicting, *event.output}
    if word not in fields and word not in SELF:
        return None
    if query.sorting or word == query.only:
        return None
    if query.only is not None:
        return f"{ident(query.only)}.{ident(word)}"
    if word not in fields:
        return None
    message = f"`{word}` may be a column here or a field of yours"
    return _unknown(name, message, f"write its table's name before it: `t.{word}`")


_WHOLE = {
    "context": "name a field: `context.total`",
    "event": "name a field: `event.reason`, `event.type`; the undeclared ones are `event.data`",
    "self": "name what you need: `self.id`, `self.machine`, `self.version`, `self.seq`",
    "sender": "name what you need: `sender.machine`, `sender.id`",
    "guards": "name the guard: `guards.affordable`",
    "params": "name the parameter: `params.limit`",
}


def _undeclared(name: Name, scope: Scope) -> Diagnostic:
    """A bare word that means nothing: most often a field without its space, or text."""
    word = name.words[0]
    message = f"unknown name `{word.raw}`"
    known = {field: f"context.{field}" for field in scope.context}
    if scope.event is not None:
        known |= {f: f"event.{f}" for f in ("type", *scope.event.fields) if f not in known}
    known |= {g: f"guards.{g}" for g in scope.guards if g not in known}
    known |= {p: f"params.{p}" for p in scope.params if p not in known}
    known |= {own: own for own in ("now", "claims", *scope.bare)}
    meant = word.among(known) or closest(word.name, known)
    text = word.raw.strip('"')
    if meant is not None:
        return _unknown(name, message, f"did you mean `{known[meant]}`?")
    hint = f"text is written `$${text}$$`"
    if word.raw.startswith('"'):
        hint = f"double quotes mean a name in SQL: {hint}"
    return _unknown(name, message, hint)


def _context(name: Name, scope: Scope) -> Meaning:
    _, word, *more = name.words
    field = word.among(scope.context)
    if word.name == "*":
        return _whole(name)
    if field is None and word.among(scope.bare):
        return _unknown(name, f"`{name}` is called by its bare name here", f"write `{word.raw}`")
    if field is None:
        meant = closest(word.name, scope.context)
        hint = f"did you mean `context.{meant}`?" if meant else "declare it under `context:`"
        if not scope.context:
            hint = "no field can be read here"
        message = f"the context has no field `{word.raw}`"
        return Diagnostic("PW301", message, name.span, hint=hint)
    if more:
        return _unknown(
            name, f"`{name}` has too many dots", f"write `(context.{word.raw}).{more[0].raw}`"
        )
    return Ref("context", field, name.offset, scope.context[field])


def _old(name: Name, scope: Scope) -> Meaning:
    word = name.words[1]
    field = word.among(scope.old)
    if field is None or len(name.words) > 2:
        meant = closest(word.name, scope.old)
        hint = f"did you mean `old.{meant}`?" if meant else None
        return _unknown(name, f"the earlier version has no field `{word.raw}`", hint)
    return Ref("old", field, name.offset, scope.old[field])


def _self(name: Name, scope: Scope) -> Meaning:
    word = name.words[1]
    if not scope.self:
        return _unknown(name, "`self` does not exist here")
    if word.name not in SELF or len(name.words) > 2:
        meant = closest(word.name, SELF)
        hint = f"did you mean `self.{meant}`?" if meant else f"self has {_list(SELF)}"
        return _unknown(name, f"unknown name `{name}`", hint)
    return Ref("self", word.name, name.offset)


def _sender(name: Name, scope: Scope) -> Meaning:
    word = name.words[1]
    if not scope.sender:
        hint = "the rules of `authorize.send` may ask who sent a message; others get it as `data`"
        return _unknown(name, "`sender` does not exist here", hint)
    if word.name not in SENDER or len(name.words) > 2:
        hint = f"a sender has {_list(f'sender.{each}' for each in SENDER)}"
        return _unknown(name, f"unknown name `{name}`", hint)
    return Ref("sender", word.name, name.offset)


def _named(name: Name, known: Mapping[str, Expression]) -> Meaning:
    space, word = name.words[0].name, name.words[1]
    entry = word.among(known)
    if entry is None or len(name.words) > 2:
        meant = closest(word.name, known)
        hint = f"did you mean `{space}.{meant}`?" if meant else None
        code = "PW312" if space == "guards" else "PW313"
        kind = "guard" if space == "guards" else "parameter"
        return Diagnostic(code, f"unknown {kind} `{word.raw}`", name.span, hint=hint)
    return known[entry]


def _event(name: Name, scope: Scope) -> Meaning:
    _, word, *more = name.words
    event = scope.event
    if event is None:
        return _unknown(name, "there is no event here")
    if word.name == "*":
        return _whole(name)
    match word.name, more:
        case "type", []:
            return Ref("event", "type", name.offset, "text")
        case "data", [] if event.has_data:
            return Ref("event", "data", name.offset, "jsonb")
        case "data", []:
            hint = _declared(event) or "`event.data` is for wildcard and undeclared events"
            return Diagnostic("PW302", "no undeclared data here", name.span, hint=hint)
        case "output", _:
            return _output(name, event)
        case "error", _:
            return _error(name, event)
        case "snapshot", []:
            return _snapshot(name, event)
        case _, []:
            return _field(name, event)
        case _:
            hint = f"write `(event.{word.raw}).{more[0].raw}`"
            return _unknown(name, f"`{name}` has too many dots", hint)


def _field(name: Name, event: EventScope) -> Meaning:
    word = name.words[1]
    if (field := word.among(event.fields)) is not None:
        return Ref("event", field, name.offset, event.fields[field])
    if problem := _shared(name, word.among((*event.partial, *event.conflicting)), event):
        return problem
    causes = (
        f"`{event.causes[0]}` does not declare" if len(event.causes) == 1 else "no event declares"
    )
    if meant := closest(word.name, ("type", *event.fields, *event.partial)):
        hint = f"did you mean `event.{meant}`?"
    elif event.has_data:
        hint = f"an undeclared field is `event.data->>'{word.raw}'`"
    else:
        hint = _declared(event) or "declare it under `events:`"
    return Diagnostic("PW302", f"{causes} `{word.raw}`", name.span, hint=hint)


def _output(name: Name, event: EventScope) -> Meaning:
    words = name.words[2:]
    if problem := _shared(name, _path(name), event):
        return problem
    if not event.has_output:
        message = "no done event leads here, so there is no output"
        return Diagnostic("PW302", message, name.span)
    if not words:
        return Ref("event", "output", name.offset, "jsonb")
    field = words[0].among(event.output)
    if field is not None and len(words) == 1:
        return Ref("event", f"output.{field}", name.offset, event.output[field])
    meant = closest(words[0].name, event.output)
    hint = f"did you mean `event.output.{meant}`?" if meant else None
    if not event.output:
        hint = (
            f"declare its `returns:` in `effects:`, or write `event.output->>'{words[0].raw}'`: "
            "an output without a declaration is jsonb"
        )
    return Diagnostic("PW302", f"the output has no field `{words[0].raw}`", name.span, hint=hint)


def _error(name: Name, event: EventScope) -> Meaning:
    words = name.words[2:]
    if problem := _shared(name, _path(name), event):
        return problem
    if not event.has_error:
        message = "no error event leads here, so there is no error"
        return Diagnostic("PW302", message, name.span)
    if not words:
        return Ref("event", "error", name.offset, "jsonb")
    if len(words) == 1 and words[0].name in ERROR:
        return Ref("event", f"error.{words[0].name}", name.offset, ERROR[words[0].name])
    meant = closest(words[0].name, ERROR)
    hint = f"did you mean `event.error.{meant}`?" if meant else f"an error has {_list(ERROR)}"
    return Diagnostic("PW302", f"an error has no `{words[0].raw}`", name.span, hint=hint)


def _snapshot(name: Name, event: EventScope) -> Meaning:
    if problem := _shared(name, _path(name), event):
        return problem
    if not event.has_snapshot:
        message = "no snapshot of an invoke leads here"
        return Diagnostic("PW302", message, name.span)
    return Ref("event", "snapshot", name.offset, "jsonb")


def _shared(name: Name, field: str | None, event: EventScope) -> Diagnostic | None:
    """The complaint about a field that the causes do not agree on."""
    if field is None:
        return None
    if types := event.conflicting.get(field):
        message = f"`event.{field}` has different types: {_list(types)}"
        hint = "the events that lead here must declare it alike"
        return Diagnostic("PW311", message, name.span, hint=hint)
    if lacking := event.partial.get(field):
        message = f"not every event that leads here has `{field}`"
        verb = "lacks" if len(lacking) == 1 else "lack"
        hint = f"{_list(lacking)} {verb} it: assign it where the event is known"
        return Diagnostic("PW303", message, name.span, hint=hint)
    return None


def _path(name: Name) -> str:
    """The name without its space: `output`, `output.courier_id`."""
    return ".".join(word.name for word in name.words[1:])


def _qualified(name: Name, scope: Scope, query: Query) -> Meaning:
    """A column of a table of a query around, else nothing that exists."""
    table = name.words[-2].name
    if table in query.aliases and len(name.words) <= 3:
        return None
    message = f"unknown name `{name}`"
    if query.tables:
        return _unknown(name, message, f"no table of this query is called `{table}`")
    spaces = ("context", "event", "self", "guards", "params")
    meant = closest(name.words[0].name, spaces)
    hint = f"did you mean `{meant}.{name.words[1].raw}`?" if meant else None
    return _unknown(name, message, hint)


def _whole(name: Name) -> Diagnostic:
    return _unknown(name, f"`{name}` is not a value", _WHOLE[name.words[0].name])


def _unknown(name: Name, message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic("PW308", message, name.span, hint=hint)


def _declared(event: EventScope) -> str | None:
    if not event.fields:
        return None
    return f"declared: {_list(f'event.{field}' for field in event.fields)}"


def _list(names: Iterable[str]) -> str:
    """
    >>> _list(["a", "b"])
    '`a`, `b`'
    """
    return ", ".join(f"`{name}`" for name in names)
