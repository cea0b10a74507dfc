"""What a machine has in the API schema: a view, and a typed function for each event.

In: a machine and the name of the schema. Out: statements of a deploy, which drops what the version
before had. PostgREST's OpenAPI is made of these, their parameters and their comments.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pawlc.emit.layout import fit
from pawlc.model.machine import Column, Machine
from pawlc.sql import Sql, ident, join, literal, sql, typename

MOST = 100 - 3
"""Fields that a function can have parameters for, beside `id`, `event_id`, `expected_seq`."""

_OURS = ("id", "event_id", "expected_seq")


@dataclass(frozen=True, slots=True)
class ApiFunction:
    """A function of the API schema: its name, the types that identify it, and what makes it."""

    name: str
    types: tuple[Sql, ...]
    create: Sql


def view_name(machine: Machine) -> str:
    """The name of the machine's view."""
    return f"{plain(machine.name)}_instance"


def plain(name: str) -> str:
    """A name of the definition as part of a name in the API: the address of an RPC has no dots.

    >>> plain("courier.accept"), plain("round-trip")
    ('courier_accept', 'round_trip')
    """
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def view(machine: Machine, api_schema: str) -> Sql:
    """The view of the instances that the caller may read."""
    schema = ident(machine.schema)
    facts = sql("{}.facts(i.version, i.state)", schema)
    columns = [
        sql("i.id"),
        sql("i.version"),
        sql("i.state"),
        sql("{} -> 'state_value' as state_value", facts),
        sql("{} -> 'tags' as tags", facts),
        sql("i.status"),
        sql("i.seq"),
        sql("i.output"),
        sql("i.created_at"),
        sql("i.updated_at"),
        *(_field(machine, name) for name in machine.public),
    ]
    return sql(
        "create or replace view {} with (security_invoker = true) as\n"
        "select\n  {}\nfrom {}.instance i",
        ident(api_schema, view_name(machine)),
        join(",\n  ", columns),
        schema,
    )


def _field(machine: Machine, name: str) -> Sql:
    column = machine.column_of(name)
    if column == name:
        return sql("i.{}", ident(name))
    return sql("i.{} as {}", ident(column), ident(name))


def view_grants(machine: Machine, api_schema: str) -> Sql:
    """Who may ask the view, and its comment."""
    name = ident(api_schema, view_name(machine))
    comment = machine.description or f"Instances of {machine.name}"
    return sql(
        "revoke all on {} from public;\n"
        "grant select on {} to pawl_client, pawl_worker;\n"
        "comment on view {} is {};\n",
        name,
        name,
        name,
        literal(f"{comment}: those that the caller may read"),
    )


def functions(machine: Machine, api_schema: str) -> Iterator[ApiFunction]:
    """One function for creating an instance, one for each event, in the definition's order."""
    fields = {column.name: column for column in machine.context}
    given = tuple(fields[name] for name in machine.input)
    if len(given) <= MOST:
        yield _create(machine, api_schema, given)
    for event in machine.events:
        if len(event.fields) <= MOST:
            yield _send(machine, api_schema, event.name, event.fields)


def _create(machine: Machine, api_schema: str, fields: tuple[Column, ...]) -> ApiFunction:
    body = sql(
        "{}({}, id, {})",
        ident(api_schema, "create_instance"),
        literal(machine.name),
        _object(sql("'{{}}'::jsonb"), fields),
    )
    name = f"create_{plain(machine.name)}"
    comment = f"Create an instance of {machine.name}"
    return _function(api_schema, name, fields, (), body, comment)


def _send(machine: Machine, api_schema: str, event: str, fields: tuple[Column, ...]) -> ApiFunction:
    typed = sql("jsonb_build_object('type', {})", literal(event))
    body = sql(
        "{}({}, id, {}, event_id, expected_seq)",
        ident(api_schema, "send_event"),
        literal(machine.name),
        _object(typed, fields),
    )
    name = f"{plain(machine.name)}_{plain(event)}"
    last = (("event_id", "text"), ("expected_seq", "bigint"))
    comment = f"Send {event} to an instance of {machine.name}"
    return _function(api_schema, name, fields, last, body, comment)


def _function(
    api_schema: str,
    name: str,
    fields: tuple[Column, ...],
    last: tuple[tuple[str, str], ...],
    body: Sql,
    comment: str,
) -> ApiFunction:
    """A function of the caller's rights: all it does is call the API."""
    required = [field for field in fields if not _is_optional(field)]
    optional = [field for field in fields if _is_optional(field)]
    parameters = [
        sql("id text"),
        *(sql("{} {}", _parameter(f), typename(f.type)) for f in required),
        *(sql("{} {} default null", _parameter(f), typename(f.type)) for f in optional),
        *(sql("{} {} default null", ident(n), typename(t)) for n, t in last),
    ]
    types = (sql("text"), *(typename(f.type) for f in (*required, *optional)))
    types += tuple(typename(t) for _, t in last)
    made = ident(api_schema, name)
    signature = sql("{}({})", made, join(", ", types))
    create = sql(
        "create function {}(\n  {}\n)\nreturns jsonb\nlanguage sql\nreturn {};\n"
        "revoke all on function {} from public;\n"
        "grant execute on function {} to pawl_client, pawl_worker;\n"
        "comment on function {} is {};\n",
        made,
        join(",\n  ", parameters),
        Sql(fit(body, 0, len("return "))),
        signature,
        signature,
        signature,
        literal(comment),
    )
    return ApiFunction(name, types, create)


def _parameter(field: Column) -> Sql:
    """The name of a field's parameter; one that is ours gets an underscore behind it."""
    return ident(f"{field.name}_" if field.name in _OURS else field.name)


def _is_optional(field: Column) -> bool:
    return not field.not_null or field.default is not None


def _object(start: Sql, fields: tuple[Column, ...]) -> Sql:
    """The JSON object of the fields; one that may be left out is, when it is null."""
    required = [field for field in fields if not _is_optional(field)]
    optional = [field for field in fields if _is_optional(field)]
    pairs = [sql("{}, {}", literal(f.name), _parameter(f)) for f in required]
    parts = [start]
    if pairs:
        parts.append(sql("jsonb_build_object({})", join(", ", pairs)))
    parts += [
        sql(
            "case when {} is null then '{{}}'::jsonb else jsonb_build_object({}, {}) end",
            _parameter(field),
            literal(field.name),
            _parameter(field),
        )
        for field in optional
    ]
    return join(" || ", parts)
