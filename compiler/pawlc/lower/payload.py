"""Events arriving: their fields checked and converted, as PL/pgSQL.

In: the `jsonb` of an event or of an input. Out: statements that set the typed variables, or raise
PT400 for a missing, undeclared or mistyped field and PT422 for one that breaks a check.
"""

from pawlc.lower.plan import Plan
from pawlc.lower.scope import Scope, reads_whole, variable
from pawlc.lower.target import Body, Branch, Call, Comment, If, Set, Statement
from pawlc.model import events
from pawlc.model.machine import Column, Event
from pawlc.source import Span
from pawlc.sql import Sql, ident, join, jsonb, literal, sql, text_array, typename

_TEXTS = ("text", "varchar", "character varying", "char", "character", "bpchar", "citext", "name")
_TIMES = ("date", "interval", "time", "timetz", "timestamp", "timestamptz")
_FLAGS = ("boolean", "bool")


def source_comment(span: Span, label: str) -> Comment:
    """The line that leads from generated code back to the definition."""
    return Comment(f"{span.file}:{span.start.line}  {label}")


def receive(plan: Plan, name: str, source: Sql) -> Body:
    """Set the variables of an event that is about to be processed; `source` is its jsonb."""
    declared = next((e for e in plan.machine.events if e.name == name), None)
    if declared is not None:
        return _declared(plan, declared, source)
    return (*_output(plan, name, source), *_raw(plan, name, source))


def _declared(plan: Plan, event: Event, source: Sql) -> Body:
    variables = {
        c.name: ident("event", variable(plan, event.name, c.name) or c.name) for c in event.fields
    }
    body: list[Statement] = [source_comment(event.span, f"event {event.name}")]
    body += fields(
        plan, event.name, source, event.fields, variables, ("type",), closed=plan.machine.strict
    )
    return tuple(body) if len(body) > 1 else ()


def fields(
    plan: Plan,
    event: str | None,
    source: Sql,
    columns: tuple[Column, ...],
    variables: dict[str, Sql],
    besides: tuple[str, ...],
    closed: bool,
    checks: bool = True,
    unless: Sql | None = None,
) -> Body:
    """Check the shape of an object, then convert its fields and ask their checks.

    `closed` refuses undeclared fields, `unless` something holds; `besides` are keys that may stand
    beside them. `event` None: the object is the input of a creation.
    """
    wrong = shape_is_wrong(source, columns, besides, closed, unless)
    if closed and not columns and besides == ("type",):
        wrong = sql("{} <> {}", source, jsonb({"type": event}))
    body: list[Statement] = []
    if wrong is not None:
        declared = {c.name: {"type": c.type, "required": _is_required(c)} for c in columns}
        call = Call(
            ident("pawl", "raise_payload"),
            (literal(plan.machine.name), literal(event), source, jsonb(declared)),
        )
        body.append(If((Branch(wrong, (call,)),)))
    for column in columns:
        if not _is_sure(column.type):
            label = f"event {event or 'create'} field {column.name}"
            body.append(source_comment(column.source.span, label))
        body.append(Set(variables[column.name], _value(plan, source, column)))
    if checks:
        body += [s for column in columns for s in _checks(plan, event, column)]
    return tuple(body)


def shape_is_wrong(
    source: Sql,
    columns: tuple[Column, ...],
    besides: tuple[str, ...],
    closed: bool,
    unless: Sql | None = None,
) -> Sql | None:
    """The condition under which an object does not fit its declaration; None if it always does."""
    reasons = []
    if closed:
        known = (*besides, *(c.name for c in columns))
        rest = literal(known[0]) if len(known) == 1 else text_array(known)
        left = sql("{} - {}", source, rest) if known else source
        undeclared = sql("{} <> '{{}}'::jsonb", left)
        if unless is not None:
            undeclared = sql("({} and ({}) is not true)", undeclared, unless)
        reasons.append(undeclared)
    required = (literal(c.name) for c in columns if _is_required(c))
    reasons += [sql("{} ->> {} is null", source, name) for name in required]
    for column in columns:
        if (expected := _json_type(column.type)) is not None:
            kind = sql("jsonb_typeof({} -> {})", source, literal(column.name))
            if _is_required(column):
                reasons.append(sql("{} <> {}", kind, literal(expected)))
            else:
                reasons.append(sql("{} not in ({}, 'null')", kind, literal(expected)))
    return join(" or ", reasons) if reasons else None


def _json_type(type: str) -> str | None:
    """The JSON type of a field's values, where Postgres would read others too.

    A 1 would be true, a second, a date.
    """
    if _is_text(type) or _base(type).split(" ")[0] in _TIMES:
        return None if type.endswith("]") else "string"
    return "boolean" if _base(type) in _FLAGS else None


def _is_sure(type: str) -> bool:
    """Whether every value of the right JSON type converts."""
    return type.strip().lower() in ("text", "json", "jsonb", *_FLAGS)


def _is_required(column: Column) -> bool:
    return column.not_null and column.default is None


def _base(type: str) -> str:
    """A type without its length.

    >>> _base("character varying(3)"), _base("timestamp (3) with time zone")
    ('character varying', 'timestamp')
    """
    return type.split("(")[0].strip().lower()


def _is_text(type: str) -> bool:
    return _base(type) in _TEXTS


def _value(plan: Plan, source: Sql, column: Column) -> Sql:
    value = convert(source, column.name, column.type)
    if column.default is None:
        return value
    default = Scope(plan).sql(column.default)
    return sql("coalesce({}, ({})::{})", value, default, typename(column.type))


def convert(source: Sql, name: str, type: str) -> Sql:
    """A field of a jsonb object as a value that is assigned to a variable of a type.

    Texts and lists of texts are left to the assignment, which refuses what is too long; a cast
    would cut it.
    """
    key = literal(name)
    lowered = type.strip().lower()
    if lowered == "jsonb":
        return sql("nullif({} -> {}, 'null')", source, key)
    if lowered == "json":
        return sql("(nullif({} -> {}, 'null'))::json", source, key)
    if lowered.endswith("]"):
        items = sql("pawl.text_array({} -> {})", source, key)
        return items if _is_text(lowered.split("[")[0]) else sql("{}::{}", items, typename(type))
    if _is_text(lowered):
        return sql("{} ->> {}", source, key)
    return sql("({} ->> {})::{}", source, key, typename(type))


def _checks(plan: Plan, event: str | None, column: Column) -> Body:
    """A payload's check constraints, read as Postgres reads them: null passes."""
    body: list[Statement] = []
    for check in column.checks:
        condition = Scope(plan, event).sql(check.expression)
        call = Call(
            ident("pawl", "raise_check"),
            (
                literal(plan.machine.name),
                ident("self", "id"),
                literal(column.name),
                literal(check.expression.source.value),
            ),
        )
        body.append(If((Branch(sql("({}) is false", condition), (call,)),)))
    return tuple(body)


def _output(plan: Plan, name: str, source: Sql) -> Body:
    """The typed output of a done event."""
    output = sql("{} -> 'output'", source)
    for state in plan.machine.states:
        for invoke in state.invokes:
            if name == events.done_invoke(invoke.id) and not invoke.child:
                effect = next(e for e in plan.machine.effects if e.name == invoke.effect)
                columns = effect.returns or ()
                names = {
                    c.name: ident("event", variable(plan, name, f"output.{c.name}") or c.name)
                    for c in columns
                }
                if columns:
                    comment = source_comment(effect.span, f"event {name}")
                    return (comment, *fields(plan, name, output, columns, names, (), closed=False))
    return ()


def _raw(plan: Plan, name: str, source: Sql) -> Body:
    """`event.output`, `event.error` and `event.snapshot`, where anything reads them."""
    body: list[Statement] = []
    for key, prefix in (("output", "done."), ("error", "error."), ("snapshot", "snapshot.")):
        if reads_whole(plan, key) and name.startswith(prefix):
            body.append(Set(ident("event", key), sql("{} -> {}", source, literal(key))))
    return tuple(body)
